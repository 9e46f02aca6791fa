"""A student with the weights that `student.init` asks for."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import KDError
from pipeline.extensions import INITIALISERS
from pipeline.params import PACKAGED_WEIGHTS, StudentParams
from student.network.config import StudentConfig
from student.network.init.weights import InitialWeights, take_over
from student.network.pose_student import PoseStudent


@dataclass(frozen=True)
class InitialStudent:
    """A student before its first step.

    `identity` identifies the origin of the weights: the SHA-256 of a file, `imagenet`, or "" for random
    weights. `summary` says in a line what was copied and what is fresh.
    """

    student: PoseStudent
    identity: str
    summary: str


def initial_student(config: StudentConfig, params: StudentParams, root: Path) -> InitialStudent:
    """Fresh weights, drawn from torch's global generator, then those of `params.init` over them.

    Paths start at `root`.

    Raises:
        KDError: there are no such weights, or they are not for this network.
    """
    student = PoseStudent(config)
    start = _started(student, params, root)
    student.freeze(params.frozen_stages)
    return start


def _started(student: PoseStudent, params: StudentParams, root: Path) -> InitialStudent:
    if params.init.backbone == PACKAGED_WEIGHTS:
        _load_packaged(student)
        summary = "starts from ImageNet weights in the backbone; the head is fresh"
        return InitialStudent(student, PACKAGED_WEIGHTS, summary)
    weights = _read(student, params, root)
    if weights is None:
        return InitialStudent(student, "", "starts from random weights")
    return InitialStudent(student, weights.sha256, take_over(student, weights))


def _read(student: PoseStudent, params: StudentParams, root: Path) -> InitialWeights | None:
    for source in INITIALISERS:
        if getattr(params.init, source):
            return INITIALISERS.load(source)(params.init, root, student)
    return None


def _load_packaged(student: PoseStudent) -> None:
    if not student.backbone.brings_weights:
        raise KDError(
            f"student.init.backbone is {PACKAGED_WEIGHTS} with the backbone {student.config.backbone}, but "
            "the only weights that come along are efficientnet_lite0's and those of timm:NAME. Choose such a "
            "backbone, name a file with weights, or leave student.init out."
        )
    student.backbone.load_packaged_weights()
