import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.geometry import CropGeometry, apply, box_to_center_scale, crop_affine, warp_crop

SIZES = [(192, 256), (256, 256), (288, 384), (368, 368), (96, 128), (256, 192), (333, 97)]
positions = st.floats(-500, 5000, allow_nan=False)
sides = st.floats(2, 4000, allow_nan=False)
boxes = st.tuples(positions, positions, sides, sides)
crops = st.builds(CropGeometry, st.sampled_from(SIZES), st.floats(1.0, 2.0), st.booleans())
rotations = st.floats(-180, 180)


@pytest.fixture(scope="module")
def mmpose_crop():
    """MMPose's own transforms: (box, crop, rotation, image) -> (image pixels to input pixels, crop)."""
    from pipeline.teachers.adapters.mmpose.ext import install_mmcv_ext

    install_mmcv_ext()
    from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine
    from mmpose.structures.bbox import get_udp_warp_matrix, get_warp_matrix

    def run(box, crop, rotation, image):
        x, y, w, h = box
        results = {
            "img": image,
            "bbox": np.array([[x, y, x + w, y + h]]),
            "bbox_rotation": np.array([rotation]),
        }
        results = GetBBoxCenterScale(padding=crop.padding).transform(results)
        results = TopdownAffine(input_size=crop.input_size, use_udp=crop.udp).transform(results)
        matrix = get_udp_warp_matrix if crop.udp else get_warp_matrix
        affine = matrix(
            results["input_center"], results["input_scale"], rotation, output_size=crop.input_size
        )
        return affine, results["img"]

    return run


@pytest.mark.mm
@given(boxes, crops, rotations)
@example((0.0, 0.0, 4000.0, 2.0), CropGeometry((192, 256), 1.25), 0.0)
@example((4999.0, 4999.0, 2.0, 2.0), CropGeometry((288, 384), 1.0), 45.0)
@example((10.0, 20.0, 192.0, 256.0), CropGeometry((192, 256), 1.0, udp=True), 0.0)
@example((-300.0, -200.0, 100.0, 100.0), CropGeometry((256, 256), 2.0), -90.0)
def test_the_affine_equals_mmposes_to_a_thousandth_of_an_input_pixel(mmpose_crop, box, crop, rotation):
    theirs, _ = mmpose_crop(box, crop, rotation, np.zeros((8, 8, 3), np.uint8))
    ours = crop_affine(np.array([box]), crop, rotation)
    x, y, w, h = box
    corners = np.array([[x, y], [x + w, y], [x, y + h], [x + w, y + h]])
    np.testing.assert_allclose(apply(ours[0], corners), apply(theirs.astype(np.float64), corners), atol=1e-3)


@pytest.mark.mm
@given(st.tuples(*[st.floats(-50, 150)] * 2, *[st.floats(5, 300)] * 2), crops, rotations, st.integers(0, 9))
def test_the_warped_crop_is_bit_equal_to_mmposes(mmpose_crop, box, crop, rotation, seed):
    image = np.random.default_rng(seed).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    _, theirs = mmpose_crop(box, crop, rotation, image)
    ours = warp_crop(image, crop_affine(np.array([box]), crop, rotation)[0], crop.input_size)
    np.testing.assert_array_equal(ours, theirs)


def test_center_and_padded_sides_of_a_box_by_hand():
    center, scale = box_to_center_scale(np.array([[10.0, 20.0, 30.0, 40.0]]), 1.25)
    np.testing.assert_allclose(center, [[25.0, 40.0]])
    np.testing.assert_allclose(scale, [[37.5, 50.0]])


def test_a_box_of_the_inputs_size_is_only_shifted():
    affine = crop_affine(np.array([[10.0, 20.0, 192.0, 256.0]]), CropGeometry((192, 256), 1.0))
    np.testing.assert_allclose(affine[0], [[1, 0, -10], [0, 1, -20]], atol=1e-9)


def test_a_wide_box_keeps_its_aspect_and_is_centred():
    """96 x 64 into 192 x 256: width fills, two input pixels to an image pixel, 64 rows above and below."""
    affine = crop_affine(np.array([[0.0, 0.0, 96.0, 64.0]]), CropGeometry((192, 256), 1.0))
    np.testing.assert_allclose(affine[0], [[2, 0, 0], [0, 2, 64]], atol=1e-9)


def test_udp_puts_the_boxs_corners_on_the_outermost_pixel_centres():
    affine = crop_affine(np.array([[10.0, 20.0, 192.0, 256.0]]), CropGeometry((192, 256), 1.0, udp=True))
    corners = apply(affine[0], np.array([[10.0, 20.0], [202.0, 276.0]]))
    np.testing.assert_allclose(corners, [[0, 0], [191, 255]], atol=1e-3)


def test_many_boxes_are_cropped_like_one_by_one():
    boxes_xywh = np.random.default_rng(0).uniform(1, 500, (50, 4))
    angles = np.linspace(-90, 90, 50)
    for udp in (False, True):
        crop = CropGeometry((192, 256), 1.25, udp)
        alone = [
            crop_affine(box[None], crop, angle)[0] for box, angle in zip(boxes_xywh, angles, strict=True)
        ]
        np.testing.assert_array_equal(crop_affine(boxes_xywh, crop, angles), np.stack(alone))


def test_outside_the_image_the_crop_is_black():
    image = np.full((10, 10, 3), 200, np.uint8)
    affine = crop_affine(np.array([[-100.0, -100.0, 20.0, 20.0]]), CropGeometry((32, 32), 1.0))
    assert not warp_crop(image, affine[0], (32, 32)).any()
