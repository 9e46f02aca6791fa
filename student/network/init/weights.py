"""Weights from elsewhere, and how a student takes them over: all that were meant, or none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from pipeline.errors import KDError
from student.network.init.architecture import described, shape_text
from student.network.pose_student import PoseStudent

BACKBONE, WHOLE = "backbone.", ""
COUNTER = "num_batches_tracked"
"""BatchNorm's; no output depends on it, and weights of old have none."""


@dataclass(frozen=True)
class InitialWeights:
    """Tensors by the student's own names.

    `what` names their origin in messages, `sha256` is that file's, `part` is the prefix of the names of the
    student's weights that they must cover. `row_of_joint` gives, for the union joints (by name) that a head's
    rows are copied for, which row.
    """

    what: str
    sha256: str
    tensors: Mapping[str, Tensor]
    part: str = WHOLE
    row_of_joint: Mapping[str, int] = field(default_factory=dict)


def take_over(student: PoseStudent, weights: InitialWeights) -> str:
    """Copy them into the student. Returns what was copied and what is fresh, in a line.

    Raises:
        KDError: they are of another architecture; the student is as it was.
    """
    own = student.state_dict()
    wanted = {name: tensor for name, tensor in own.items() if name.startswith(weights.part)}
    by_joint = f"head.{student.head.joint_layer}."
    difference = _first_difference(wanted, weights.tensors, by_joint)
    if difference:
        raise _other_architecture(weights, wanted, difference)
    row_of_joint = {
        student.config.skeleton.joints.index(joint): row for joint, row in weights.row_of_joint.items()
    }
    rows = _rows_around_mean if student.head.joints_attend else _rows
    copied = {
        name: rows(own[name], tensor, row_of_joint) if name.startswith(by_joint) else tensor
        for name, tensor in weights.tensors.items()
    }
    student.load_state_dict(own | copied)
    return _summary(student, weights)


def _first_difference(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], by_joint: str) -> str:
    """In words; "" where there is none. Only the number of rows of the layer `by_joint` may differ."""
    for name, tensor in wanted.items():
        if name not in found:
            if name.endswith(COUNTER):
                continue
            return f"{name} is missing"
        first = 1 if name.startswith(by_joint) else 0
        if found[name].shape[first:] != tensor.shape[first:]:
            return f"{name} is {shape_text(found[name])}, not {shape_text(tensor)}"
    return next((f"{name} has no place" for name in found if name not in wanted), "")


def _rows(own: Tensor, source: Tensor, row_of_joint: Mapping[int, int]) -> Tensor:
    """A layer's own weights with the rows of some joints replaced."""
    result = own.clone()
    for joint, row in row_of_joint.items():
        result[joint] = source[row]
    return result


def _rows_around_mean(own: Tensor, source: Tensor, row_of_joint: Mapping[int, int]) -> Tensor:
    """The same, the fresh rows drawn around the mean of the source's.

    Where joints attend to each other, one with random weights is like none that the attention has seen, and
    however faint, it is scaled to full length: with four such joints beside its 17, a real RTMPose-t moved
    those by 61 input pixels (median of lspet's first 100 val people), with four drawn around the mean by 0.2.
    """
    return _rows(own + source.mean(0), source, row_of_joint)


def _other_architecture(weights: InitialWeights, wanted: Mapping[str, Tensor], difference: str) -> KDError:
    alone = "; or take over only its backbone: student.init.backbone" if weights.part == WHOLE else ""
    return KDError(
        f"{weights.what} is of another architecture, so nothing of it was loaded. Found: "
        f"{described(weights.tensors)}. Wanted: {described(wanted)}. The first difference: {difference}. "
        "Set student.backbone, student.output_stride, student.head and student.input_size to what was found, "
        f"or name weights of this student's own kind{alone}."
    )


def _summary(student: PoseStudent, weights: InitialWeights) -> str:
    tensors = sum(not name.endswith(COUNTER) for name in weights.tensors)
    start = f"starts from {weights.what} (SHA-256 {weights.sha256[:12]}): {tensors} tensors copied"
    if weights.part == BACKBONE:
        return f"{start} into the backbone; the head is fresh"
    joints = student.config.skeleton.joints
    fresh = [joint for joint in joints if joint not in weights.row_of_joint]
    copied = f"{len(joints) - len(fresh)} of {len(joints)} joints"
    return f"{start}, {copied}; fresh: {', '.join(fresh) or 'none'}"
