"""Teacher maps as they look in the student's crop, and what a spread-out one has besides its peak.

Legend: B crops, K joints, N maps that are spread out, H and W rows and columns of a map, P bins.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from pipeline.geometry import MapGeometry
from pipeline.teachers.maps import HeatmapOutput
from student.data.batch import TeacherBatch
from student.network.config import StudentConfig
from student.targets.mode import CACHED_CROPS, axis_probability, raised, windows
from student.targets.teacher_spec import TeacherSpec, warp_plane


def reproject(
    map_BKHW: Float[Tensor, "b k h w"],
    teacher_from_student_B23: Float[Tensor, "b 2 3"],
    size_hw: tuple[int, int],
) -> tuple[Float[Tensor, "b k H W"], Bool[Tensor, "b H W"]]:
    """Teacher maps sampled at the student's cells, and where the teacher saw anything.

    Bilinear, pixel centres at integers: student cell (column, row) reads the teacher's map at the point to
    which the affine takes it. Outside the teacher's cells (half a cell beyond its outermost centres) the
    second result is False and the first is 0: unknown, not zero.
    """
    cell_B2N = teacher_from_student_B23 @ homogeneous_cells(size_hw, map_BKHW)
    known_BHW = within(cell_B2N, (map_BKHW.shape[-1], map_BKHW.shape[-2])).unflatten(-1, size_hw)
    return sample(map_BKHW, cell_B2N, size_hw) * known_BHW[:, None], known_BHW


def within(cell_B2N: Float[Tensor, "b 2 n"], size: tuple[int, int]) -> Bool[Tensor, "b n"]:
    """Which points (x, y in cells) lie on a map of `size` (width, height), its border cells whole."""
    extent_2 = cell_B2N.new_tensor(size)[:, None]
    return ((cell_B2N >= -0.5) & (cell_B2N <= extent_2 - 0.5)).all(1)


def sample(
    map_BKHW: Float[Tensor, "b k h w"], cell_B2N: Float[Tensor, "b 2 n"], size_hw: tuple[int, int]
) -> Float[Tensor, "b k H W"]:
    """Maps read at points (x, y in cells), bilinear; beyond a map, its border."""
    extent_2 = map_BKHW.new_tensor([map_BKHW.shape[-1], map_BKHW.shape[-2]])[:, None]
    # grid_sample's own coordinates without align_corners: -1 and 1 are the outer edges of the border cells.
    grid_BHW2 = ((2 * cell_B2N + 1) / extent_2 - 1).mT.unflatten(1, size_hw)
    return F.grid_sample(map_BKHW, grid_BHW2, mode="bilinear", padding_mode="border", align_corners=False)


def homogeneous_cells(size_hw: tuple[int, int], like: Float[Tensor, "..."]) -> Float[Tensor, "3 n"]:
    """Every cell of a map as a column (x, y, 1), row by row."""
    rows, columns = (torch.arange(side, device=like.device, dtype=like.dtype) for side in size_hw)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()])


def coarsening_matrix(fine: int, coarse: int, like: Float[Tensor, "..."]) -> Float[Tensor, "fine coarse"]:
    """Splits the mass of each of `fine` cells between the two nearest of `coarse` cells over the same extent.

    `density @ matrix` keeps mass and mean position. (Summing blocks would move a narrow peak to its block's
    centre, and sampling a fine map on a coarse grid could miss it altogether.)
    """
    factor = fine / coarse
    return interpolation_matrix(coarse, fine, 1 / factor, (1 - factor) / (2 * factor), like).T


def coarsened_affine(
    fine_from_any_B23: Float[Tensor, "b 2 3"], fine: tuple[int, int], coarse: tuple[int, int]
) -> Float[Tensor, "b 2 3"]:
    """The affine into cells of a map, made one into cells of the coarser map; sizes are (width, height)."""
    factor_2 = fine_from_any_B23.new_tensor(fine) / fine_from_any_B23.new_tensor(coarse)
    moved_B23 = fine_from_any_B23.clone()
    moved_B23[..., 2] -= (factor_2 - 1) / 2
    return moved_B23 / factor_2[:, None]


def interpolation_matrix(
    source_size: int, target_size: int, scale: float, offset: float, like: Float[Tensor, "..."]
) -> Float[Tensor, "source target"]:
    """Linear interpolation as a matrix: `vector @ matrix` reads a vector at scale * i + offset for target i.

    Positions beyond the vector's ends read its end.
    """
    position_T = torch.arange(target_size, device=like.device, dtype=like.dtype) * scale + offset
    position_T = position_T.clamp(0, source_size - 1)
    source_S = torch.arange(source_size, device=like.device, dtype=like.dtype)
    return (1 - (position_T[None] - source_S[:, None]).abs()).clamp_min(0)


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
