"""The evaluation as text: PCK over the joints all datasets have, PCK over each one's own, and AP."""

from collections.abc import Iterator, Mapping, Sequence

from pipeline.conventions.convention import Convention
from student.evaluation.markdown import markdown_rows
from student.evaluation.pck_view import MEAN, PckView
from student.evaluation.scores import Scores

NOTHING = "-"
COMMON = "PCK@0.2 of the torso, in percent, over the {count} joints that all datasets have ({names}):"
OWN = "PCK@0.2 of the torso, in percent, over each dataset's own joints:"
AP = "AP, OKS average precision, in percent, over each dataset's own joints and with its own sigmas:"
NOTE = (
    "-: nothing to measure. A model without a number on one of the datasets has no mean. people, labels: "
    "what numbers are over."
)
STRICT = (
    "AIC's sigmas are several times stricter than other datasets': do not compare the AP on {datasets} with "
    "the others', or average them."
)
LEFT_OUT = "*: over fewer joints, not comparable with the other rows of its column. Not predicted: "
STRICT_SIGMAS = "aic14"


def markdown_table(
    scores: Mapping[str, Mapping[str, Scores]], models: Sequence[str], conventions: Mapping[str, Convention]
) -> str:
    """Markdown tables whose columns also line up as plain text, and notes under them.

    `conventions` are of all evaluated datasets. A model without predictions for a dataset, and a dataset
    without labels, get `-`; `*` marks numbers over fewer joints than the other rows'. The common joints have
    no table where they are all that the datasets have.
    """
    own = PckView.own(scores, conventions)
    common = own.common(conventions)
    datasets = tuple(conventions)
    lines = []
    if any(common.joints.values()) and any(
        set(joints) != set(own.joints[name]) for name, joints in common.joints.items()
    ):
        lines += [*_common_heading(common), *_pck_rows(common, models, datasets), ""]
    lines += [OWN, "", *_pck_rows(own, models, datasets), ""]
    lines += [AP, "", *_ap_rows(scores, models, datasets), ""]
    return "\n".join([*lines, NOTE, *_strict(scores, conventions), *_left_out(scores)]) + "\n"


def _common_heading(view: PckView) -> list[str]:
    joints = next(iter(view.joints.values()))
    names = dict.fromkeys(joint.removeprefix("left_").removeprefix("right_") for joint in joints)
    return [COMMON.format(count=len(joints), names=", ".join(names)), ""]


def _pck_rows(view: PckView, models: Sequence[str], datasets: Sequence[str]) -> list[str]:
    rows = [["model", MEAN, *datasets]]
    for model in models:
        lacks = any(view.lacks_joints(dataset, model) for dataset in view.measured)
        cells = [_cell(view.value(name, model), view.lacks_joints(name, model)) for name in datasets]
        rows.append([model, _cell(view.mean(model), lacks), *cells])
    for name, count in (("people", view.people), ("labels", view.labels)):
        counts = [count(dataset) if dataset in view.measured else 0 for dataset in datasets]
        rows.append([name, *(str(number) if number else NOTHING for number in (sum(counts), *counts))])
    return markdown_rows(rows)


def _ap_rows(
    scores: Mapping[str, Mapping[str, Scores]], models: Sequence[str], datasets: Sequence[str]
) -> list[str]:
    rows = [["model", *datasets]]
    for model in models:
        found = [scores.get(dataset, {}).get(model) for dataset in datasets]
        rows.append([model, *(_cell(s and s.oks.get("AP"), bool(s and s.not_predicted)) for s in found)])
    persons = [max((s.persons for s in scores.get(name, {}).values()), default=0) for name in datasets]
    rows.append(["people", *(str(number) if number else NOTHING for number in persons)])
    return markdown_rows(rows)


def _cell(value: float | None, incomplete: bool) -> str:
    return NOTHING if value is None else f"{100 * value:.1f}" + ("*" if incomplete else "")


def _strict(
    scores: Mapping[str, Mapping[str, Scores]], conventions: Mapping[str, Convention]
) -> Iterator[str]:
    datasets = [dataset for dataset in scores if conventions[dataset].origin == STRICT_SIGMAS]
    if datasets:
        yield STRICT.format(datasets=", ".join(datasets))


def _left_out(scores: Mapping[str, Mapping[str, Scores]]) -> list[str]:
    missing = [
        f"{model} on {dataset}: {', '.join(model_scores.not_predicted)}"
        for dataset, models in scores.items()
        for model, model_scores in models.items()
        if model_scores.not_predicted
    ]
    return [LEFT_OUT + "; ".join(missing) + "."] if missing else []
