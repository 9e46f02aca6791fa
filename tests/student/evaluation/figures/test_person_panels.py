import numpy as np
import pytest

from student.evaluation.figures.person_panels import GAP, TITLE_HEIGHT, Columns, person_row
from student.evaluation.joint_mapping import teacher_joint_mapping
from student.evaluation.model_results import ModelResult
from student.evaluation.scores import evaluate_predictions
from student.evaluation.split_evaluation import SplitEvaluation

COLUMNS = Columns(teachers=("right", "absent"), students=("student", "other"))
IMAGE = np.full((200, 220, 3), 90, np.uint8)
ORDER = ("image", "labels", "right", "absent", "other", "student")


@pytest.fixture
def split(body, person, make_table, result):
    """`student` has the nose 15 px too low, `other` has none; `absent` has no answer."""
    table = make_table(person[None], np.array([[2, 2, 2, 2, 0, 2]]))
    low = np.zeros((1, 6, 2))
    low[0, 5, 1] = 15
    predictions = {
        "student": result(table, offset=low),
        "other": result(table, without=[5]),
        "right": result(table),
    }
    mapping = teacher_joint_mapping(body, body)
    return SplitEvaluation(
        table,
        body,
        {model: ModelResult(mapping, p) for model, p in predictions.items()},
        {model: evaluate_predictions(table, body, p) for model, p in predictions.items()},
    )


@pytest.fixture
def panels(split):
    """By column, without titles."""
    picture, side = person_row(split, 0, IMAGE, COLUMNS), COLUMNS.side
    assert picture.shape == (TITLE_HEIGHT + side, COLUMNS.width, 3)
    starts = {name: number * (side + GAP) for number, name in enumerate(ORDER)}
    return {name: picture[TITLE_HEIGHT:, start : start + side] for name, start in starts.items()}


def centre(picture: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Of the pixels in which they differ."""
    rows, columns = np.nonzero((picture.astype(int) != other).any(axis=2))
    return columns.mean(), rows.mean()


def test_panels_are_the_image_the_labels_teachers_other_students_and_the_student_last(panels):
    assert np.array_equal(panels["absent"], np.full_like(panels["image"], 240))
    # The box takes the middle 60 of 75 px: nothing else is in the image, and labels are within.
    rows, columns = np.nonzero((panels["image"] != 90).any(axis=2))
    edges = [(COLUMNS.side - 1) / 2 + sign * COLUMNS.side * 60 / 75 / 2 for sign in (-1, 1)]
    assert [rows.min(), rows.max(), columns.min(), columns.max()] == pytest.approx(edges * 2, abs=2)
    assert (panels["image"][60:-60, 60:-60] == 90).all() and (panels["labels"][60:-60, 60:-60] != 90).any()


def test_a_joint_that_is_not_predicted_is_not_drawn_and_joints_lie_where_they_are_in_the_image(panels):
    """`right` and `other` differ in the nose alone, at (60, 20). The box is the 60 px around (60, 50), so the
    panel shows 75 px from (22.5, 12.5)."""
    x, y = centre(panels["right"], panels["other"])
    scale = COLUMNS.side / 75
    assert abs(x - (60 - 22.5) * scale) < 3
    assert abs(y - (20 - 12.5) * scale) < 3


def test_a_line_leads_from_a_miss_to_its_label_and_from_no_joint_that_is_met(panels):
    def pink(picture):
        return (picture.astype(int) @ [1, -2, 1] > 300).sum()

    # The nose is 15 px low: above a fifth of the torso of 50 px.
    assert pink(panels["student"]) > 10
    assert pink(panels["right"]) == pink(panels["labels"]) == pink(panels["other"]) == 0


def test_an_unlabelled_wrist_is_drawn_for_models_only(panels):
    x, _ = centre(panels["right"], panels["labels"])
    assert abs(x - (90 - 22.5) * COLUMNS.side / 75) < 3


def test_people_without_labels_have_an_empty_place_for_them(body, person, make_table, result, split):
    bare = make_table(person[None], np.zeros((1, 6)))
    unlabelled = SplitEvaluation(bare, body, split.results, {})
    picture, side = person_row(unlabelled, 0, IMAGE, COLUMNS), COLUMNS.side
    labels = picture[TITLE_HEIGHT:, side + GAP : 2 * side + GAP]
    assert (labels == 240).all()


def test_panels_are_narrower_where_there_are_more_but_never_too_small_to_see():
    assert Columns((), ("student",)).side == 280
    assert Columns(tuple("abcd"), ("student", "other")).side == 1800 // 8
    assert Columns(tuple("abcdefghijklmno"), ("student",)).side == 150
