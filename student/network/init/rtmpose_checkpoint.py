"""An RTMPose checkpoint of MMPose's as initial weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import UnionSkeleton
from pipeline.errors import KDError
from pipeline.params import InitParams
from pipeline.teachers.checkpoints import checked_file, joints_of, load_checkpoint, state_dict_of
from student.network.init.joints import convention_of, rows_by_name, rows_by_relation
from student.network.init.weights import InitialWeights
from student.network.pose_student import PoseStudent

UNUSED = ("ema_", "data_preprocessor.", "head.loss_module.")
"""What a checkpoint has besides its network: weights before they were averaged (MMCV 1 kept them), buffers of
preprocessing, and the loss."""
JOINT_LAYER = "head.final_layer.weight"


def read_rtmpose(params: InitParams, root: Path, student: PoseStudent) -> InitialWeights:
    """The weights in the file `params.rtmpose`.

    Raises:
        KDError: it is missing, unsafe, damaged or not the one that was meant; nothing says which joints its
            head has.
    """
    return read_mmpose("RTMPose", "rtmpose", params, root, student.config.skeleton)


def read_mmpose(
    kind: str, setting: str, params: InitParams, root: Path, union: UnionSkeleton
) -> InitialWeights:
    """The weights in the file that a setting of `params` names, by MMPose's names; `kind` is for messages.

    Raises:
        KDError: as `read_rtmpose`.
    """
    path = root / getattr(params, setting)
    sha256 = checked_file(path, f"student.init.{setting}", params.sha256)
    checkpoint = load_checkpoint(path)
    weights = state_dict_of(checkpoint, path)
    tensors = {name: tensor for name, tensor in weights.items() if not name.startswith(UNUSED)}
    rows = _joint_rows(path, checkpoint, tensors.get(JOINT_LAYER), params.convention, root, union)
    return InitialWeights(f"the {kind} checkpoint {path}", sha256, tensors, row_of_joint=rows)


def _joint_rows(
    path: Path,
    checkpoint: Mapping[str, Any],
    joint_layer: Tensor | None,
    convention: str | None,
    root: Path,
    union: UnionSkeleton,
) -> dict[str, int]:
    """For every union joint that the checkpoint's head has, its row in the head's layer of one row to a joint
    (None: there is no such layer, and no row).

    Raises:
        KDError: neither the checkpoint nor `convention` names as many joints as there are rows.
    """
    if joint_layer is None:
        return {}
    named = joints_of(checkpoint, path)
    meaning = load_convention(convention, root) if convention else convention_of(named)
    names = tuple(named) or (meaning.joints if meaning else ())
    if len(names) != len(joint_layer):
        raise KDError(
            f"the head of {path} has {len(joint_layer)} joints, but {len(names)} are named by "
            f"{'its dataset_meta' if named else convention or 'anything in it'}. Name the convention it was "
            "trained on: student.init.convention"
        )
    if meaning is None:
        return rows_by_name(names, union)
    return rows_by_relation(meaning.reordered(names, f"{meaning.name}@{path.name}"), union)
