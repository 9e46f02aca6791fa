"""MPII's list. Boxes by hand here; test_index_against_mmpose compares with MMPose itself."""

import numpy as np
import pytest

from pipeline.datasets.refusal import Reason


def entry(image: str = "000000042.jpg", **changes) -> dict:
    joints = [[20.0 + joint, 10.0 + joint] for joint in range(16)]
    person = {"image": image, "center": [31.0, 20.0], "scale": 0.2, "joints": joints, "joints_vis": [1] * 16}
    return person | changes


@pytest.fixture
def mpii(tiny):
    for name in ("000000042.jpg", "7.jpg"):
        tiny.add_image(name)
    tiny.value = [entry(), entry("7.jpg")]
    return tiny


def index(mpii):
    return mpii.index(format="mpii", convention="mpii16")


def test_the_box_is_the_scaled_square_shifted_down_and_counted_from_zero(mpii):
    table, _ = index(mpii)
    # side 0.2 * 200 = 40; center 31, 20 + 15/200 * 40 = 23; minus 1; minus half a side
    np.testing.assert_allclose(table.bbox[0], [10, 2, 40, 40], atol=1e-12)
    np.testing.assert_allclose(table.area, 0.53 * 1600)


def test_a_box_over_the_border_is_not_clipped(mpii):
    mpii.value = [entry(scale=0.5)]
    np.testing.assert_allclose(index(mpii)[0].bbox[0], [-20, -23.5, 100, 100], atol=1e-12)


def test_the_flag_says_labelled_or_not(mpii):
    mpii.value[0]["joints_vis"][3] = 0
    table, _ = index(mpii)
    assert table.visibility[0, :5].tolist() == [2, 2, 2, 0, 2]
    assert table.keypoints[0, 2:4].tolist() == [[22, 12], [0, 0]]


def test_an_image_s_id_is_the_number_in_its_name(mpii):
    assert sorted(index(mpii)[0].image_id.tolist()) == [7, 42]


def test_images_without_a_number_are_numbered(mpii):
    mpii.add_image("x.jpg")
    mpii.value.append(entry("x.jpg"))
    assert index(mpii)[0].image_id.tolist() == [0, 1, 2]


def test_a_person_keeps_its_crop_id_when_one_before_it_leaves(mpii):
    before = dict(zip(index(mpii)[0].image, index(mpii)[0].crop_id.tolist(), strict=True))
    del mpii.value[0]
    assert index(mpii)[0].crop_id.tolist() == [before["7.jpg"]]


def test_a_person_listed_twice_is_refused_once(mpii):
    mpii.value.append(entry())
    table, (refusal,) = index(mpii)
    assert len(table) == 2 and refusal.reason == Reason.DUPLICATE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"center": [-1.0, -1.0], "scale": -1.0}, Reason.EMPTY_BOX),
        ({"center": [float("nan"), 3.0]}, Reason.NOT_FINITE),
        ({"center": None}, Reason.MALFORMED),
        ({"scale": "big"}, Reason.MALFORMED),
        ({"joints": [[1, 2]] * 14, "joints_vis": [1] * 14}, Reason.KEYPOINT_COUNT),
        ({"joints_vis": [1] * 14}, Reason.MALFORMED),
        ({"joints_vis": [0] * 16}, Reason.UNLABELLED),
        ({"image": 3}, Reason.MALFORMED),
        ({"center": [5000.0, 20.0]}, Reason.BOX_OUTSIDE),
    ],
)
def test_a_spoiled_entry_is_refused_and_the_others_stay(mpii, changes, reason):
    mpii.value.append(entry(**changes))
    table, (refusal,) = index(mpii)
    assert len(table) == 2 and refusal.reason == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"joints": [list(range(16)), list(range(16))]},
        {"joints": list(range(32))},
        {"joints": [[20, 10]] * 15},
        {"joints_vis": [1] * 15},
    ],
)
def test_joints_that_are_no_pairs_are_refused(mpii, changes):
    mpii.value[0] |= changes
    table, (refusal,) = index(mpii)
    assert len(table) == 1 and refusal.reason == Reason.MALFORMED
    assert "wanted K pairs and K flags" in refusal.detail
