"""Calibrations from stores and labels: no teacher is run.

Legend: N crops of a split, M labelled joints of all of them, K the teacher's joints, R its relations, F
features of the regression.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

from pipeline.geometry import apply
from pipeline.teachers.maps import HeatmapOutput
from student.calibration.teacher_calibration import (
    DEFAULT_EXPONENT,
    DEFAULT_RIGHT,
    FAINT,
    Calibration,
    Trust,
)
from student.data.batch import check_finite
from student.data.split import TrainingSplit
from student.evaluation.metrics.correctness import RIGHT_WITHIN, is_right
from student.targets.mode import CACHED_CROPS, axis_probability, mode_share, raised, windows
from student.targets.teacher_spec import TeacherSpec
from student.targets.union_labels import union_labels

EXPONENTS = (1.0, 1.5, 2.0)
SAMPLED_CROPS = 256
"""Crops of a split: enough to fit a handful of numbers, and read in a second."""
USUAL_PERCENTILE = 75.0
"""What a teacher's confidence is measured against: peaks of one reach 1, another's hardly 0.5."""
LEAST_LABELS = 50
"""Fewer labelled joints leave a teacher with the documented default."""
_SPREAD_ROUNDS = 3
_UNIFORM = 1e-4
"""Mass that a map is taken to have evenly everywhere, when the likelihood of labels is measured."""
_RIDGE = {"bias": 0.01, "slope": 0.1, "group": 1.0}


@dataclass(frozen=True)
class _Sample:
    """A teacher's answers to some crops of one split. Cells are of its maps."""

    domain: str
    stored: dict[str, Tensor]
    cell_NK2: Float32[Tensor, "n k 2"]
    confidence_NK: Float32[np.ndarray, "n k"]
    label_cell_NR2: Float32[Tensor, "n r 2"]
    labelled_NR: Bool[np.ndarray, "n r"]
    right_NR: Bool[np.ndarray, "n r"]
    tolerance_N: Float32[Tensor, " n"]
    """Half of what counts as right, in cells."""


def fit_calibration(
    spec: TeacherSpec, splits: Sequence[TrainingSplit], joints: Sequence[str], permutation: Sequence[int]
) -> Calibration:
    """How to normalise this teacher's maps, and how far to trust them, from up to SAMPLED_CROPS of each
    split.

    `joints` are the union's, `permutation` its mirror; left and right share what is fitted. The exponent is
    the one of EXPONENTS under which labels are likeliest. Without LEAST_LABELS labelled joints it and the
    trust are the documented defaults; the width of a sure answer needs no label.
    """
    asked = [split for split in splits if spec.name in split.readers]
    samples = [_sample(spec, split, len(joints)) for split in asked]
    usual_K = _usual_confidence(spec.name, asked)
    labels = int(sum(sample.labelled_NR.sum() for sample in samples))
    kind = spec.codec.kind
    exponents = EXPONENTS if labels >= LEAST_LABELS else (DEFAULT_EXPONENT[kind],)
    shapes = [_shape(spec, samples, exponent, usual_K) for exponent in exponents]
    if labels < LEAST_LABELS:
        return shapes[0]
    likelihoods = [_likelihood(spec, samples, shape) for shape in shapes]
    best = int(np.argmax([with_maps for with_maps, _ in likelihoods]))
    with_maps, without = likelihoods[best]
    trust, right, trusted = _fit_trust(spec, samples, shapes[best], joints, permutation)
    return replace(
        shapes[best],
        trust=trust,
        labels=labels,
        right=right,
        trusted=trusted,
        gain_nats=with_maps - without,
    )


def _sample(spec: TeacherSpec, split: TrainingSplit, joints: int) -> _Sample:
    name, places = spec.name, np.linspace(0, len(split) - 1, min(len(split), SAMPLED_CROPS)).astype(int)
    row_N = split.row_N[places]
    rows = split.readers[name].read(split.store_rows(name, row_N, np.zeros(len(row_N), dtype=np.int64)))
    check_finite(rows, name)
    label_NU2, labelled_NU = (values[places] for values in union_labels(split, joints))
    label_NR2, labelled_NR = label_NU2[:, spec.union_R], labelled_NU[:, spec.union_R]
    box_N4 = split.table.bbox[row_N]
    scale_N = np.sqrt(np.abs(np.linalg.det(rows.affine_B23[:, :, :2])))
    tolerance_N = RIGHT_WITHIN / 2 * np.hypot(box_N4[:, 2], box_N4[:, 3]) * scale_N
    return _Sample(
        domain=split.domain,
        stored={name: torch.from_numpy(array) for name, array in rows.maps.arrays().items()},
        cell_NK2=torch.from_numpy(apply(rows.affine_B23, rows.keypoints_BK2).astype(np.float32)),
        confidence_NK=rows.confidence_BK,
        label_cell_NR2=torch.from_numpy(apply(rows.affine_B23, label_NR2).astype(np.float32)),
        labelled_NR=labelled_NR,
        right_NR=is_right(rows.keypoints_BK2[:, spec.source_R], label_NR2, box_N4) & labelled_NR,
        tolerance_N=torch.from_numpy(tolerance_N.astype(np.float32)),
    )


def _usual_confidence(name: str, splits: Sequence[TrainingSplit]) -> tuple[float, ...]:
    """Per joint of the teacher, over all crops of all splits together."""
    columns = [split.readers[name].column("confidence")[plain_rows(split, name)] for split in splits]
    usual_K = np.percentile(np.concatenate(columns), USUAL_PERCENTILE, axis=0)
    return tuple(np.maximum(usual_K, 1e-6).tolist())


def plain_rows(split: TrainingSplit, teacher: str) -> Int64[np.ndarray, " n"]:
    """The rows of a store with the answers to the split's plain crops."""
    return split.store_rows(teacher, split.row_N, np.zeros(len(split), dtype=np.int64))


def _shape(
    spec: TeacherSpec, samples: Sequence[_Sample], exponent: float, usual_K: tuple[float, ...]
) -> Calibration:
    """How wide a sure answer's peak is, and how much of its map lies under it, at this exponent.

    Sure are answers of at least the usual confidence. A Gaussian of mass S and peak h has the deviation
    (S / (2 pi h)) ** 1/2, in one dimension S / ((2 pi) ** 1/2 h); both are taken within a window that the
    deviation found before gives, so that the background does not count.
    """
    size = spec.map_size
    found = Calibration(exponent, (size[0] / 16, size[1] / 16), 1.0, usual_K, _default_trust())
    for _ in range(_SPREAD_ROUNDS):
        spreads = np.concatenate([_spreads(spec, sample, found) for sample in samples])
        spread_x, spread_y = np.median(spreads, axis=0).tolist() if len(spreads) else found.spread
        found = Calibration(exponent, (spread_x, spread_y), 1.0, usual_K, _default_trust())
    shares = np.concatenate([_modes(spec, sample, found)[_sure(sample, found)] for sample in samples])
    share = float(np.median(shares)) if len(shares) else 1.0
    return Calibration(exponent, found.spread, max(share, 0.05), usual_K, _default_trust())


def _default_trust() -> Trust:
    return Trust(float(np.log(DEFAULT_RIGHT / (1 - DEFAULT_RIGHT))))


def _sure(sample: _Sample, calibration: Calibration) -> Bool[np.ndarray, "n k"]:
    return sample.confidence_NK >= np.asarray(calibration.usual_confidence, np.float32)


def _modes(spec: TeacherSpec, sample: _Sample, calibration: Calibration) -> Float32[np.ndarray, "n k"]:
    return mode_share(sample.stored, spec.codec, sample.cell_NK2, calibration).numpy()


def _spreads(spec: TeacherSpec, sample: _Sample, calibration: Calibration) -> Float[np.ndarray, "s 2"]:
    """(along x, along y) of every sure answer, in cells."""
    found = []
    for rows, maps in _decoded(spec, sample):
        near_x, near_y = windows(sample.cell_NK2[rows], spec.map_size, calibration.spread)
        if isinstance(maps, HeatmapOutput):
            density = raised(maps.heatmap_BKHW, calibration.exponent)
            density = density * near_y[..., :, None] * near_x[..., None, :]
            mass, peak = density.sum((-2, -1)), density.amax((-2, -1))
            spread = (mass / (2 * np.pi * peak.clamp_min(1e-12))).sqrt()
            both = torch.stack([spread, spread], -1)
        else:
            axes = [
                axis_probability(logits, spec.codec.sharpness, calibration.exponent) * near
                for logits, near in ((maps.x_BKW, near_x), (maps.y_BKW, near_y))
            ]
            both = torch.stack(
                [axis.sum(-1) / (np.sqrt(2 * np.pi) * axis.amax(-1).clamp_min(1e-12)) for axis in axes], -1
            )
        found.append(both.numpy()[_sure(sample, calibration)[rows]])
    return np.concatenate(found)


def _decoded(spec: TeacherSpec, sample: _Sample):
    """A few crops at a time: their rows of the sample, and their maps."""
    for start in range(0, len(sample.cell_NK2), CACHED_CROPS):
        rows = slice(start, start + CACHED_CROPS)
        yield rows, spec.codec.decode({name: array[rows] for name, array in sample.stored.items()})


def _likelihood(
    spec: TeacherSpec, samples: Sequence[_Sample], calibration: Calibration
) -> tuple[float, float]:
    """Mean log-likelihood of the labels, by maps read in this way and by keypoints alone.

    As a target has it: a Gaussian as wide as half of what counts as right at the teacher's joint, and the
    rest of the map, softened by the same Gaussian.
    """
    with_maps, without = [], []
    for sample in samples:
        mode_NR = torch.from_numpy(_modes(spec, sample, calibration)).clamp(max=1.0)[:, spec.source_R]
        cell_NR2 = sample.cell_NK2[:, spec.source_R]
        width_N1 = sample.tolerance_N[:, None]
        at_joint_NR = _gaussian(cell_NR2 - sample.label_cell_NR2, width_N1)
        beside_NR = _beside(spec, sample, calibration)
        even = _UNIFORM / (spec.map_size[0] * spec.map_size[1])
        mixed_NR = mode_NR * at_joint_NR + (1 - mode_NR) * beside_NR
        with_maps.append((mixed_NR + even).log().numpy()[sample.labelled_NR])
        without.append((at_joint_NR + even).log().numpy()[sample.labelled_NR])
    return float(np.concatenate(with_maps).mean()), float(np.concatenate(without).mean())


def _gaussian(offset_NR2: Float[Tensor, "n r 2"], width_N1: Float[Tensor, "n 1"]) -> Float[Tensor, "n r"]:
    """Density per cell."""
    return torch.exp(-(offset_NR2**2).sum(-1) / (2 * width_N1**2)) / (2 * np.pi * width_N1**2)


def _beside(spec: TeacherSpec, sample: _Sample, calibration: Calibration) -> Float[Tensor, "n r"]:
    """Density at the label of what a map has beside its peak, softened."""
    parts, source_R = [], torch.from_numpy(spec.source_R)
    for rows, maps in _decoded(spec, sample):
        near = windows(sample.cell_NK2[rows][:, source_R], spec.map_size, calibration.spread)
        at_label = _softened_at(sample.label_cell_NR2[rows], spec.map_size, sample.tolerance_N[rows])
        if isinstance(maps, HeatmapOutput):
            density = raised(maps.heatmap_BKHW, calibration.exponent)[:, source_R]
            density = density * (1 - near[1][..., :, None] * near[0][..., None, :])
            value = ((density @ at_label[0][..., None])[..., 0] * at_label[1]).sum(-1)
            parts.append(value / density.sum((-2, -1)).clamp_min(1e-12))
        else:
            axes = [
                axis_probability(logits, spec.codec.sharpness, calibration.exponent)[:, source_R]
                for logits in (maps.x_BKW, maps.y_BKW)
            ]
            whole = [(axis * at).sum(-1) for axis, at in zip(axes, at_label, strict=True)]
            inner = [
                (axis * window * at).sum(-1) for axis, window, at in zip(axes, near, at_label, strict=True)
            ]
            share = [(axis * window).sum(-1) for axis, window in zip(axes, near, strict=True)]
            value = (whole[0] * whole[1] - inner[0] * inner[1]).clamp_min(0.0)
            parts.append(value / (1 - share[0] * share[1]).clamp_min(1e-6))
    return torch.cat(parts)


def _softened_at(
    cell_NR2: Float[Tensor, "n r 2"], size: tuple[int, int], width_N: Float[Tensor, " n"]
) -> tuple[Float[Tensor, "n r w"], Float[Tensor, "n r h"]]:
    """Per axis, a Gaussian's density at the label, of a mass in each cell."""
    axes = []
    for axis in (0, 1):
        offset = torch.arange(size[axis]) - cell_NR2[..., axis, None]
        width = width_N[:, None, None]
        axes.append(torch.exp(-(offset**2) / (2 * width**2)) / (np.sqrt(2 * np.pi) * width))
    x_NRW, y_NRH = axes
    return x_NRW, y_NRH


def _fit_trust(
    spec: TeacherSpec,
    samples: Sequence[_Sample],
    calibration: Calibration,
    joints: Sequence[str],
    permutation: Sequence[int],
) -> tuple[Trust, float, float]:
    """Ridge logistic regression of "is right"; domains and joints are drawn to the mean of all. Also the
    share of right answers, and the mean of what the regression makes of them."""
    domains = list(dict.fromkeys(sample.domain for sample in samples))
    side_U = np.minimum(np.arange(len(joints)), np.asarray(permutation))
    rows, right = [], []
    for sample in samples:
        usual_K = np.asarray(calibration.usual_confidence, np.float32)
        mode = np.log(_modes(spec, sample, calibration).clip(FAINT, 1.0))[:, spec.source_R]
        relative = np.log((sample.confidence_NK / usual_K).clip(FAINT, 1.0))[:, spec.source_R]
        features = np.zeros((*mode.shape, 3 + len(domains) + len(joints)))
        features[..., 0], features[..., 1], features[..., 2] = 1.0, mode, relative
        features[..., 3 + domains.index(sample.domain)] = 1.0
        features[:, np.arange(len(spec.union_R)), 3 + len(domains) + side_U[spec.union_R]] = 1.0
        rows.append(features[sample.labelled_NR])
        right.append(sample.right_NR[sample.labelled_NR])
    ridge_F = np.full(3 + len(domains) + len(joints), _RIDGE["group"])
    ridge_F[0], ridge_F[1:3] = _RIDGE["bias"], _RIDGE["slope"]
    features_MF, right_M = np.concatenate(rows), np.concatenate(right)
    weight_F = logistic_regression(features_MF, right_M, ridge_F)
    by_joint_U = weight_F[3 + len(domains) :][side_U]
    trust = Trust(
        bias=float(weight_F[0]),
        sharpness=float(weight_F[1]),
        confidence=float(weight_F[2]),
        datasets=dict(zip(domains, weight_F[3 : 3 + len(domains)].tolist(), strict=True)),
        joints={name: float(by_joint_U[number]) for number, name in enumerate(joints)},
    )
    trusted_M = 1 / (1 + np.exp(-features_MF @ weight_F))
    return trust, float(right_M.mean()), float(trusted_M.mean())


def logistic_regression(
    features_MF: Float[np.ndarray, "m f"], right_M: Bool[np.ndarray, " m"], ridge_F: Float[np.ndarray, " f"]
) -> Float[np.ndarray, " f"]:
    """Weights of the ridge-penalised logistic regression, by Newton's method (IRLS)."""
    weight_F = np.zeros(features_MF.shape[1])
    for _ in range(30):
        probability_M = 1 / (1 + np.exp(-np.clip(features_MF @ weight_F, -30, 30)))
        gradient_F = features_MF.T @ (probability_M - right_M) + ridge_F * weight_F
        curvature_M = np.maximum(probability_M * (1 - probability_M), 1e-6)
        hessian_FF = (features_MF * curvature_M[:, None]).T @ features_MF + np.diag(ridge_F)
        step_F = np.linalg.solve(hessian_FF, gradient_F)
        # A full step can overshoot where classes separate; a bounded one cannot run away.
        weight_F -= step_F * min(1.0, 5.0 / max(np.abs(step_F).max(), 1e-12))
        if np.abs(step_F).max() < 1e-6:
            break
    return weight_F
