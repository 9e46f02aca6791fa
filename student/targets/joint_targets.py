"""A joint as a distribution over the student's positions: a label's, and what a teacher makes of it.

Legend: B crops, A crops a teacher answered, J joints, R relations (teacher joint -> union joint), N maps that
are spread out, P positions, W and H columns and rows (or x and y bins).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from pipeline.geometry import MapGeometry
from student.calibration.offsets import moved_joints
from student.data.batch import TeacherBatch
from student.data.dropped_patch import known_outside
from student.network.config import StudentConfig
from student.network.positions import Positions, as_cells
from student.targets.teacher_spec import TeacherSpec, warp_plane
from student.targets.warp import bins_of_cells, homogeneous_cells, residual, within

Sigma = tuple[float, float]
"""A Gaussian's standard deviation along x and y, in cells or bins."""


def label_targets(
    keypoint_BJ2: Float[Tensor, "b j 2"], geometry: MapGeometry, sigma: Sigma, beta: float | None
) -> Positions:
    """A Gaussian around each keypoint (input pixels), normalised over the map's positions.

    With `beta`, the softmax of beta times the Gaussian of peak 1 instead: the target that RTMPose trains with
    (`label_softmax` of MMPose's `KLDiscretLoss`, beta 10). Most of its mass may lie in the tail.
    """
    if beta is None:
        return gaussian_targets(keypoint_BJ2, geometry, sigma)
    x_BJW, y_BJH = (exponent.exp() for exponent in _exponents(keypoint_BJ2, geometry, sigma))
    if geometry.kind == "simcc":
        return (beta * x_BJW).softmax(-1), (beta * y_BJH).softmax(-1)
    plane_BJHW = y_BJH[..., :, None] * x_BJW[..., None, :]
    return ((beta * plane_BJHW).flatten(-2).softmax(-1),)


def gaussian_targets(keypoint_BJ2: Float[Tensor, "b j 2"], geometry: MapGeometry, sigma: Sigma) -> Positions:
    """A Gaussian around each keypoint (input pixels), normalised over the map's positions.

    The centre is the keypoint itself, not the nearest cell (as UDP's and SimCC's codecs do), so the target
    has no quantisation bias.
    """
    # A softmax of the exponent: sums to 1 even for a centre far outside, where every exponential underflows.
    x_BJW, y_BJH = (exponent.softmax(-1) for exponent in _exponents(keypoint_BJ2, geometry, sigma))
    if geometry.kind == "simcc":
        return x_BJW, y_BJH
    return ((y_BJH[..., :, None] * x_BJW[..., None, :]).flatten(-2),)


def _exponents(
    keypoint_BJ2: Float[Tensor, "b j 2"], geometry: MapGeometry, sigma: Sigma
) -> tuple[Float[Tensor, "b j w"], Float[Tensor, "b j h"]]:
    """Logarithms of Gaussians of peak 1 along x and y."""
    cell_BJ2 = as_cells(keypoint_BJ2, geometry)
    x_BJW, y_BJH = (
        _exponent(cell_BJ2[..., axis], size, sigma[axis]) for axis, size in enumerate(geometry.size)
    )
    return x_BJW, y_BJH


def _exponent(centre_BJ: Float[Tensor, "b j"], size: int, sigma: float) -> Float[Tensor, "b j size"]:
    position_P = torch.arange(size, device=centre_BJ.device, dtype=centre_BJ.dtype)
    return -((position_P - centre_BJ[..., None]) ** 2) / (2 * sigma**2)


LEAST_KNOWN = 0.5
"""A target of whose mass less than this lies where the teacher saw teaches nothing."""


@dataclass(frozen=True)
class TeacherTargets:
    """One teacher's answers to the crops it was run on, in the student's own map.

    Positions are normalised over what the student's crop and the teacher's share; `known` says where that
    is, per axis. `keypoint_AR2` are the teacher's joints in the student's input pixels, moved to where the
    union has them; `mode_AR` is the share of the map that is one peak there. `taught_AR` says which joints
    lie where both crops see.
    """

    positions: Positions
    known: tuple[Bool[Tensor, "a _"], ...]
    keypoint_AR2: Float[Tensor, "a r 2"]
    mode_AR: Float[Tensor, "a r"]
    taught_AR: Bool[Tensor, "a r"]
    confidence_AR: Float[Tensor, "a r"]
    union_AR: Int64[Tensor, "a r"]


def teacher_targets(
    batch: TeacherBatch,
    flipped_A: Bool[Tensor, " a"],
    spec: TeacherSpec,
    student: StudentConfig,
    dropped_A4: Float[Tensor, "a 4"] | None = None,
    label_beta: float | None = None,
) -> TeacherTargets:
    """A label's target at the teacher's own joint, mixed with the rest of the map:

        target = mode * label_targets(joint) + (1 - mode) * residual

    So a sure answer is taught as a label is, whatever the kinds and resolutions of both maps, and an unsure
    one as wide as its map. A mirrored crop's left wrist is the teacher's right one: there the union joint of
    a relation is swapped. Under a dropped patch (`student.data.dropped_patch`) teachers know nothing.
    """
    source_R = torch.from_numpy(spec.source_R).to(batch.row_A.device)
    plane = warp_plane(student)
    known_AHW = _known_cells(batch, spec, plane.size)
    if dropped_A4 is not None:
        known_AHW = known_AHW & known_outside(dropped_A4, plane)
    keypoint_AR2 = moved_joints(batch.keypoint_AK2, spec, source_R)
    mode_AR = batch.mode_AK[:, source_R]
    positions = label_targets(keypoint_AR2, student.map, student.target_sigma, label_beta)
    if len(batch.spread_N2):
        own_AR2 = as_cells(batch.keypoint_AK2[:, source_R], plane)
        positions, mode_AR = _with_residual(positions, mode_AR, batch, own_AR2, spec, student, known_AHW)
    known = _known_positions(known_AHW, student)
    positions, mass_AR = _over_what_is_known(positions, known)
    return TeacherTargets(
        positions=positions,
        known=known,
        keypoint_AR2=keypoint_AR2,
        mode_AR=mode_AR,
        taught_AR=_inside(as_cells(keypoint_AR2, plane), known_AHW) & (mass_AR >= LEAST_KNOWN),
        confidence_AR=batch.confidence_AK[:, source_R],
        union_AR=_union_joints(spec, student, flipped_A),
    )


def _known_cells(batch: TeacherBatch, spec: TeacherSpec, size: tuple[int, int]) -> Bool[Tensor, "a h w"]:
    """Which cells of the student's plane the teacher's crop shows."""
    affine_A23 = batch.teacher_from_student_A23
    size_hw = (size[1], size[0])
    if not spec.reads_maps:
        return torch.ones(len(affine_A23), *size_hw, dtype=torch.bool, device=affine_A23.device)
    cell_A2N = affine_A23 @ homogeneous_cells(size_hw, affine_A23)
    return within(cell_A2N, spec.map_size).unflatten(-1, size_hw)


def _with_residual(
    positions: Positions,
    mode_AR: Float[Tensor, "a r"],
    batch: TeacherBatch,
    cell_AR2: Float[Tensor, "a r 2"],
    spec: TeacherSpec,
    student: StudentConfig,
    known_AHW: Bool[Tensor, "a h w"],
) -> tuple[Positions, Float[Tensor, "a r"]]:
    """The targets with the spread-out maps' other places mixed in. A map that has none in the student's crop
    is one peak there."""
    row_N, relation_N = batch.spread_N2.unbind(-1)
    beside, says_N = residual(batch, cell_AR2[row_N, relation_N][:, None], spec, student, known_AHW)
    mode_N = torch.where(says_N, mode_AR[row_N, relation_N], 1.0)
    mode_AR = mode_AR.index_put((row_N, relation_N), mode_N)
    mixed = []
    for peak_ARP, beside_NP in zip(positions, beside, strict=True):
        mixed_NP = torch.lerp(beside_NP, peak_ARP[row_N, relation_N], mode_N[:, None])
        mixed.append(peak_ARP.index_put((row_N, relation_N), mixed_NP))
    return tuple(mixed), mode_AR


def _known_positions(
    known_AHW: Bool[Tensor, "a h w"], student: StudentConfig
) -> tuple[Bool[Tensor, "a _"], ...]:
    """A SimCC student's bin is unknown only where its whole column or row is."""
    if student.map.kind == "heatmap":
        return (known_AHW.flatten(-2),)
    plane = warp_plane(student)
    return tuple(
        known_AP.float() @ bins_of_cells(plane, student.map, axis, known_AP.float()) > 0
        for axis, known_AP in enumerate((known_AHW.any(-2), known_AHW.any(-1)))
    )


def _over_what_is_known(
    positions: Positions, known: tuple[Bool[Tensor, "a _"], ...]
) -> tuple[Positions, Float[Tensor, "a r"]]:
    """Normalised over the known positions; and the share of the mass that lies there."""
    kept = [axis_ARP * known_AP[:, None] for axis_ARP, known_AP in zip(positions, known, strict=True)]
    masses = [axis_ARP.sum(-1) for axis_ARP in kept]
    scaled = (axis / mass[..., None].clamp_min(1e-12) for axis, mass in zip(kept, masses, strict=True))
    return tuple(scaled), torch.stack(masses).prod(0)


def _inside(cell_AR2: Float[Tensor, "a r 2"], known_AHW: Bool[Tensor, "a h w"]) -> Bool[Tensor, "a r"]:
    """Which joints lie in a known cell of the student's crop."""
    extent_2 = cell_AR2.new_tensor([known_AHW.shape[-1], known_AHW.shape[-2]])
    inside_AR = ((cell_AR2 >= -0.5) & (cell_AR2 < extent_2 - 0.5)).all(-1)
    column_AR, row_AR = cell_AR2.nan_to_num().clamp_min(0).minimum(extent_2 - 1).round().long().unbind(-1)
    crop_A1 = torch.arange(len(cell_AR2), device=cell_AR2.device)[:, None]
    return inside_AR & known_AHW[crop_A1, row_AR, column_AR]


def _union_joints(
    spec: TeacherSpec, student: StudentConfig, flipped_A: Bool[Tensor, " a"]
) -> Int64[Tensor, "a r"]:
    union_R = torch.from_numpy(spec.union_R).to(flipped_A.device)
    swap_U = torch.tensor(student.skeleton.flip_permutation, device=flipped_A.device)
    return torch.where(flipped_A[:, None], swap_U[union_R], union_R)
