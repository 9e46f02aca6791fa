"""How far a teacher's warped map is from the teacher's answer to the warped crop.

Legend: B crops, K the teacher's joints, L the joints of the labels that the teacher has, H and W rows and
columns of the plane that maps are compared on: a heatmap teacher's own, or one of COARSE bins to a cell for
SimCC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64
from torch import Tensor

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import match_joints
from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.image_files import read_image
from pipeline.geometry import CropGeometry, MapGeometry, apply, compose, crop_affine, invert, warp_crop
from pipeline.geometry.views import View, view_affine
from pipeline.store.format.map_codec import DEFAULT_SHARPNESS
from pipeline.store.manage.fidelity import decode_dark
from pipeline.teachers.maps import HeatmapOutput, Maps
from pipeline.teachers.teacher import Teacher
from student.calibration.teacher_calibration import DEFAULT_EXPONENT
from student.targets.warp import coarsening_matrix, reproject

BATCH = 16
COARSE = 4
SURE = 0.3
"""Joints are compared where the teacher is surer than this in both answers."""
JUMPED = 0.1
"""Of the input's height. Joints further apart are at another limb or person and say nothing of an offset."""
RIGHT = 0.1
"""Of the person's larger side: a joint no further from its label is right."""


@dataclass(frozen=True)
class Case:
    """One change of a crop, alike for all: degrees of rotation (counter-clockwise), factor of scale, or input
    pixels by which the picture moves to the left and up; then mirrored or not."""

    kind: Literal["rotation", "scale", "shift"]
    amount: float
    mirrored: bool = False

    def view(self, bbox_4: Float64[np.ndarray, "4"], crop: CropGeometry) -> View:
        if self.kind == "rotation":
            return View(rotation_degrees=self.amount, flip=self.mirrored)
        if self.kind == "scale":
            return View(scale=self.amount, flip=self.mirrored)
        zoom_2 = crop_affine(bbox_4[None], crop)[0].diagonal()
        return View(shift=tuple((self.amount / zoom_2 / bbox_4[2:]).tolist()), flip=self.mirrored)


PLAIN = Case("rotation", 0.0)
MIRROR = Case("rotation", 0.0, mirrored=True)
_ANGLES = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0)
CASES = (
    PLAIN,
    *(Case("rotation", sign * angle) for angle in _ANGLES for sign in (1, -1)),
    *(Case("scale", factor) for factor in (0.75, 0.875, 1.125, 1.25)),
    *(Case("shift", sign * pixels) for pixels in (8.0, 16.0, 32.0) for sign in (1, -1)),
    MIRROR,
)
OFFSET_CASES = tuple(
    Case(kind, amount, mirrored)
    for mirrored in (False, True)
    for kind, amount in (
        *(("rotation", angle) for angle in (0.0, 15.0, -15.0, 30.0, -30.0)),
        *(("scale", factor) for factor in (0.75, 1.25)),
    )
)
"""Where a map that lies beside its joints shows: wrong by d input pixels in x, by -2 d in a mirrored crop."""


@dataclass(frozen=True)
class Answers:
    """What a teacher says of every crop in one view.

    Densities are what training makes of maps, up to a factor per map; joints are read out of them, in cells;
    affines take image pixels to cells.
    """

    density_BKHW: Float32[Tensor, "b k h w"]
    cells_BK2: Float64[np.ndarray, "b k 2"]
    confidence_BK: Float32[np.ndarray, "b k"]
    affine_B23: Float64[np.ndarray, "b 2 3"]


class WarpStudy:
    """One teacher on the crops of one table, whose labels show which of two answers is better."""

    def __init__(self, teacher: Teacher, table: CropTable) -> None:
        self._teacher = teacher
        self._table = table
        self._plane = _plane(teacher.map)
        self._images = [read_image(table.image_path(row)) for row in range(len(table))]
        self._plain = self._answers(PLAIN)

    def compare(self, case: Case) -> dict[str, Any]:
        """Figures of one case, by name; docs/views.md says what they are. None where nothing was sure."""
        plain, viewed = self._plain, self._answers(case)
        plain_from_viewed_B23 = compose(plain.affine_B23, invert(viewed.affine_B23))
        warped_BKHW, known_BHW = reproject(
            plain.density_BKHW,
            torch.from_numpy(plain_from_viewed_B23.astype(np.float32)),
            (self._plane.size[1], self._plane.size[0]),
        )
        warped_BK2 = _joints(warped_BKHW)
        moved_BK2 = apply(invert(plain_from_viewed_B23), plain.cells_BK2)
        sure_BK = (np.minimum(plain.confidence_BK, viewed.confidence_BK) > SURE) & self._inside(moved_BK2)
        variation_BK = total_variation(warped_BKHW, viewed.density_BKHW, known_BHW)
        return {
            "case": case.kind,
            "amount": case.amount,
            "mirrored": case.mirrored,
            **self._distances((warped_BK2 - viewed.cells_BK2)[sure_BK]),
            "resampling_p90_px": _quantile(self._lengths((warped_BK2 - moved_BK2)[sure_BK]), 0.9),
            "total_variation": _quantile(variation_BK.numpy()[sure_BK], 0.5),
            **self._rightness(viewed.affine_B23, warped_BK2, viewed.cells_BK2),
        }

    def _answers(self, case: Case) -> Answers:
        crop, convention = self._teacher.crop, self._teacher.convention
        affine_B23 = np.stack([view_affine(box, crop, case.view(box, crop)) for box in self._table.bbox])
        parts = [self._teacher.predict(images_BHW3) for images_BHW3 in self._crops(affine_B23)]
        density_BKHW = torch.cat([_density(part.maps, self._teacher.beta) for part in parts])
        confidence_BK = np.concatenate([part.confidence_BK for part in parts])
        if case.mirrored:
            # A mirror image's left wrist is the person's right one.
            order = list(convention.flip_permutation)
            density_BKHW, confidence_BK = density_BKHW[:, order], confidence_BK[:, order]
        plane_affine_B23 = compose(self._plane.map_affine(), affine_B23)
        return Answers(density_BKHW, _joints(density_BKHW), confidence_BK, plane_affine_B23)

    def _crops(self, affine_B23: Float64[np.ndarray, "b 2 3"]) -> Iterator[Tensor]:
        size = self._teacher.crop.input_size
        for start in range(0, len(affine_B23), BATCH):
            pairs = zip(self._images[start : start + BATCH], affine_B23[start : start + BATCH], strict=True)
            yield torch.from_numpy(np.stack([warp_crop(image, affine, size) for image, affine in pairs]))

    def _inside(self, cells_BK2: Float64[np.ndarray, "b k 2"]) -> Bool[np.ndarray, "b k"]:
        """Not in the plane's outermost cells, where a peak has no neighbour on one side."""
        return ((cells_BK2 >= 1) & (cells_BK2 <= np.array(self._plane.size) - 2)).all(-1)

    def _lengths(self, cells_N2: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, " n"]:
        """Input pixels."""
        return np.linalg.norm(cells_N2 * self._plane.scale, axis=-1)

    def _distances(self, apart_N2: Float64[np.ndarray, "n 2"]) -> dict[str, Any]:
        """`apart_N2` are cells from the answer's joint to the warped map's."""
        length_N = self._lengths(apart_N2)
        near_N = length_N <= JUMPED * self._teacher.crop.input_size[1]
        offset_N2 = apart_N2[near_N] * self._plane.scale
        offset_2 = offset_N2.mean(0) if near_N.any() else (None, None)
        chance_2 = offset_N2.std(0) / near_N.sum() ** 0.5 if near_N.any() else (None, None)
        return {
            "joints": len(length_N),
            "p50_px": _quantile(length_N, 0.5),
            "p90_px": _quantile(length_N, 0.9),
            "jumped": _mean(~near_N),
            "offset_x_px": _number(offset_2[0]),
            "offset_y_px": _number(offset_2[1]),
            "chance_x_px": _number(chance_2[0]),
            "chance_y_px": _number(chance_2[1]),
        }

    def _rightness(
        self,
        affine_B23: Float64[np.ndarray, "b 2 3"],
        warped_BK2: Float64[np.ndarray, "b k 2"],
        answer_BK2: Float64[np.ndarray, "b k 2"],
    ) -> dict[str, Any]:
        """Share of the labels in the view that either answer is right about."""
        table = self._table
        matches = match_joints(self._teacher.convention, load_convention(table.convention))
        source_L, target_L = ([match[axis] for match in matches] for axis in (0, 1))
        label_BL2 = table.keypoints[:, target_L].astype(np.float64)
        labelled_BL = (table.visibility[:, target_L] > 0) & self._inside(apply(affine_B23, label_BL2))
        reach_B1 = RIGHT * table.bbox[:, 2:].max(-1, keepdims=True)
        shares = {}
        for name, cells_BK2 in (("warped_right", warped_BK2), ("answer_right", answer_BK2)):
            error_BL2 = apply(invert(affine_B23), cells_BK2[:, source_L]) - label_BL2
            right_BL = np.linalg.norm(error_BL2, axis=-1) <= reach_B1
            shares[name] = _mean(right_BL[labelled_BL])
        return {"labels": int(labelled_BL.sum()), **shares}


def _plane(geometry: MapGeometry) -> MapGeometry:
    """Where densities lie: of SimCC, cells of COARSE bins, which are input pixels or more, as in training."""
    if geometry.kind == "heatmap":
        return geometry
    width, height = geometry.size
    offset = tuple(o + s * (COARSE - 1) / 2 for o, s in zip(geometry.offset, geometry.scale, strict=True))
    scale = (geometry.scale[0] * COARSE, geometry.scale[1] * COARSE)
    return MapGeometry("heatmap", (width // COARSE, height // COARSE), scale, offset)


def _density(maps: Maps, beta: float | None) -> Float32[Tensor, "b k h w"]:
    """As `student.targets.joint_targets` makes them; heatmaps up to a factor."""
    if isinstance(maps, HeatmapOutput):
        return maps.heatmap_BKHW.clamp_min(0) ** DEFAULT_EXPONENT["heatmap"]
    sharpness = DEFAULT_SHARPNESS if beta is None else beta
    x_BKW, y_BKH = (
        (logits * sharpness).softmax(-1)
        @ coarsening_matrix(logits.shape[-1], logits.shape[-1] // COARSE, logits)
        for logits in (maps.x_BKW, maps.y_BKW)
    )
    return y_BKH[..., :, None] * x_BKW[..., None, :]


def _joints(density_BKHW: Float32[Tensor, "b k h w"]) -> Float64[np.ndarray, "b k 2"]:
    """In cells. DARK's blur, because interpolation alone moves the top of a parabola by a third of a cell."""
    return decode_dark(density_BKHW).double().numpy()


def total_variation(
    one_BKHW: Float32[Tensor, "b k h w"],
    other_BKHW: Float32[Tensor, "b k h w"],
    known_BHW: Bool[Tensor, "b h w"],
) -> Float32[Tensor, "b k"]:
    """Half the sum of absolute differences of two densities, each normalised over the known cells: 0 where
    they are equal, 1 where they share no cell."""
    one, other = (_normalised(density * known_BHW[:, None]) for density in (one_BKHW, other_BKHW))
    return 0.5 * (one - other).abs().sum((-2, -1))


def _normalised(density_BKHW: Float32[Tensor, "b k h w"]) -> Float32[Tensor, "b k h w"]:
    return density_BKHW / density_BKHW.sum((-2, -1), keepdim=True).clamp_min(1e-12)


def _quantile(values: np.ndarray, share: float) -> float | None:
    return float(np.quantile(values, share)) if len(values) else None


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
