"""Drawings: each colour where it belongs."""

import numpy as np
import pytest

from pipeline.conventions.registry import load_convention
from pipeline.datasets.draw import LEFT, MIDDLE, RIGHT, contact_sheet, cut_out, draw_crop

BLACK = np.zeros((100, 120, 3), np.uint8)


@pytest.fixture
def coco17():
    return load_convention("coco17")


def joints(convention, **places):
    keypoints = np.zeros((convention.num_joints, 2), np.float32)
    visibility = np.zeros(convention.num_joints, np.uint8)
    for joint, place in places.items():
        keypoints[convention.index(joint)] = place
        visibility[convention.index(joint)] = 2
    return keypoints, visibility


def test_left_right_and_middle_have_their_colours_at_their_joints(coco17):
    picture = draw_crop(
        BLACK, *joints(coco17, nose=(60, 10), left_wrist=(90, 50), right_wrist=(30, 50)), coco17
    )
    assert tuple(picture[10, 60]) == MIDDLE
    assert tuple(picture[50, 90]) == LEFT
    assert tuple(picture[50, 30]) == RIGHT


def test_a_limb_lies_between_its_joints_in_their_side_s_colour(coco17):
    picture = draw_crop(BLACK, *joints(coco17, left_knee=(20, 20), left_ankle=(20, 80)), coco17)
    np.testing.assert_allclose(picture[50, 20], LEFT, atol=30)  # antialiased


def test_joints_not_labelled_and_their_limbs_are_not_drawn(coco17):
    keypoints, visibility = joints(coco17, left_knee=(20, 20), left_ankle=(20, 80))
    visibility[coco17.index("left_ankle")] = 0
    picture = draw_crop(BLACK, keypoints, visibility, coco17)
    assert not picture[40:].any() and picture[20, 20].any()


def test_an_occluded_joint_is_a_ring(coco17):
    keypoints, visibility = joints(coco17, nose=(60, 50))
    visibility[0] = 1
    picture = draw_crop(BLACK, keypoints, visibility, coco17, np.array([0.0, 0.0, 110.0, 90.0]))
    assert not picture[50, 60].any()
    assert picture[45:56, 55:66].any()


def test_the_picture_given_stays_as_it_was(coco17):
    draw_crop(BLACK, *joints(coco17, nose=(60, 10)), coco17, np.array([5.0, 5.0, 50.0, 50.0]))
    assert not BLACK.any()


def test_joints_far_outside_and_nan_do_no_harm(coco17):
    keypoints, visibility = joints(coco17, left_knee=(1e9, -1e9), left_ankle=(np.nan, 3))
    assert not draw_crop(BLACK, keypoints, visibility, coco17).any()


def test_cutting_out_brings_the_box_to_the_middle():
    picture = BLACK.copy()
    picture[40:61, 50:71] = 255
    square = cut_out(picture, np.array([50.0, 40.0, 20.0, 20.0]), 101, padding=2.0)
    assert square[50, 50].all() and square[30, 30].all() and not square[20, 20].any()


def test_a_contact_sheet_fills_its_last_row_with_black():
    tiles = [np.full((4, 4, 3), value, np.uint8) for value in (1, 2, 3)]
    sheet = contact_sheet(tiles, columns=2)
    assert sheet.shape == (8, 8, 3)
    assert [sheet[0, 0, 0], sheet[0, 4, 0], sheet[4, 0, 0], sheet[4, 4, 0]] == [1, 2, 3, 0]
