"""An RTMPose checkpoint of MMPose's as initial weights."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import UnionSkeleton
from pipeline.errors import KDError
from pipeline.params import InitParams
from pipeline.teachers.checkpoints import checked_file, joints_of, load_checkpoint, state_dict_of
from student.init.joints import convention_of, rows_by_name, rows_by_relation
from student.init.weights import InitialWeights

UNUSED = ("ema_", "data_preprocessor.", "head.loss_module.")
"""What a checkpoint has besides its network: weights before they were averaged (MMCV 1 kept them), buffers of
preprocessing, and the loss."""
JOINT_LAYER = "head.final_layer.weight"


def read_rtmpose(params: InitParams, root: Path, union: UnionSkeleton) -> InitialWeights:
    """The weights in the file `params.rtmpose`.

    Raises:
        KDError: it is missing, unsafe, damaged or not the one that was meant; nothing tells which joints its
            head has.
    """
    path = root / params.rtmpose
    sha256 = checked_file(path, "student.init.rtmpose", params.sha256)
    checkpoint = load_checkpoint(path)
    weights = state_dict_of(checkpoint, path)
    tensors = {name: tensor for name, tensor in weights.items() if not name.startswith(UNUSED)}
    told = joints_of((checkpoint.get("meta") or {}).get("dataset_meta") or {})
    channels = len(tensors.get(JOINT_LAYER, ()))
    rows = _rows(path, told, channels, params.convention, root, union) if channels else {}
    return InitialWeights(f"the RTMPose checkpoint {path}", sha256, tensors, row_of_joint=rows)


def _rows(
    path: Path,
    told: Sequence[str],
    channels: int,
    convention: str | None,
    root: Path,
    union: UnionSkeleton,
) -> dict[str, int]:
    """The head's row for every union joint that it has."""
    meaning = load_convention(convention, root) if convention else convention_of(told)
    names = tuple(told) or (meaning.joints if meaning else ())
    if len(names) != channels:
        raise KDError(
            f"the head of {path} has {channels} joints, but {len(names)} are named by "
            f"{'its dataset_meta' if told else convention or 'anything in it'}. Name the convention it was "
            "trained on: student.init.convention"
        )
    if meaning is None:
        return rows_by_name(names, union)
    return rows_by_relation(meaning.reordered(names, f"{meaning.name}@{path.name}"), union)
