"""Teachers' maps in the student's crop, against OpenCV and against points moved by hand."""

import cv2
import numpy as np
import pytest
import torch

from pipeline.geometry import CropGeometry, MapGeometry, apply, compose, crop_affine, invert, mirror_affine
from student.targets.warp import (
    coarsened_affine,
    coarsening_matrix,
    interpolation_matrix,
    reproject,
)

BOX_14 = np.array([[37.3, 21.8, 90.5, 171.2]])
JOINT_12 = np.array([[70.2, 95.4]])
"""Image pixels; inside every crop below."""

STUDENT_CROP = CropGeometry((192, 256), 1.25)
STUDENT_MAP = MapGeometry("heatmap", (48, 64), (4.0, 4.0), (1.5, 1.5))

TEACHERS = {
    "msra 64x48": (CropGeometry((192, 256), 1.25), MapGeometry("heatmap", (48, 64), (4.0, 4.0))),
    "udp 64x48": (
        CropGeometry((192, 256), 1.25, udp=True),
        MapGeometry("heatmap", (48, 64), (191 / 47, 255 / 63)),
    ),
    "half-pixel 64x64": (
        CropGeometry((256, 256), 1.0),
        MapGeometry("heatmap", (64, 64), (4.0, 4.0), (1.5, 1.5)),
    ),
    "msra 96x96 of 192": (CropGeometry((192, 192), 1.25), MapGeometry("heatmap", (96, 96), (2.0, 2.0))),
}

AUGMENTATIONS = {
    "none": (0.0, 1.0, False),
    "turned": (27.0, 1.0, False),
    "flipped": (0.0, 1.0, True),
    "flipped, turned and smaller": (-33.0, 1.2, True),
    "flipped, turned and larger": (21.0, 0.85, True),
}


def gaussian(centre: np.ndarray, size_wh: tuple[int, int], sigma: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(size_wh[0]), np.arange(size_wh[1]))
    return np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * sigma**2)).astype(np.float32)


def centroid(map_HW: np.ndarray) -> np.ndarray:
    """Mean position, independent of any decoder."""
    y, x = np.mgrid[: map_HW.shape[0], : map_HW.shape[1]]
    return np.array([(map_HW * x).sum(), (map_HW * y).sum()]) / map_HW.sum()


def student_affine(rotation: float, scale: float, flip: bool) -> np.ndarray:
    """Image pixels -> cells of the student's map."""
    centre, side = BOX_14[:, :2] + BOX_14[:, 2:] / 2, BOX_14[:, 2:] * scale
    affine_23 = crop_affine(np.concatenate([centre - side / 2, side], 1), STUDENT_CROP, rotation)[0]
    if flip:
        affine_23 = compose(mirror_affine(192), affine_23)
    return compose(STUDENT_MAP.map_affine(), affine_23)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("teacher", TEACHERS)
def test_a_joint_in_the_teachers_map_lands_where_the_augmentation_moves_it(teacher, augmentation):
    crop, geometry = TEACHERS[teacher]
    teacher_23 = compose(geometry.map_affine(), crop_affine(BOX_14, crop)[0])
    student_23 = student_affine(*AUGMENTATIONS[augmentation])
    map_HW = gaussian(apply(teacher_23, JOINT_12)[0], geometry.size, 2.5)

    warped, known = reproject(
        torch.from_numpy(map_HW)[None, None],
        torch.from_numpy(compose(teacher_23, invert(student_23))).float()[None],
        (64, 48),
    )

    wanted = apply(student_23, JOINT_12)[0]
    assert known[0, round(wanted[1]), round(wanted[0])]
    assert np.abs(centroid(warped[0, 0].numpy()) - wanted).max() < 0.02


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("teacher", TEACHERS)
def test_reprojecting_equals_opencv_warping_the_same_map(teacher, augmentation):
    crop, geometry = TEACHERS[teacher]
    teacher_23 = compose(geometry.map_affine(), crop_affine(BOX_14, crop)[0])
    student_23 = student_affine(*AUGMENTATIONS[augmentation])
    map_HW = np.random.default_rng(0).random(geometry.size[::-1], dtype=np.float32)
    map_HW = cv2.GaussianBlur(map_HW, (0, 0), 2.0)
    teacher_from_student = compose(teacher_23, invert(student_23))

    warped, known = reproject(
        torch.from_numpy(map_HW)[None, None], torch.from_numpy(teacher_from_student).float()[None], (64, 48)
    )

    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    wanted = cv2.warpAffine(
        map_HW, teacher_from_student, (48, 64), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    seen = known[0].numpy()
    assert seen.mean() > 0.5
    # OpenCV rounds sampling positions to 1/32 of a cell.
    assert np.abs(warped[0, 0].numpy() - wanted)[seen].max() < 0.02 * np.ptp(map_HW)


def test_beyond_the_teachers_outermost_cells_is_unknown_not_zero():
    shifted = torch.tensor([[[1.0, 0.0, -2.0], [0.0, 1.0, 0.0]]])
    warped, known = reproject(torch.ones(1, 1, 4, 6), shifted, (4, 6))
    assert known[0].tolist() == [[False, False, True, True, True, True]] * 4
    assert warped[0, 0, 0].tolist() == [0, 0, 1, 1, 1, 1]


def test_a_teachers_map_ends_half_a_cell_beyond_its_last_centre():
    def known_at(x):
        return bool(reproject(torch.ones(1, 1, 1, 6), torch.tensor([[[1.0, 0, x], [0, 1.0, 0]]]), (1, 1))[1])

    assert [known_at(x) for x in (-0.51, -0.49, 5.49, 5.51)] == [False, True, True, False]


@pytest.mark.parametrize("coarse", [(24, 32), (31, 41), (12, 16)])
def test_a_coarser_grid_moves_nothing_however_narrow_the_peak(coarse):
    cells = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    for sigma in (0.4, 4.0):
        map_HW = torch.from_numpy(gaussian(np.array([21.3, 30.8]), (48, 64), sigma))
        to_x, to_y = (coarsening_matrix(f, c, cells) for f, c in zip((48, 64), coarse, strict=True))
        grid = to_y.T @ map_HW @ to_x
        assert float(grid.sum()) == pytest.approx(float(map_HW.sum()), rel=1e-4)
        (moved,) = coarsened_affine(cells, (48, 64), coarse)
        wanted = apply(moved.double().numpy(), centroid(map_HW.numpy())[None])[0]
        assert np.abs(centroid(grid.numpy()) - wanted).max() < 0.01


def test_a_coarser_grid_covers_the_same_extent():
    corners = torch.tensor([[[1.0, 0.0, -0.5], [0.0, 1.0, 63.5]]])
    moved = coarsened_affine(corners, (48, 64), (10, 20))
    assert moved[0, :, 2].tolist() == pytest.approx([-0.5, 19.5], abs=1e-5)


def test_the_interpolation_matrix_reads_between_neighbours():
    matrix = interpolation_matrix(3, 4, scale=0.5, offset=-0.25, like=torch.zeros(()))
    values = torch.tensor([10.0, 20.0, 40.0]) @ matrix
    assert values.tolist() == [10.0, 12.5, 17.5, 25.0]
