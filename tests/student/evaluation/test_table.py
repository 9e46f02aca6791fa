from dataclasses import replace

import pytest

from student.evaluation.scores import evaluate_predictions
from student.evaluation.table import AP, LEFT_OUT, NOTE, OWN, markdown_table


@pytest.fixture
def score(body, person, make_table, result):
    """Scores of one person in a convention of body6's joints; `without` are not predicted."""

    def make(convention=body, **changes):
        table = make_table(person[None, : convention.num_joints])
        return evaluate_predictions(table, convention, result(table, **changes))

    return make


def test_the_tables_have_a_row_per_model_and_a_dash_where_there_is_nothing(body, score):
    scores = {"toy": {"student": score(), "coco_only": score(without=[5])}}
    text = markdown_table(
        scores,
        ["student", "coco_only", "elsewhere"],
        {"toy": body, "unlabelled": replace(body, name="other")},
    )
    assert text.splitlines() == [
        OWN,
        "",
        "| model     |   mean |    toy | unlabelled |",
        "|-----------|-------:|-------:|-----------:|",
        "| student   |  100.0 |  100.0 |          - |",
        "| coco_only | 100.0* | 100.0* |          - |",
        "| elsewhere |      - |      - |          - |",
        "| people    |      1 |      1 |          - |",
        "| labels    |      6 |      6 |          - |",
        "",
        AP,
        "",
        "| model     |    toy | unlabelled |",
        "|-----------|-------:|-----------:|",
        "| student   |  100.0 |          - |",
        "| coco_only | 100.0* |          - |",
        "| elsewhere |      - |          - |",
        "| people    |      1 |          - |",
        "",
        NOTE,
        f"{LEFT_OUT}coco_only on toy: nose.",
    ]


def test_joints_that_all_datasets_have_come_first_and_carry_no_mark(body, score):
    """`bust` is body6 without the wrist and the nose, so both datasets share the torso's four corners."""
    bust = body.reordered(body.joints[:4], "bust")
    scores = {
        "toy": {"student": score(), "coco_only": score(without=[5])},
        "bust": {"student": score(bust, offset=[99, 0]), "coco_only": score(bust)},
    }
    lines = markdown_table(scores, ["student", "coco_only"], {"toy": body, "bust": bust}).splitlines()
    assert lines[:8] == [
        "PCK@0.2 of the torso, in percent, over the 4 joints that all datasets have (shoulder, hip):",
        "",
        "| model     |  mean |   toy |  bust |",
        "|-----------|------:|------:|------:|",
        "| student   |  50.0 | 100.0 |   0.0 |",
        "| coco_only | 100.0 | 100.0 | 100.0 |",
        "| people    |     2 |     1 |     1 |",
        "| labels    |     8 |     4 |     4 |",
    ]
    assert "| coco_only | 100.0* | 100.0* | 100.0 |" in lines


def test_the_ap_of_stricter_sigmas_is_marked_as_not_comparable(body, score):
    aic = replace(body, name="aic14")
    conventions = {"street": body, "lane": aic, "alley": replace(body, name="reordered", base="aic14")}
    scores = {name: {"student": score(convention)} for name, convention in conventions.items()}
    strict = "do not compare the AP on lane, alley with the others', or average them."
    assert strict in markdown_table(scores, ["student"], conventions)
    assert "AIC" not in markdown_table({"street": scores["street"]}, ["student"], {"street": body})
