from student.evaluation.scores import evaluate_predictions
from student.evaluation.table import LEFT_OUT, NOTE, markdown_table


def test_the_table_has_a_row_per_model_and_a_dash_where_there_is_nothing(body, person, make_table, answer):
    table = make_table(person[None])
    scores = {
        "toy": {
            "student": evaluate_predictions(table, body, answer(table)),
            "coco_only": evaluate_predictions(table, body, answer(table, without=[5])),
        }
    }
    text = markdown_table(scores, ["student", "coco_only", "elsewhere"], ["toy", "unlabelled"])
    assert text.splitlines() == [
        "| model     | toy AP | toy PCK | unlabelled AP | unlabelled PCK |",
        "|-----------|-------:|--------:|--------------:|---------------:|",
        "| student   |  100.0 |   100.0 |             - |              - |",
        "| coco_only | 100.0* |   100.0 |             - |              - |",
        "| elsewhere |      - |       - |             - |              - |",
        "",
        NOTE,
        f"{LEFT_OUT}coco_only on toy: nose.",
    ]
