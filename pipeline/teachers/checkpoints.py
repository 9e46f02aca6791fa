"""Reading a checkpoint without running what it says.

A PyTorch checkpoint is a pickle, and a pickle can call anything. Here it is unpickled with
`weights_only=True` and a list of the harmless things that OpenMMLab's checkpoints hold besides tensors;
whatever else is refused by name.
"""

import pickle
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.errors import KDError
from pipeline.files.hashes import sha256_of

Allowed = type | tuple[Any, str]
LEAST_DIGITS = 8
"""Of a SHA-256 that identify a file; OpenMMLab's file names end in so many."""

_ADVICE = re.compile(r"weights[_ ]only|trust|still be loaded", re.IGNORECASE)


def checked_file(path: Path, what: str, sha256: str | None) -> str:
    """SHA-256 of the file `what` at `path`.

    Raises:
        KDError: it is missing, or its SHA-256 does not begin with `sha256`, of which 8 digits are the least.
    """
    if not path.is_file():
        raise KDError(f"{what}: there is no file {path}. Put it there, or name another in params.yaml.")
    found = sha256_of(path)
    if sha256 is not None and not (len(sha256) >= LEAST_DIGITS and found.startswith(sha256)):
        raise KDError(
            f"{what}: {path} has SHA-256 {found}, but {sha256} was wanted. "
            "Fetch the right file, or correct the SHA-256 where it is given."
        )
    return found


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The checkpoint at `path`, its tensors on the CPU.

    Raises:
        KDError: it is not a checkpoint, is cut short, or holds an object that is not on the allow-list.
    """
    try:
        with torch.serialization.safe_globals(list(_allowed())):
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refusal(path, str(error)) from None
    except Exception as error:  # a damaged file can raise anything
        raise _unreadable(path, str(error)) from None
    if not isinstance(checkpoint, dict):
        raise KDError(f"{path} holds a {type(checkpoint).__name__}, but a mapping with weights was wanted.")
    return checkpoint


def state_dict_of(checkpoint: dict[str, Any], path: Path) -> dict[str, torch.Tensor]:
    """The weights in `checkpoint`, without the prefix that data-parallel training puts before their names.

    Raises:
        KDError: there are none.
    """
    weights = checkpoint.get("state_dict", checkpoint)
    tensors = isinstance(weights, dict) and any(torch.is_tensor(value) for value in weights.values())
    if not tensors:
        raise KDError(
            f"{path} has no weights: its keys are {', '.join(map(str, checkpoint))}, but 'state_dict' was "
            "wanted. Name a checkpoint that OpenMMLab's runner or publish_model.py wrote."
        )
    metadata = getattr(weights, "_metadata", None)
    stripped = type(weights)(
        (name.removeprefix("module."), value)
        for name, value in weights.items()
        if isinstance(name, str) and torch.is_tensor(value)
    )
    if metadata is not None:  # a module's load hooks read in it which version wrote the weights
        stripped._metadata = {
            name.removeprefix("module").lstrip("."): value for name, value in metadata.items()
        }
    return stripped


def meta_of(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """What OpenMMLab's checkpoints say of themselves; empty where this one says nothing, or otherwise."""
    meta = checkpoint.get("meta")
    return meta if isinstance(meta, Mapping) else {}


def dataset_meta_of(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """What it says of the dataset it was trained on; empty as `meta_of`."""
    meta = meta_of(checkpoint).get("dataset_meta")
    return meta if isinstance(meta, Mapping) else {}


def joints_of(checkpoint: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """Joint names in the order of the network's outputs, as MMPose's `dataset_meta` has them, or ().

    Raises:
        KDError: they are there, but not in MMPose's form.
    """
    names = dataset_meta_of(checkpoint).get("keypoint_id2name") or {}
    try:
        joints = tuple(names[key] for key in sorted(names, key=int))
    except (TypeError, ValueError, KeyError, IndexError, OverflowError):
        joints = (names,)
    if not all(isinstance(joint, str) for joint in joints) or isinstance(names, str):
        raise KDError(
            f"{path}: its meta.dataset_meta.keypoint_id2name is {str(names)[:60]}, but a mapping of numbers "
            "to joint names was wanted. Fetch the checkpoint again, or name one that MMPose wrote."
        )
    return joints


class _HistoryBuffer:
    """Takes the place of MMEngine's log buffer, whose content is not needed here."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        pass


def _getattr(owner: object, name: str) -> None:
    """Takes the place of `getattr`, by which a log buffer refers to its own methods."""
    if owner is not _HistoryBuffer:
        raise pickle.UnpicklingError("Unsupported global: GLOBAL builtins.getattr was not an allowed global")


@cache
def _allowed() -> tuple[Allowed, ...]:
    """Objects a pickle may name. NumPy's go by their names of NumPy 1 and 2."""
    multiarray = np.core.multiarray
    return (
        (_HistoryBuffer, "mmengine.logging.history_buffer.HistoryBuffer"),
        (_getattr, "builtins.getattr"),
        (np.ndarray, "numpy.ndarray"),
        (np.dtype, "numpy.dtype"),
        *((multiarray.scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
        *((multiarray._reconstruct, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")),
        *{type(np.dtype(code)) for code in np.typecodes["All"]},
    )


def _refusal(path: Path, reason: str) -> KDError:
    found = re.search(r"GLOBAL (\S+)|[Cc]an only \w+ .*?, but got (?:<class ')?([\w.]+)", reason)
    name = next((group for group in found.groups() if group), None) if found else None
    if name is None:
        return _unreadable(path, reason)
    return KDError(
        f"{path} was refused and nothing in it was run: it wants to call {name}, which a checkpoint has no "
        "need of. Use a checkpoint with weights and plain metadata only, from a source you trust."
    )


def _unreadable(path: Path, reason: str) -> KDError:
    """PyTorch's own words are passed on but for its advice to load without `weights_only`."""
    first = (reason.splitlines() or [""])[0].strip().rstrip(".")
    cause = "it holds something else, or is damaged" if _ADVICE.search(first) or not first else first
    return KDError(
        f"{path} cannot be read as a PyTorch checkpoint: {cause}. It may be cut short or be another kind of "
        "file; fetch it again."
    )
