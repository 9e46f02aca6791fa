"""Views of a crop: by hand, and against points moved step by step."""

import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.geometry import CropGeometry, apply, compose, crop_affine, invert, mirror_affine
from pipeline.geometry.views import PLAIN, View, draw_view, fingerprint, view_affine
from pipeline.params import ViewsParams

MSRA = CropGeometry((192, 256), 1.25)
UDP = CropGeometry((256, 256), 1.1, udp=True)
BOX_4 = np.array([37.3, 21.8, 90.5, 171.2])
SHA256 = "ab" * 32

crops = st.builds(
    CropGeometry, st.sampled_from([(192, 256), (256, 256), (96, 128)]), st.floats(1.0, 2.0), st.booleans()
)
views = st.builds(
    View,
    st.booleans(),
    st.floats(-180, 180),
    st.floats(0.5, 1.5),
    st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
)
boxes = st.tuples(*[st.floats(-50, 900)] * 2, *[st.floats(20, 900)] * 2)


@given(boxes, crops)
def test_the_plain_view_is_the_plain_crop_to_the_last_bit(box, crop):
    box_4 = np.array(box)
    assert np.array_equal(view_affine(box_4, crop, PLAIN), crop_affine(box_4[None], crop)[0])


def test_a_view_of_a_box_as_large_as_the_input_by_hand():
    """Centre (96, 128) moves by a quarter of 192 to (144, 128), which becomes the input's middle; twice the
    side halves the picture."""
    crop = CropGeometry((192, 256), 1.0)
    affine_23 = view_affine(np.array([0.0, 0.0, 192.0, 256.0]), crop, View(scale=2.0, shift=(0.25, 0.0)))
    np.testing.assert_allclose(affine_23, [[0.5, 0, 24], [0, 0.5, 64]], atol=1e-9)


def test_a_mirrored_view_by_hand():
    """Column x of the crop becomes column 191 - x."""
    crop = CropGeometry((192, 256), 1.0)
    affine_23 = view_affine(np.array([10.0, 20.0, 192.0, 256.0]), crop, View(flip=True))
    np.testing.assert_allclose(affine_23, [[-1, 0, 201], [0, 1, -20]], atol=1e-9)


@pytest.mark.parametrize("crop", [CropGeometry((256, 256), 1.0), CropGeometry((256, 256), 1.0, udp=True)])
def test_a_view_turned_by_90_degrees_has_what_was_right_on_top(crop):
    """Counter-clockwise on the screen, for MSRA's and UDP's crops alike."""
    affine_23 = view_affine(np.array([0.0, 0.0, 256.0, 256.0]), crop, View(rotation_degrees=90.0))
    middle_2, right_2 = apply(affine_23, np.array([[128.0, 128.0], [228.0, 128.0]]))
    assert right_2 - middle_2 == pytest.approx(np.array([0.0, -100.0]), abs=0.5)


@given(boxes, views, st.sampled_from([(192, 256), (256, 256), (96, 128)]), st.floats(1.0, 2.0))
def test_a_view_is_shift_zoom_turn_and_mirror_one_after_another(box, view, size, padding):
    """Every step on points, in image pixels about the moved centre; no crop geometry but the last stretch."""
    x, y, w, h = box
    points_N2 = np.array([[x, y], [x + w, y], [x, y + h], [x + w / 3, y + h / 7]])
    centre_2 = np.array([x + w / 2 + view.shift[0] * w, y + h / 2 + view.shift[1] * h])
    angle = np.deg2rad(view.rotation_degrees)
    from_centre_N2 = (points_N2 - centre_2) / view.scale
    right_N = from_centre_N2[:, 0] * np.cos(angle) + from_centre_N2[:, 1] * np.sin(angle)
    down_N = -from_centre_N2[:, 0] * np.sin(angle) + from_centre_N2[:, 1] * np.cos(angle)
    zoom = min(size[0] / w, size[1] / h) / padding
    expected_N2 = np.stack([right_N, down_N], 1) * zoom + np.array(size) / 2
    if view.flip:
        expected_N2[:, 0] = size[0] - 1 - expected_N2[:, 0]
    affine_23 = view_affine(np.array(box), CropGeometry(size, padding), view)
    np.testing.assert_allclose(apply(affine_23, points_N2), expected_N2, atol=0.02)


@given(boxes, views, crops, crops)
def test_two_networks_see_one_view_as_they_see_the_plain_crop(box, view, one, other):
    box_4 = np.array(box)
    plain = compose(view_affine(box_4, other, PLAIN), invert(view_affine(box_4, one, PLAIN)))
    if view.flip:
        plain = compose(mirror_affine(other.input_size[0]), compose(plain, mirror_affine(one.input_size[0])))
    viewed = compose(view_affine(box_4, other, view), invert(view_affine(box_4, one, view)))
    corners_N2 = np.array([[0.0, 0.0], [one.input_size[0], 0.0], [0.0, one.input_size[1]], one.input_size])
    np.testing.assert_allclose(apply(viewed, corners_N2), apply(plain, corners_N2), atol=0.05)


def test_view_0_is_the_plain_one():
    assert draw_view(ViewsParams(count=3), 17, 0) == PLAIN == View(False, 0.0, 1.0, (0.0, 0.0))


def test_a_view_is_drawn_from_a_hash_as_documented():
    """As another program would do it: five 48-bit fractions of the digest."""
    digest = hashlib.sha256(b"kd-pipeline view 1\x005\x00123456789\x002").hexdigest()
    fractions = [int(digest[12 * i : 12 * i + 12], 16) / 2**48 for i in range(5)]
    view = draw_view(ViewsParams(flip=0.5, rotation_degrees=40, scale=0.2, shift=0.1, seed=5), 123456789, 2)
    assert view.flip is (fractions[0] < 0.5)
    assert view.rotation_degrees == pytest.approx(-40 + 80 * fractions[1])
    assert view.scale == pytest.approx(0.8 + 0.4 * fractions[2])
    assert view.shift == pytest.approx((-0.1 + 0.2 * fractions[3], -0.1 + 0.2 * fractions[4]))


def test_views_differ_by_crop_number_and_seed_but_not_by_how_many_there_are():
    drawn = {
        draw_view(ViewsParams(seed=seed), crop_id, number)
        for seed in (0, 1)
        for crop_id in (3, 2**62)
        for number in (1, 2)
    }
    assert len(drawn) == 8
    assert draw_view(ViewsParams(count=2), 3, 1) == draw_view(ViewsParams(count=9), 3, 1)


def test_draws_fill_their_ranges_evenly():
    params = ViewsParams(flip=0.3, rotation_degrees=40, scale=0.25, shift=0.1)
    drawn = [draw_view(params, crop_id, 1) for crop_id in range(4000)]
    assert np.mean([view.flip for view in drawn]) == pytest.approx(0.3, abs=0.03)
    for values, most in (
        ([view.rotation_degrees for view in drawn], 40),
        ([view.scale - 1 for view in drawn], 0.25),
        ([view.shift[0] for view in drawn], 0.1),
        ([view.shift[1] for view in drawn], 0.1),
    ):
        share_4, _ = np.histogram(values, bins=4, range=(-most, most))
        assert share_4.sum() == 4000
        assert share_4 / 4000 == pytest.approx([0.25] * 4, abs=0.03)


def test_a_fingerprint_is_the_hash_of_image_box_and_view_as_documented():
    content = bytes.fromhex(SHA256) + struct.pack("<4d", *BOX_4)
    plain = hashlib.sha256(content).digest()
    turned = hashlib.sha256(content + struct.pack("<5d", 1, 12.5, 1.1, -0.02, 0.03)).digest()
    assert fingerprint(SHA256, BOX_4, PLAIN) == int.from_bytes(plain, "big") >> 193
    view = View(True, 12.5, 1.1, (-0.02, 0.03))
    assert fingerprint(SHA256, BOX_4, view) == int.from_bytes(turned, "big") >> 193


def test_whatever_a_teacher_would_see_otherwise_changes_the_fingerprint():
    moved_4 = BOX_4 + [0, 0, 1e-9, 0]
    numbers = [
        fingerprint(SHA256, BOX_4, PLAIN),
        fingerprint("ac" * 32, BOX_4, PLAIN),
        fingerprint(SHA256, moved_4, PLAIN),
        *(
            fingerprint(SHA256, BOX_4, view)
            for view in (View(flip=True), View(rotation_degrees=1.0), View(scale=1.1), View(shift=(0.1, 0.0)))
        ),
        fingerprint(SHA256, BOX_4, View(shift=(0.0, 0.1))),
    ]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**63 for number in numbers)
