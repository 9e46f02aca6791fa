"""Teachers' stored maps as targets for the student.

Legend: A answered crops, R relations (teacher joint -> union joint), P positions, H and W rows and columns
of a plane, X and Y bins.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from pipeline.geometry import MapGeometry
from pipeline.teachers.maps import HeatmapOutput
from student.batch import TeacherBatch
from student.dropped_patch import known_outside
from student.positions import Positions
from student.student_config import StudentConfig
from student.teaching import Teaching, warp_plane
from student.warp import coarsened_affine, coarsening_matrix, interpolation_matrix, reproject, seen_fraction

HEATMAP_EXPONENT = 1.5
"""A heatmap, unlike a softmax, was never trained to be a distribution: its faint background, summed over
thousands of cells, can outweigh its peak. Raised to this power before it is normalised, it tells better where
labelled joints are: on 120 people of COCO, the cross-entropy of labels under MoveNet falls from 4.39 to
4.13 nats, under CPM from 6.06 to 6.04 (6.10 at 2). SimCC teachers' softmax was best as it is."""


MIN_SEEN = 0.5
"""A teacher's joint of whose map less than this lies in the student's crop teaches nothing: what is left of
the map would, normalised, pretend that the joint is there."""
GridMatrices = tuple[Float[Tensor, "columns gridx"], Float[Tensor, "rows gridy"]]
CACHED_CROPS = 4
"""Crops taken at a time on a CPU: whole maps of a batch as floats would fill memory anew at every step, and
its pages cost more than the arithmetic."""


@dataclass(frozen=True)
class TeacherTargets:
    """What one teacher says of the crops it answered, in the student's own map.

    Positions are normalised over what the student's crop and the teacher's share; `known` says where that is,
    per axis; `seen_AR` is the share of the teacher's map that lies there, 0..1.
    """

    positions: Positions
    known: tuple[Bool[Tensor, "a _"], ...]
    seen_AR: Float[Tensor, "a r"]
    confidence_AR: Float[Tensor, "a r"]
    union_AR: Int64[Tensor, "a r"]


def teacher_targets(
    batch: TeacherBatch,
    flipped_A: Bool[Tensor, " a"],
    teaching: Teaching,
    student: StudentConfig,
    dropped_A4: Float[Tensor, "a 4"] | None = None,
) -> TeacherTargets:
    """Dequantise, warp into the student's crop, normalise.

    A mirrored crop's left wrist is the teacher's right one: there the union joint of a relation is swapped.
    Under a dropped patch (`student.dropped_patch`) teachers are taken to know nothing.
    """
    source_R = torch.from_numpy(teaching.source_R).to(batch.row_A.device)
    plane = warp_plane(student)
    to_grid = _to_grid(teaching, batch.teacher_from_student_A23)
    size = CACHED_CROPS if batch.row_A.device.type == "cpu" else max(1, len(batch.row_A))
    parts = [
        _warped(batch, slice(start, start + size), teaching, source_R, to_grid, plane, dropped_A4)
        for start in range(0, len(batch.row_A), size)
    ]
    warped_ARHW, known_AHW, seen_AR = (torch.cat(kind) for kind in zip(*parts, strict=True))
    positions, known = _as_positions(warped_ARHW, known_AHW, plane, student.map)
    return TeacherTargets(
        positions=tuple(_normalised(axis_ARP) for axis_ARP in positions),
        known=known,
        seen_AR=seen_AR,
        confidence_AR=batch.confidence_AK[:, source_R],
        union_AR=_union_joints(teaching, student, flipped_A),
    )


def _warped(
    batch: TeacherBatch,
    rows: slice,
    teaching: Teaching,
    source_R: Int64[Tensor, " r"],
    to_grid: GridMatrices,
    plane: MapGeometry,
    dropped_A4: Float[Tensor, "a 4"] | None,
) -> tuple[Float[Tensor, "a r h w"], Bool[Tensor, "a h w"], Float[Tensor, "a r"]]:
    """Maps on the student's plane, up to a factor each; where they are known; how much of each is seen."""
    stored = {name: array[rows][:, source_R] for name, array in batch.stored.items()}
    affine_A23 = batch.teacher_from_student_A23[rows]
    density_ARHW = _density(stored, teaching, *to_grid)
    affine_A23 = coarsened_affine(affine_A23, teaching.map_size, teaching.grid_size)
    warped_ARHW, known_AHW = reproject(density_ARHW, affine_A23, (plane.size[1], plane.size[0]))
    if dropped_A4 is not None:
        known_AHW = known_AHW & known_outside(dropped_A4[rows], plane)
        warped_ARHW = warped_ARHW * known_AHW[:, None]
    return warped_ARHW, known_AHW, seen_fraction(density_ARHW, warped_ARHW, affine_A23)


def _union_joints(
    teaching: Teaching, student: StudentConfig, flipped_A: Bool[Tensor, " a"]
) -> Int64[Tensor, "a r"]:
    union_R = torch.from_numpy(teaching.union_R).to(flipped_A.device)
    swap_U = torch.tensor(student.skeleton.flip_permutation, device=flipped_A.device)
    return torch.where(flipped_A[:, None], swap_U[union_R], union_R)


def _to_grid(teaching: Teaching, like: Float[Tensor, "..."]) -> GridMatrices:
    """What lays a map's columns, and its rows, out on the teacher's grid."""
    to_x, to_y = (
        coarsening_matrix(fine, coarse, like)
        for fine, coarse in zip(teaching.map_size, teaching.grid_size, strict=True)
    )
    return to_x, to_y


def _density(
    stored: Mapping[str, Tensor],
    teaching: Teaching,
    to_x: Float[Tensor, "columns w"],
    to_y: Float[Tensor, "rows h"],
) -> Float[Tensor, "a r h w"]:
    """The teacher's maps on its grid, up to a factor per map; SimCC pairs as their outer product."""
    maps = teaching.codec.decode(stored)
    if isinstance(maps, HeatmapOutput):
        map_ARHW = _raised(maps.heatmap_BKHW.clamp(min=0.0))
        return map_ARHW if teaching.grid_size == teaching.map_size else to_y.T @ map_ARHW @ to_x
    sharpness = teaching.codec.sharpness
    x_ARX, y_ARY = (
        (logit_ARP * sharpness).softmax(-1) @ matrix
        for logit_ARP, matrix in ((maps.x_BKW, to_x), (maps.y_BKW, to_y))
    )
    return y_ARY[..., :, None] * x_ARX[..., None, :]


def _raised(map_ARHW: Float[Tensor, "a r h w"]) -> Float[Tensor, "a r h w"]:
    """To the power of HEATMAP_EXPONENT, much faster on a CPU than `pow`."""
    return map_ARHW * map_ARHW.sqrt()


def _as_positions(
    warped_ARHW: Float[Tensor, "a r h w"],
    known_AHW: Bool[Tensor, "a h w"],
    plane: MapGeometry,
    target: MapGeometry,
) -> tuple[Positions, tuple[Bool[Tensor, "a _"], ...]]:
    if target.kind == "heatmap":
        return (warped_ARHW.flatten(-2),), (known_AHW.flatten(-2),)
    x_ARX, known_AX = _marginal(warped_ARHW.sum(-2), known_AHW.any(-2), plane, target, 0)
    y_ARY, known_AY = _marginal(warped_ARHW.sum(-1), known_AHW.any(-1), plane, target, 1)
    return (x_ARX, y_ARY), (known_AX, known_AY)


def _marginal(
    marginal_ARP: Float[Tensor, "a r p"],
    known_AP: Bool[Tensor, "a p"],
    plane: MapGeometry,
    target: MapGeometry,
    axis: int,
) -> tuple[Float[Tensor, "a r bins"], Bool[Tensor, "a bins"]]:
    """A marginal over the plane's cells as one over the student's bins, and which of those are known."""
    matrix_PQ = interpolation_matrix(
        plane.size[axis],
        target.size[axis],
        scale=target.scale[axis] / plane.scale[axis],
        offset=(target.offset[axis] - plane.offset[axis]) / plane.scale[axis],
        like=marginal_ARP,
    )
    return marginal_ARP @ matrix_PQ, known_AP.float() @ matrix_PQ > 0


def _normalised(density_ARP: Float[Tensor, "a r p"]) -> Float[Tensor, "a r p"]:
    """Sum 1 per joint; a map without mass stays 0."""
    return density_ARP / density_ARP.sum(-1, keepdim=True).clamp_min(1e-12)
