"""What is known of a teacher before it teaches: how its maps are read, and how often it is right.

Fitted from stores and labels (`student.calibration.fit`), kept as calibration.json beside the student.

Legend: A crops a teacher answered, R relations (teacher joint -> union joint), K the teacher's joints.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from pydantic import ConfigDict, TypeAdapter, ValidationError
from torch import Tensor

from pipeline.errors import KDError
from pipeline.files.atomic import write_atomically
from pipeline.files.hashes import SEAL, check_seal, sealed_json

FORMAT = 1
DEFAULT_EXPONENT = {"heatmap": 1.5, "simcc": 1.0}
"""Without labels. A heatmap, unlike a softmax, was never trained to be a distribution: its faint background,
summed over thousands of cells, can outweigh its peak."""
DEFAULT_RIGHT = 0.8
"""The share of correct answers that is assumed of a teacher without labels."""
_AS_WRITTEN = ConfigDict(extra="forbid", allow_inf_nan=False)
"""How a file is checked: no text for a number, and no unknown key."""
FAINT = 1e-3
"""Shares are kept from 0 by this before their logarithm is taken."""


@dataclass(frozen=True)
class Trust:
    """The probability that an answer is right, by logistic regression:

        logit p = bias + sharpness log(mode) + confidence log(c / usual) + dataset + joint

    where `mode` is the share of the map that is one sure peak, `c` the teacher's own confidence and `usual`
    its 75th percentile for that joint; `datasets` (by domain) and `joints` (union joints, by name) are what
    is added for each, 0 where there is none. Right means within `RIGHT_WITHIN` of the label
    (`student.evaluation.metrics.correctness`).
    """

    __pydantic_config__ = _AS_WRITTEN

    bias: float
    sharpness: float = 0.0
    confidence: float = 0.0
    datasets: Mapping[str, float] = field(default_factory=dict)
    joints: Mapping[str, float] = field(default_factory=dict)

    def of(
        self,
        mode_AR: Float[Tensor, "a r"],
        relative_AR: Float[Tensor, "a r"],
        dataset_A: Int64[Tensor, " a"],
        union_AR: Int64[Tensor, "a r"],
        domains: Sequence[str],
        joints: Sequence[str],
    ) -> Float[Tensor, "a r"]:
        """`relative_AR` is c / usual; datasets and union joints are given by their numbers in the lists, of
        which `domains` has each dataset's domain."""
        dataset_D = mode_AR.new_tensor([self.datasets.get(name, 0.0) for name in domains] or [0.0])
        joint_U = mode_AR.new_tensor([self.joints.get(name, 0.0) for name in joints])
        logit_AR = (
            self.bias
            + self.sharpness * mode_AR.clamp(FAINT, 1.0).log()
            + self.confidence * relative_AR.clamp(FAINT, 1.0).log()
            + dataset_D[dataset_A][:, None]
            + joint_U[union_AR]
        )
        return logit_AR.sigmoid()


@dataclass(frozen=True)
class Calibration:
    """One teacher's.

    `exponent` is the power that its maps are raised to before they are normalised; `spread` the standard
    deviation, in cells or bins, of the peak of a sure answer, and `sure_share` the share of such a map that
    lies within `WINDOW` spreads of its peak (`student.targets.mode`); `usual_confidence` is by teacher joint.
    `labels` is how many labelled joints the trust was fitted on; 0: it is the documented default.
    """

    __pydantic_config__ = _AS_WRITTEN

    exponent: float
    spread: tuple[float, float]
    sure_share: float
    usual_confidence: tuple[float, ...]
    trust: Trust
    labels: int = 0
    right: float = 0.0
    """The share of them that it was right about,"""
    trusted: float = 0.0
    """and their mean trust."""
    gain_nats: float = 0.0
    """By how much labels are likelier under the maps than under keypoints alone, of equal width."""


def uncalibrated(kind: str, joints: int) -> Calibration:
    """The documented default, for a teacher that nothing is known of yet: MMPose's own target widths."""
    logit = torch.logit(torch.tensor(DEFAULT_RIGHT)).item()
    spread = (2.0, 2.0) if kind == "heatmap" else (5.0, 5.0)
    return Calibration(DEFAULT_EXPONENT[kind], spread, 1.0, (1.0,) * joints, Trust(logit))


@dataclass(frozen=True)
class CalibrationFile:
    """All teachers' calibrations, the offsets between conventions, and what they were fitted on.

    `offsets` are by convention and union joint, (along the torso, along the shoulders): see
    `student.calibration.offsets`. `fitted_on` are hashes: labels by dataset, stores by dataset and teacher.
    """

    __pydantic_config__ = _AS_WRITTEN

    teachers: Mapping[str, Calibration]
    offsets: Mapping[str, Mapping[str, tuple[float, float]]]
    fitted_on: Mapping[str, Any]

    def write(self, path: Path) -> None:
        values = sealed_json({"format": FORMAT, **asdict(self)})
        write_atomically(path, json.dumps(values, indent=2) + "\n")

    def check(self, fitted_on: Mapping[str, Any], path: Path) -> None:
        """Raises KDError where it was fitted on other stores or labels than `fitted_on`."""
        changed = [name for name in fitted_on if self.fitted_on.get(name) != fitted_on[name]]
        if changed:
            raise KDError(
                f"{path} was fitted on other labels or stores of {', '.join(changed)} than the workspace has "
                "now, so it would read the wrong maps by it. Fit it again: kd-pipeline calibrate"
            )


def read_calibration(path: Path) -> CalibrationFile:
    """Raises KDError where it is missing, damaged or of another format."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise KDError(
                f"{path} has format {values['format']}, but {FORMAT} is wanted. Fit it again: "
                "kd-pipeline calibrate"
            )
        check_seal(values)
        return _FILE.validate_python(
            {name: value for name, value in values.items() if name not in ("format", SEAL)}
        )
    except OSError as error:
        raise KDError(
            f"{path} cannot be read: {error.strerror}. Fit one: kd-pipeline calibrate --out {path}"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise _no_calibration(path, f"{place}: {first['msg']}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _no_calibration(path, f"{type(error).__name__}: {error}") from None


def _no_calibration(path: Path, why: str) -> KDError:
    return KDError(f"{path} is no calibration ({why}). Fit it again: kd-pipeline calibrate")


_FILE = TypeAdapter(CalibrationFile)
