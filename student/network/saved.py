"""A student on disk: `student.safetensors` (weights) and `student.json` (all else needed to run it)."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from pipeline.errors import KDError
from pipeline.files.atomic import write_atomically
from pipeline.files.hashes import check_seal, sealed_json, sha256_of
from pipeline.workspace import CONFIG, WEIGHTS
from student.network.config import FORMAT, StudentConfig
from student.network.pose_student import PoseStudent

_SEAL = "config_sha256"


def save_student(
    student: PoseStudent, folder: Path, settings_sha256: Mapping[str, str] | None = None
) -> None:
    """Each file whole or not at all; the config, last, names its weights, and has the hashes of the settings
    that it was trained with, by section of params.yaml.

    Raises:
        KDError: a file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in student.state_dict().items()}
    weights = save(tensors)
    values = student.config.as_dict() | {
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "trained_with": dict(settings_sha256 or {}),
    }
    write_atomically(folder / WEIGHTS, weights)
    write_atomically(folder / CONFIG, json.dumps(sealed_json(values, _SEAL), indent=2) + "\n")


def load_student(folder: Path, device: torch.device) -> PoseStudent:
    """The student that was saved in `folder`, in eval mode.

    Raises:
        KDError: a file is missing or damaged, is of another format, or the two do not belong together.
    """
    values = _read_config(folder / CONFIG)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise KDError(f"there is no {weights}, though {CONFIG} is there. Train: kd-pipeline train-student")
    if sha256_of(weights) != values["weights_sha256"]:
        raise KDError(
            f"{weights} is not the file that {CONFIG} beside it was written for. Put the two files of one "
            "training together, or train again: kd-pipeline train-student"
        )
    try:
        student = PoseStudent(StudentConfig.from_dict(values))
    except KDError as error:
        raise KDError(f"{folder / CONFIG}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
        raise _damaged(folder / CONFIG, error) from None
    try:
        student.load_state_dict(load_file(weights))
    except (SafetensorError, RuntimeError) as error:
        raise KDError(
            f"{weights} does not fit {CONFIG}: {_first_reason(error)}. Put the two files of one training "
            "together, or train again: kd-pipeline train-student"
        ) from None
    return student.to(device).eval()


def _first_reason(error: Exception) -> str:
    """Torch lists every tensor that does not fit, a line each, under a line that names the network."""
    lines = [line.strip().rstrip(".") for line in str(error).splitlines() if line.strip()]
    if len(lines) <= 2:
        return lines[-1] if lines else type(error).__name__
    return f"{lines[1]} (and {len(lines) - 2} more)"


def trained_with(folder: Path) -> dict[str, str]:
    """The hashes of its settings that `save_student` was given; empty where they are unknown.

    Raises:
        KDError: there is no student in `folder`, or its config is damaged.
    """
    hashes = _read_config(folder / CONFIG).get("trained_with")
    return hashes if isinstance(hashes, dict) else {}


def _read_config(path: Path) -> dict:
    if not path.is_file():
        raise KDError(
            f"there is no student at {path.parent} ({path.name} is missing). Train: kd-pipeline train-student"
        )
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        found = values["format"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, error) from None
    if found != FORMAT:
        raise KDError(
            f"{path} has format {found}, but {FORMAT} is wanted. Train again: kd-pipeline train-student"
        )
    if "weights_sha256" not in values:
        raise _damaged(path, ValueError("it does not match the hash written with it"))
    try:
        check_seal(values, _SEAL)
    except ValueError as error:
        raise _damaged(path, error) from None
    return values


def _damaged(path: Path, error: Exception) -> KDError:
    cause = str(error).splitlines()[0] if str(error) else ""
    return KDError(
        f"{path} is not a student's JSON, or was damaged ({type(error).__name__}: {cause}). Put back the "
        "file that was written with the weights, or train again: kd-pipeline train-student"
    )
