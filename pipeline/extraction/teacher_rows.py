"""A teacher's answer to a batch of crops, as rows of the store.

Legend: B crops, K joints, H, W rows and columns of crops and maps (W also: bins).
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, UInt8
from torch import Tensor

from pipeline.errors import KDError
from pipeline.geometry import apply, compose, invert
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.format.rows import CellRows, HeatmapRows, RowKeys, SimCCRows
from pipeline.store.manage.fidelity import map_drift, map_error
from pipeline.teachers.maps import HeatmapOutput, Maps, SimCCOutput, TeacherOutput
from pipeline.teachers.teacher import Teacher


@dataclass(frozen=True)
class CropRequest:
    """Crops for a teacher to predict (BGR), and which they are.

    `affine_B23` takes image pixels to input pixels; `mirrored_B` says which crops show a mirrored person.
    """

    keys: RowKeys
    images_BHW3: UInt8[Tensor, "b h w 3"]
    affine_B23: Float64[np.ndarray, "b 2 3"]
    mirrored_B: Bool[np.ndarray, "b"]


@torch.inference_mode()
def teacher_rows(teacher: Teacher, request: CropRequest, codec: MapCodec) -> CellRows:
    """Run the teacher and encode its maps, on the device of the crops.

    Raises:
        KDError: an answer is not finite; names the crops.
    """
    output = own_joints(_finite_answer(teacher, request), request.mirrored_B, teacher)
    arrays = codec.encode(output.maps)
    floor_BK = arrays.pop("floor")
    stored = codec.decode(arrays)
    return CellRows(
        keys=request.keys,
        maps=_rows({name: array.cpu().numpy() for name, array in arrays.items()}),
        confidence_BK=output.confidence_BK,
        keypoints_BK2=apply(invert(request.affine_B23), output.keypoints_BK2).astype(np.float32),
        affine_B23=compose(teacher.map.map_affine(), request.affine_B23),
        drift_BK=_float16(map_drift(output, stored, teacher.map)),
        error_BK=_float16(map_error(output.maps, stored, floor_BK, codec.sharpness)),
        floor_BK=_float16(floor_BK),
    )


def _rows(arrays: dict[str, np.ndarray]) -> HeatmapRows | SimCCRows:
    if "map" in arrays:
        return HeatmapRows(arrays["map"], arrays["peak"], arrays["base"])
    maps = {f"{axis}_BKW": arrays[f"map_{axis}"] for axis in "xy"}
    scales = {f"{name}_{axis}_BK": arrays[f"{name}_{axis}"] for name in ("peak", "base") for axis in "xy"}
    return SimCCRows(**maps, **scales)


def _float16(values_BK: Float32[Tensor, "b k"]) -> np.ndarray:
    return values_BK.cpu().numpy().astype(np.float16)


def own_joints(output: TeacherOutput, mirrored_B: Bool[np.ndarray, "b"], teacher: Teacher) -> TeacherOutput:
    """With the joints of mirrored crops swapped back: a mirror image's left wrist is a right one."""
    if not mirrored_B.any():
        return output
    permutation_K = np.array(teacher.convention.flip_permutation)
    joint_BK = np.where(mirrored_B[:, None], permutation_K, np.arange(len(permutation_K)))
    crop_B1 = np.arange(len(mirrored_B))[:, None]
    return TeacherOutput(
        _swapped(output.maps, crop_B1, joint_BK),
        output.keypoints_BK2[crop_B1, joint_BK],
        output.confidence_BK[crop_B1, joint_BK],
    )


def _swapped(maps: Maps, crop_B1: np.ndarray, joint_BK: np.ndarray) -> Maps:
    if isinstance(maps, HeatmapOutput):
        return HeatmapOutput(maps.heatmap_BKHW[crop_B1, joint_BK])
    return SimCCOutput(maps.x_BKW[crop_B1, joint_BK], maps.y_BKW[crop_B1, joint_BK])


def _finite_answer(teacher: Teacher, request: CropRequest) -> TeacherOutput:
    """Half precision where the device has it; a batch that overflows there is run again in full precision."""
    device = request.images_BHW3.device
    with _autocast(device):
        output = teacher.predict(request.images_BHW3)
    bad_B = ~_finite(output)
    if bad_B.any() and device.type == "cuda":
        output = teacher.predict(request.images_BHW3)
        bad_B = ~_finite(output)
    if bad_B.any():
        ids = ", ".join(str(crop_id) for crop_id in request.keys.crop_id_B[bad_B][:5])
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
