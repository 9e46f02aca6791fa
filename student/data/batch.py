"""One training batch, as a loader worker puts it together and the device takes it.

Legend: B crops, U union joints, A the crops of the batch that a teacher answered, K the teacher's joints, N
maps that are spread out, H and W rows and columns of the crop.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float32, Int64, UInt8
from torch import Tensor

Tensors = TypeVar("Tensors")


@dataclass(frozen=True)
class TeacherBatch:
    """What the store holds of one teacher for the batch, still quantised.

    `row_A` are the positions in the batch of the crops it answered, `keypoint_AK2` its own joints in the
    crops' input pixels, and `mode_AK` the share of each map that is one peak there. Of the maps only those
    that are not one peak are here: `spread_N2` says which, by crop (of A) and relation, and `stored` has them
    and their levels by the names the store gives them, a row to each. The affine takes cells of the student's
    warp plane to cells (or bins) of the teacher's map, augmentation and mirroring included.
    """

    row_A: Int64[Tensor, " a"]
    keypoint_AK2: Float32[Tensor, "a k 2"]
    confidence_AK: Float32[Tensor, "a k"]
    mode_AK: Float32[Tensor, "a k"]
    spread_N2: Int64[Tensor, "n 2"]
    stored: Mapping[str, Tensor]
    teacher_from_student_A23: Float32[Tensor, "a 2 3"]


@dataclass(frozen=True)
class TrainingBatch:
    """Augmented crops (BGR) with what teaches them.

    Keypoints are input pixels of the crop; their weight is 0 where nothing is known. `body_B` is the
    person's size there, the square root of their area, which joints' sigmas are relative to. `flipped_B`
    says which crops are mirrored: keypoints are already swapped, teachers' joints are not. `dropped_B4` are
    the patches (`student.data.dropped_patch`) under which teachers know nothing; None where distillation
    is not masked.
    """

    image_BHW3: UInt8[Tensor, "b h w 3"]
    keypoint_BU2: Float32[Tensor, "b u 2"]
    weight_BU: Float32[Tensor, "b u"]
    body_B: Float32[Tensor, " b"]
    flipped_B: Bool[Tensor, " b"]
    crop_id_B: Int64[Tensor, " b"]
    dataset_B: Int64[Tensor, " b"]
    teachers: Mapping[str, TeacherBatch]
    dropped_B4: Float32[Tensor, "b 4"] | None = None

    def __len__(self) -> int:
        return len(self.crop_id_B)

    def to(self, device: torch.device) -> "TrainingBatch":
        return _mapped(self, lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> "TrainingBatch":
        """Called by the DataLoader for a CUDA device."""
        return _mapped(self, Tensor.pin_memory)


def _mapped(value: Tensors, function: Callable[[Tensor], Tensor]) -> Tensors:
    """`value` with `function` applied to every tensor in it."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, function) for key, item in value.items()}
    if is_dataclass(value):
        changed: dict[str, Any] = {f.name: _mapped(getattr(value, f.name), function) for f in fields(value)}
        return replace(value, **changed)
    return value
