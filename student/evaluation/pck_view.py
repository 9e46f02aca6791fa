"""PCK@0.2 of several models on several datasets, over joints chosen for each dataset, and the mean."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.conventions.convention import Convention
from student.evaluation.metrics.common_joints import common_joints
from student.evaluation.metrics.pck import NO_LABEL
from student.evaluation.scores import Scores

MEAN = "mean"
"""The mean's name beside the datasets'."""


@dataclass(frozen=True)
class PckView:
    """`scores` by dataset and model, seen through some joints of each dataset."""

    scores: Mapping[str, Mapping[str, Scores]]
    joints: Mapping[str, tuple[str, ...]]
    """By dataset, as it calls them."""

    @classmethod
    def own(
        cls, scores: Mapping[str, Mapping[str, Scores]], conventions: Mapping[str, Convention]
    ) -> "PckView":
        """All joints of each dataset."""
        return cls(scores, {dataset: conventions[dataset].joints for dataset in scores})

    def common(self, conventions: Mapping[str, Convention]) -> "PckView":
        """Of this view's measured datasets, the joints that they all have; none where they share none."""
        chosen = {dataset: conventions[dataset] for dataset in self.measured}
        if not chosen:
            return PckView(self.scores, {})
        joints = common_joints(list(chosen.values()))
        return PckView(self.scores, {dataset: joints[c.name] for dataset, c in chosen.items()})

    @property
    def measured(self) -> tuple[str, ...]:
        """Datasets in which a label counts: those that the mean is over."""
        return tuple(dataset for dataset in self.scores if self.labels(dataset))

    def value(self, dataset: str, model: str) -> float | None:
        """Fraction; None where the model has no predictions, or predicts none of the joints."""
        scores = self.scores.get(dataset, {}).get(model)
        if scores is None or scores.torso is None:
            return None
        return scores.torso.over(self.joints.get(dataset, ()))

    def mean(self, model: str) -> float | None:
        """Over the measured datasets, which weigh alike; None unless the model has a value on each."""
        values = [self.value(dataset, model) for dataset in self.measured]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known and len(known) == len(values) else None

    def lacks_joints(self, dataset: str, model: str) -> bool:
        """Whether the model does not predict all of the joints."""
        scores = self.scores.get(dataset, {}).get(model)
        return scores is not None and not set(self.joints.get(dataset, ())).isdisjoint(scores.not_predicted)

    def people(self, dataset: str) -> int:
        """Those with a label that counts."""
        return self._counts(dataset)[0]

    def labels(self, dataset: str) -> int:
        """That count: of these joints, and of people with a torso."""
        return self._counts(dataset)[1]

    def _counts(self, dataset: str) -> tuple[int, int]:
        """People and labels; they are the same for every model."""
        shares = [scores.torso for scores in self.scores[dataset].values() if scores.torso is not None]
        joints = self.joints.get(dataset, ())
        if not shares or not joints:
            return 0, 0
        columns = [shares[0].joints.index(joint) for joint in joints]
        counts_NJ = shares[0].verdict_NK[:, columns] != NO_LABEL
        return int(counts_NJ.any(axis=1).sum()), int(counts_NJ.sum())


def means_of(
    scores: Mapping[str, Mapping[str, Scores]], conventions: Mapping[str, Convention]
) -> dict[str, dict[str, float]]:
    """By model: its mean over datasets of PCK over common joints and over own ones, where it has them."""
    own = PckView.own(scores, conventions)
    views = {"PCK20_common": own.common(conventions), "PCK20": own}
    means: dict[str, dict[str, float]] = {}
    for model in dict.fromkeys(model for models in scores.values() for model in models):
        values = {name: view.mean(model) for name, view in views.items()}
        known = {name: round(value, 4) for name, value in values.items() if value is not None}
        if known:
            means[model] = known
    return means
