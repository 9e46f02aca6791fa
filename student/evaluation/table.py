"""The evaluation as one table of text: a row per model, AP and PCK per dataset."""

from collections.abc import Mapping, Sequence

from student.evaluation.markdown import markdown_rows
from student.evaluation.pck import LIMB_JOINTS
from student.evaluation.scores import Scores

COLUMNS = (("AP", "AP"), ("PCK20_limbs", "PCK"))
NOTE = "AP: OKS average precision. PCK: PCK@0.2 of the torso, limb joints. In percent; -: nothing to measure."
LEFT_OUT = "*: over fewer joints, not comparable with the other rows of its column. Not predicted: "


def markdown_table(
    scores: Mapping[str, Mapping[str, Scores]], models: Sequence[str], datasets: Sequence[str]
) -> str:
    """A Markdown table whose columns also line up as plain text, and notes under it.

    A model without an answer for a dataset, and a dataset without labels, get `-`; `*` marks numbers over
    fewer joints than the dataset has.
    """
    rows = [["model", *(f"{dataset} {title}" for dataset in datasets for _, title in COLUMNS)]]
    for model in models:
        cells = [cell for dataset in datasets for cell in _cells(scores.get(dataset, {}).get(model))]
        rows.append([model, *cells])
    return "\n".join([*markdown_rows(rows), "", NOTE, *_left_out(scores)]) + "\n"


def _cells(scores: Scores | None) -> list[str]:
    if scores is None:
        return ["-"] * len(COLUMNS)
    flat = scores.flat()
    return [f"{100 * flat[name]:.1f}{_mark(name, scores)}" if name in flat else "-" for name, _ in COLUMNS]


def _mark(name: str, scores: Scores) -> str:
    left_out = set(scores.not_predicted)
    return "*" if (left_out & set(LIMB_JOINTS) if name == "PCK20_limbs" else left_out) else ""


def _left_out(scores: Mapping[str, Mapping[str, Scores]]) -> list[str]:
    missing = [
        f"{model} on {dataset}: {', '.join(model_scores.not_predicted)}"
        for dataset, models in scores.items()
        for model, model_scores in models.items()
        if model_scores.not_predicted
    ]
    return [LEFT_OUT + "; ".join(missing) + "."] if missing else []
