"""Which samples are refused, and what box and joints the others get."""

import numpy as np
import pytest

from pipeline.datasets.refusal import Reason

NAN, INF = float("nan"), float("inf")


def spoil(tiny, **changes):
    """Index with one person changed; returns its refusal, once the other two are seen to be there."""
    tiny.value["annotations"][0] |= changes
    table, refused = tiny.index()
    assert table.annotation_id.tolist() == [5, 6]
    (refusal,) = refused
    assert (refusal.image, refusal.annotation_id) == ("b.png", 7)
    return refusal


@pytest.mark.parametrize(
    ("bbox", "reason"),
    [
        ([10, 5, 0, 30], Reason.EMPTY_BOX),
        ([10, 5, 40, -1], Reason.EMPTY_BOX),
        ([64, 5, 40, 30], Reason.BOX_OUTSIDE),
        ([-50, 5, 40, 30], Reason.BOX_OUTSIDE),
        ([10, 48, 40, 30], Reason.BOX_OUTSIDE),
        ([NAN, 5, 40, 30], Reason.NOT_FINITE),
        ([10, 5, INF, 30], Reason.NOT_FINITE),
        ([10, 5, 1e300, 30], Reason.NOT_FINITE),
        ([10, 5, 40], Reason.MALFORMED),
        ([10, 5, 40, 30, 1], Reason.MALFORMED),
        ("10 5 40 30", Reason.MALFORMED),
        ({}, Reason.MALFORMED),
        (None, Reason.MALFORMED),
    ],
)
def test_a_box_that_cannot_be_cropped_is_refused(tiny, bbox, reason):
    assert spoil(tiny, bbox=bbox).reason == reason


@pytest.mark.parametrize(
    ("keypoints", "reason"),
    [
        ([20, 10, 2] * 16, Reason.KEYPOINT_COUNT),
        ([20, 10, 2] * 18, Reason.KEYPOINT_COUNT),
        ([20, 10, 2] * 16 + [1, 2], Reason.KEYPOINT_COUNT),
        ([], Reason.KEYPOINT_COUNT),
        ([NAN, 10, 2] + [20, 10, 2] * 16, Reason.NOT_FINITE),
        ([20, -INF, 2] + [20, 10, 2] * 16, Reason.NOT_FINITE),
        ([20, 10, None] + [20, 10, 2] * 16, Reason.NOT_FINITE),
        ([20, 10, 3] + [20, 10, 2] * 16, Reason.VISIBILITY),
        ([20, 10, 0.7] + [20, 10, 2] * 16, Reason.VISIBILITY),
        (["x", 10, 2] + [20, 10, 2] * 16, Reason.MALFORMED),
        ([[20, 10], [2]] * 17, Reason.MALFORMED),
        ([0, 0, 0] * 17, Reason.UNLABELLED),
        ([-5, 10, 2] * 17, Reason.UNLABELLED),
        ([20, 48, 2] * 17, Reason.UNLABELLED),
    ],
)
def test_joints_that_cannot_teach_are_refused(tiny, keypoints, reason):
    assert spoil(tiny, keypoints=keypoints).reason == reason


def test_the_refusal_of_a_keypoint_count_says_both_counts(tiny):
    detail = spoil(tiny, keypoints=[20, 10, 2] * 16).detail
    assert detail == "48 numbers (16 joints), but coco17 has 17 joints of x, y, visibility"


def test_an_image_of_another_size_than_annotated_is_refused(tiny):
    tiny.value["images"][1] |= {"width": 48, "height": 64}
    refusal = spoil(tiny)
    assert refusal.reason == Reason.IMAGE_SIZE
    assert refusal.detail == "annotated as 48x64, the file is 64x48"


@pytest.mark.parametrize("size", [(1, 1), (64, 1), (1, 48)])
def test_an_image_of_one_pixel_is_refused_as_that_and_not_for_its_box(tiny, size):
    tiny.add_image("b.png", size)
    tiny.value["images"][1] |= {"width": size[0], "height": size[1]}
    refusal = spoil(tiny, bbox=[0, 0, *size], keypoints=[0, 0, 2] * 17)
    assert refusal.reason == Reason.TINY_IMAGE
    assert refusal.detail == f"the file is {size[0]}x{size[1]}, which shows nobody"


@pytest.mark.parametrize(
    "joint", [[NAN, NAN, 0], [NAN, NAN, NAN], [None, None, 0], [None] * 3, [INF, -INF, 0]]
)
def test_a_joint_without_a_place_is_not_labelled_and_the_person_stays(tiny, joint):
    tiny.value["annotations"][1]["keypoints"][:3] = joint
    table, refused = tiny.index()
    assert table.keypoints[0, 0].tolist() == [0, 0] and table.visibility[0].tolist() == [0] + [2] * 16
    assert not refused


@pytest.mark.parametrize(
    "size", [{}, {"width": None, "height": None}, {"width": 0, "height": 0}, {"width": INF, "height": 48}]
)
def test_a_file_that_claims_no_size_is_believed_to_fit(tiny, size):
    for image in tiny.value["images"]:
        del image["width"], image["height"]
        image |= size
    table, refused = tiny.index()
    assert table.image_size.tolist() == [[64, 48]] * 3 and not refused


@pytest.mark.parametrize(
    ("bbox", "clipped"),
    [
        ([10, 5, 40, 30], [10, 5, 40, 30]),
        ([-4, -2, 20, 20], [0, 0, 16, 18]),
        ([50, 40, 100, 100], [50, 40, 13, 7]),
        ([-4, -2, 500, 500], [0, 0, 63, 47]),
    ],
)
def test_an_annotated_box_is_clipped_to_the_last_pixel(tiny, bbox, clipped):
    tiny.value["annotations"] = [tiny.person(5, 1, bbox=bbox)]
    assert tiny.index()[0].bbox.tolist() == [clipped]


@pytest.mark.parametrize(
    ("changes", "area"),
    [
        ({"area": 123.5}, 123.5),
        ({"area": 0}, 0.53 * 40 * 30),
        ({"area": NAN}, 0.53 * 40 * 30),
        ({"area": None}, 0.53 * 40 * 30),
        ({"area": 0, "bbox": [1, 1, 1, 1]}, 1.0),
    ],
)
def test_the_area_is_annotated_or_taken_from_the_box(tiny, changes, area):
    tiny.value["annotations"] = [tiny.person(5, 1, **changes)]
    np.testing.assert_allclose(tiny.index()[0].area, [area])


def test_a_joint_outside_the_image_stays_where_it_is_labelled(tiny):
    tiny.value["annotations"][1]["keypoints"][:3] = [-3, 50, 1]
    table, refused = tiny.index()
    assert table.keypoints[0, 0].tolist() == [-3, 50] and table.visibility[0, 0] == 1 and not refused
