"""Training state on disk: all of it, or the one before."""

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pipeline.errors import KDError

FORMAT = 2


def save_checkpoint(state: Mapping[str, Any], path: Path) -> None:
    """Write under a temporary name, then rename: a kill leaves the previous checkpoint as it was.

    Raises:
        KDError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        torch.save({"format": FORMAT, **state}, temporary)
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch tells a full disk by a RuntimeError
        raise KDError(
            f"the checkpoint {path} cannot be written: {error}. The one before is kept. Make room on that "
            "disk, or make the folder writable, then run the same command again: training goes on from there."
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state that was saved, on the CPU; None where there is none that this version can read."""
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, OSError):
        return None
    return state if isinstance(state, dict) and state.get("format") == FORMAT else None


def random_state() -> dict[str, Any]:
    """The state of torch's generators; nothing else in a training draws from a global one."""
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all()}


def restore_random_state(state: Mapping[str, Any]) -> None:
    torch.set_rng_state(state["cpu"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


def changes(before: Any, now: Any, place: str = "") -> list[str]:
    """What differs between two nested mappings, one line each: `train.epochs: 10 -> 20`."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = sorted({*before, *now})
        return [
            line
            for key in keys
            for line in changes(before.get(key), now.get(key), f"{place}.{key}".lstrip("."))
        ]
    return [] if before == now else [f"{place}: {before} -> {now}"]
