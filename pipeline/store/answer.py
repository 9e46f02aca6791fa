"""A teacher's answer to a batch of crops, as rows of the store.

Legend: B crops, K joints, H, W rows and columns of crops and maps (W also: bins).
"""

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64, UInt8
from torch import Tensor

from pipeline.errors import KDError
from pipeline.geometry import MapGeometry, apply, compose, invert
from pipeline.store.fidelity import MIN_PEAK, heatmap_drift, heatmap_error, simcc_drift, simcc_error
from pipeline.store.quantise import dequantise_heatmaps, dequantise_simcc, quantise_heatmaps, quantise_simcc
from pipeline.store.rows import CellRows, HeatmapRows, SimCCRows
from pipeline.teachers.maps import HeatmapOutput, Maps, SimCCOutput, TeacherOutput
from pipeline.teachers.teacher import Teacher


@torch.inference_mode()
def answer_rows(
    teacher: Teacher,
    images_BHW3: UInt8[Tensor, "b h w 3"],
    affine_B23: Float64[np.ndarray, "b 2 3"],
    crop_id_B: Int64[np.ndarray, "b"],
    floor: int,
) -> CellRows:
    """Ask the teacher and quantise its maps, on the device of `images_BHW3`.

    `affine_B23` takes image pixels to input pixels.

    Raises:
        KDError: an answer is not finite; names the crops.
    """
    output = _finite_answer(teacher, images_BHW3, crop_id_B)
    maps, drift_BK, error_BK = _quantised(output, floor, teacher.map, teacher.beta)
    keypoints_BK2 = apply(invert(affine_B23), output.keypoints_BK2)
    return CellRows(
        maps=maps,
        confidence_BK=output.confidence_BK,
        keypoints_BK2=keypoints_BK2.astype(np.float32),
        affine_B23=compose(teacher.map.map_affine(), affine_B23),
        crop_id_B=crop_id_B,
        drift_BK=drift_BK.cpu().numpy().astype(np.float16),
        error_BK=error_BK.cpu().numpy().astype(np.float16),
    )


def _finite_answer(
    teacher: Teacher, images_BHW3: UInt8[Tensor, "b h w 3"], crop_id_B: np.ndarray
) -> TeacherOutput:
    """Half precision where the device has it; a batch that overflows there is asked again in full."""
    with _autocast(images_BHW3.device):
        output = teacher.answer(images_BHW3)
    bad_B = ~_finite(output)
    if bad_B.any() and images_BHW3.device.type == "cuda":
        output = teacher.answer(images_BHW3)
        bad_B = ~_finite(output)
    if bad_B.any():
        ids = ", ".join(str(crop_id) for crop_id in crop_id_B[bad_B][:5])
        raise KDError(
            f"teacher {teacher.name} answered {bad_B.sum()} crops of a batch with NaN or infinite values "
            f"(crop ids {ids}{', …' * (bad_B.sum() > 5)}). Its checkpoint is damaged, or does not fit its "
            "configuration: look at both. Finished shards are kept, the one in the making is dropped."
        )
    return output


def _autocast(device: torch.device) -> AbstractContextManager:
    return torch.autocast("cuda", torch.float16) if device.type == "cuda" else nullcontext()


def _finite(output: TeacherOutput) -> np.ndarray:
    """Per crop. A sum is finite exactly where its terms are: float32 maps cannot overflow it."""
    finite_B = np.isfinite(output.keypoints_BK2).all((1, 2)) & np.isfinite(output.confidence_BK).all(1)
    for map_B in _tensors(output.maps):
        finite_B &= map_B.flatten(1).sum(dim=1).isfinite().cpu().numpy()
    return finite_B


def _tensors(maps: Maps) -> tuple[Tensor, ...]:
    return (maps.heatmap_BKHW,) if isinstance(maps, HeatmapOutput) else (maps.x_BKW, maps.y_BKW)


def _quantised(
    output: TeacherOutput, floor: int, geometry: MapGeometry, beta: float | None
) -> tuple[HeatmapRows | SimCCRows, Float32[Tensor, "b k"], Float32[Tensor, "b k"]]:
    """Maps as bytes, the drift of their joints in input pixels, and their largest error."""
    if isinstance(output.maps, HeatmapOutput):
        return _quantised_heatmaps(output.maps.heatmap_BKHW, floor, geometry)
    sure_BK = torch.from_numpy(output.confidence_BK > MIN_PEAK)
    return _quantised_simcc(output.maps, floor, geometry, beta, sure_BK)


def _quantised_heatmaps(
    heatmap_BKHW: Float32[Tensor, "b k h w"], floor: int, geometry: MapGeometry
) -> tuple[HeatmapRows, Float32[Tensor, "b k"], Float32[Tensor, "b k"]]:
    map_BKHW, peak_BK = quantise_heatmaps(heatmap_BKHW, floor)
    stored_BKHW = dequantise_heatmaps(map_BKHW, peak_BK)
    drift_BK = heatmap_drift(heatmap_BKHW, stored_BKHW, geometry.scale)
    error_BK = heatmap_error(heatmap_BKHW, stored_BKHW)
    drift_BK = drift_BK.masked_fill(peak_BK <= MIN_PEAK, torch.nan)
    return HeatmapRows(map_BKHW.cpu().numpy(), peak_BK.cpu().numpy()), drift_BK, error_BK


def _quantised_simcc(
    maps: SimCCOutput, floor: int, geometry: MapGeometry, beta: float | None, sure_BK: Tensor
) -> tuple[SimCCRows, Float32[Tensor, "b k"], Float32[Tensor, "b k"]]:
    x_BKW, peak_x_BK, base_x_BK = quantise_simcc(maps.x_BKW, floor, beta)
    y_BKW, peak_y_BK, base_y_BK = quantise_simcc(maps.y_BKW, floor, beta)
    stored = SimCCOutput(
        dequantise_simcc(x_BKW, peak_x_BK, base_x_BK), dequantise_simcc(y_BKW, peak_y_BK, base_y_BK)
    )
    drift_BK = simcc_drift(maps, stored, geometry.scale)
    drift_BK = drift_BK.masked_fill(~sure_BK.to(drift_BK.device), torch.nan)
    error_BK = torch.maximum(
        simcc_error(maps.x_BKW, stored.x_BKW, beta), simcc_error(maps.y_BKW, stored.y_BKW, beta)
    )
    arrays = (x_BKW, y_BKW, peak_x_BK, peak_y_BK, base_x_BK, base_y_BK)
    return SimCCRows(*(array.cpu().numpy() for array in arrays)), drift_BK, error_BK
