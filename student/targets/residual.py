"""What a spread-out map has besides its peak: the part of it that lies elsewhere, in the student's crop."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pipeline.geometry import MapGeometry
from pipeline.teachers.maps import HeatmapOutput
from student.data.batch import TeacherBatch
from student.network.config import StudentConfig
from student.targets.mode import CACHED_CROPS, axis_probability, raised, windows
from student.targets.teacher_spec import TeacherSpec, warp_plane
from student.targets.warp import (
    coarsened_affine,
    coarsening_matrix,
    homogeneous_cells,
    interpolation_matrix,
    sample,
)

_PORTION = 16 * CACHED_CROPS
"""Maps taken at a time on a CPU; see CACHED_CROPS."""


def residual(
    batch: TeacherBatch,
    keypoint_NK2: Float[Tensor, "n 1 2"],
    spec: TeacherSpec,
    student: StudentConfig,
    known_AHW: Bool[Tensor, "a h w"],
) -> tuple[tuple[Float[Tensor, "n _"], ...], Bool[Tensor, " n"]]:
    """For each of the batch's spread-out maps, where else its joint may be; and whether there is anything
    left.

    The map without the window around the teacher's joint (`keypoint_NK2`, cells of the plane), warped into
    the student's crop, softened as a label is, and normalised over what both crops share.
    """
    plane, size = warp_plane(student), len(batch.spread_N2)
    portion = _PORTION if keypoint_NK2.device.type == "cpu" else max(1, size)
    row_N = batch.spread_N2[:, 0]
    parts = [
        _warped(batch, slice(start, start + portion), keypoint_NK2, spec, plane)
        for start in range(0, size, portion)
    ]
    warped_NHW = torch.cat(parts)[:, 0] * known_AHW[row_N]
    for axis, matrix in zip((-1, -2), _softening(student, plane, warped_NHW), strict=True):
        warped_NHW = (warped_NHW.transpose(axis, -1) @ matrix).transpose(axis, -1)
    positions = _as_positions(warped_NHW * known_AHW[row_N], plane, student.map)
    mass_N = positions[0].sum(-1)
    says_N = torch.isfinite(mass_N) & (mass_N > 1e-12)
    return tuple(axis_NP / axis_NP.sum(-1, keepdim=True).clamp_min(1e-12) for axis_NP in positions), says_N


def _warped(
    batch: TeacherBatch, maps: slice, keypoint_NK2: Tensor, spec: TeacherSpec, plane: MapGeometry
) -> Float[Tensor, "n 1 h w"]:
    affine_N23 = batch.teacher_from_student_A23[batch.spread_N2[maps, 0]]
    cell_N12 = keypoint_NK2[maps] @ affine_N23[:, :, :2].mT + affine_N23[:, None, :, 2]
    stored = {name: array[maps][:, None] for name, array in batch.stored.items()}
    density_N1HW = _beside_the_peak(stored, spec, cell_N12)
    affine_N23 = coarsened_affine(affine_N23, spec.map_size, spec.grid_size)
    size_hw = (plane.size[1], plane.size[0])
    return sample(density_N1HW, affine_N23 @ homogeneous_cells(size_hw, affine_N23), size_hw)


def _beside_the_peak(
    stored: dict[str, Tensor], spec: TeacherSpec, cell_N12: Float[Tensor, "n 1 2"]
) -> Float[Tensor, "n 1 h w"]:
    """The teacher's maps on its grid, without the windows around its joints, up to a factor per map."""
    calibration, like = spec.calibration, cell_N12
    to_x, to_y = (
        coarsening_matrix(fine, coarse, like)
        for fine, coarse in zip(spec.map_size, spec.grid_size, strict=True)
    )
    maps = spec.codec.decode(stored)
    near_x, near_y = windows(cell_N12, spec.map_size, calibration.spread)
    if isinstance(maps, HeatmapOutput):
        density_N1HW = raised(maps.heatmap_BKHW, calibration.exponent)
        density_N1HW = density_N1HW * (1 - near_y[..., :, None] * near_x[..., None, :])
        return density_N1HW if spec.grid_size == spec.map_size else to_y.T @ density_N1HW @ to_x
    x_N1W, y_N1H = (
        axis_probability(logit_N1P, spec.codec.sharpness, calibration.exponent)
        for logit_N1P in (maps.x_BKW, maps.y_BKW)
    )
    whole = (y_N1H @ to_y)[..., :, None] * (x_N1W @ to_x)[..., None, :]
    near = ((y_N1H * near_y) @ to_y)[..., :, None] * ((x_N1W * near_x) @ to_x)[..., None, :]
    return (whole - near).clamp_min(0.0)


def _softening(
    student: StudentConfig, plane: MapGeometry, like: Tensor
) -> tuple[Float[Tensor, "w w"], Float[Tensor, "h h"]]:
    """Per axis, what a label's Gaussian does to a density on the plane: each cell's mass is spread by it."""
    matrices = []
    for axis in (0, 1):
        sigma = student.target_sigma[axis] * student.map.scale[axis] / plane.scale[axis]
        cell_P = torch.arange(plane.size[axis], device=like.device, dtype=like.dtype)
        exponent_PP = -((cell_P[:, None] - cell_P) ** 2) / (2 * sigma**2)
        matrices.append(exponent_PP.softmax(-1))
    to_x, to_y = matrices
    return to_x, to_y


def _as_positions(
    warped_NHW: Float[Tensor, "n h w"], plane: MapGeometry, target: MapGeometry
) -> tuple[Float[Tensor, "n _"], ...]:
    if target.kind == "heatmap":
        return (warped_NHW.flatten(-2),)
    return tuple(
        warped_NHW.sum(summed) @ bins_of_cells(plane, target, axis, warped_NHW)
        for axis, summed in ((0, -2), (1, -1))
    )


def bins_of_cells(
    plane: MapGeometry, target: MapGeometry, axis: int, like: Tensor
) -> Float[Tensor, "cells bins"]:
    """What turns a marginal over the plane's cells into one over the student's bins, by interpolation."""
    return interpolation_matrix(
        plane.size[axis],
        target.size[axis],
        scale=target.scale[axis] / plane.scale[axis],
        offset=(target.offset[axis] - plane.offset[axis]) / plane.scale[axis],
        like=like,
    )
