import cv2
import numpy as np
import pytest

from student.evaluation.figures.person_panels import Columns
from student.evaluation.figures.side_by_side import SHEET, write_side_by_side
from student.evaluation.joint_mapping import teacher_joint_mapping
from student.evaluation.model_results import ModelResult
from student.evaluation.scores import evaluate_predictions
from student.evaluation.split_evaluation import SplitEvaluation

COLUMNS = Columns(teachers=(), students=("student",))


@pytest.fixture
def make_split(body, person, make_table, result, tmp_path):
    """People whose errors are by row; without labels where there are no errors."""

    def make(errors, labelled=True):
        visibility = np.full((len(errors), 6), 2 if labelled else 0)
        table = make_table(np.stack([person] * len(errors)), visibility)
        for name in table.image:
            cv2.imwrite(str(tmp_path / name), np.zeros((200, 220, 3), np.uint8))
        offset = np.zeros((len(errors), 6, 2))
        offset[:, :, 0] = np.array(errors)[:, None]
        predictions = result(table, offset=offset)
        scores = {"student": evaluate_predictions(table, body, predictions)} if labelled else {}
        return SplitEvaluation(
            table, body, {"student": ModelResult(teacher_joint_mapping(body, body), predictions)}, scores
        )

    return make


def test_every_person_has_a_picture_and_all_datasets_one_sheet(tmp_path, make_split):
    splits = {"a": make_split([3, 1, 2, 9]), "b": make_split([0, 0], labelled=False)}
    sheet = write_side_by_side(tmp_path / "overlays", splits, COLUMNS, people=4)
    left = {str(path.relative_to(tmp_path / "overlays")) for path in (tmp_path / "overlays").rglob("*.png")}
    assert left == {SHEET, *(f"a/0{n}.png" for n in (1, 2, 3, 4)), "b/01.png", "b/02.png"}
    assert sheet == tmp_path / "overlays" / SHEET
    person, everyone = (cv2.imread(str(path)) for path in (tmp_path / "overlays/a/01.png", sheet))
    assert person.shape[1] == everyone.shape[1] == COLUMNS.width
    # three of a and two of b
    assert 5 * COLUMNS.side < everyone.shape[0] < 8 * COLUMNS.side


def test_many_datasets_have_a_person_each_on_the_sheet(tmp_path, make_split):
    splits = {str(number): make_split([1, 2, 3]) for number in range(9)}
    sheet = cv2.imread(str(write_side_by_side(tmp_path / "overlays", splits, COLUMNS, people=1)))
    assert 9 * COLUMNS.side < sheet.shape[0] < 13 * COLUMNS.side


def test_the_people_come_from_the_smallest_error_to_the_largest(tmp_path, make_split):
    """Joints lie 1, 2, 3 and 9 px to the right of the image's middle: so do the pixels drawn in the panel."""
    write_side_by_side(tmp_path, {"a": make_split([3, 1, 2, 9])}, COLUMNS, people=4)
    panels = [cv2.imread(str(tmp_path / "a" / f"0{n}.png"))[100:300, -COLUMNS.side :] for n in (1, 2, 3, 4)]
    middles = [np.nonzero(panel.any(axis=2))[1].mean() for panel in panels]
    assert middles == sorted(middles)


def test_nothing_is_written_where_nobody_is_asked_for_or_there(tmp_path, make_split):
    split = make_split([1.0])
    assert write_side_by_side(tmp_path / "none", {"a": split}, COLUMNS, people=0) is None
    assert write_side_by_side(tmp_path / "none", {}, COLUMNS, people=3) is None
    assert not (tmp_path / "none").exists()
