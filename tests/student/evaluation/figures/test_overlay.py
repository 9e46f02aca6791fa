import cv2
import numpy as np
import pytest

from student.evaluation.figures.overlay import SIDE, write_overlays


@pytest.fixture
def table(person, make_table, tmp_path):
    table = make_table(np.stack([person, person + 50, person + 90]))
    for name in table.image:
        cv2.imwrite(str(tmp_path / name), np.zeros((200, 220, 3), np.uint8))
    return table


def test_a_sheet_has_a_row_per_person_with_the_labels_and_each_model(tmp_path, body, table, result):
    path = write_overlays(tmp_path / "toy.png", table, body, {"student": result(table)}, people=2)
    assert cv2.imread(str(path)).shape == (2 * SIDE, 2 * SIDE, 3)


def test_people_without_labels_show_the_model_only(tmp_path, body, person, make_table, table, result):
    bare = make_table(table.keypoints, np.zeros((3, 6)))
    path = write_overlays(tmp_path / "toy.png", bare, body, {"student": result(bare)}, people=9)
    assert cv2.imread(str(path)).shape == (3 * SIDE, SIDE, 3)


def test_no_picture_is_drawn_when_none_is_asked_for(tmp_path, body, table, result):
    assert write_overlays(tmp_path / "toy.png", table, body, {"student": result(table)}, people=0) is None
    assert not (tmp_path / "toy.png").exists()


def test_a_joint_that_is_not_predicted_is_not_drawn(tmp_path, body, table, result):
    """The nose stands alone: no limb ends in it."""

    def tile(without):
        path = write_overlays(
            tmp_path / "t.png", table, body, {"m": result(table, without=without)}, people=1
        )
        return cv2.imread(str(path))[:, SIDE:]

    difference = np.abs(tile([]).astype(int) - tile([5])).sum(axis=2)
    rows, columns = np.nonzero(difference)
    # The box is 60 px square around (60, 50), the cut-out 75 px, scaled by 256 / 75; the nose is at (60, 20).
    assert abs(columns.mean() - SIDE / 2) < 3
    assert abs(rows.mean() - (20 - 12.5) * SIDE / 75) < 3
