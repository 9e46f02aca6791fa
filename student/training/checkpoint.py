"""Training state on disk: complete, or the previous one, and never a damaged one."""

import hashlib
import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pipeline.files.atomic import replacing

FORMAT = 3
"""The file is what `torch.save` writes, then the SHA-256 of that (32 bytes), which torch does not look at."""
_SEAL_BYTES = hashlib.sha256().digest_size


def save_training_state(state: Mapping[str, Any], path: Path) -> None:
    """Write it whole (`pipeline.files.atomic`): a kill leaves the previous checkpoint as it was.

    Raises:
        KDError: it cannot be written.
    """
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    saved = buffer.getbuffer()
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(saved)
        file.write(hashlib.sha256(saved).digest())


def load_training_state(path: Path) -> dict[str, Any] | None:
    """The state that was saved, on the CPU; None where there is none that is whole and of this version."""
    if not path.is_file():
        return None
    try:
        content = memoryview(path.read_bytes())
        saved, seal = content[:-_SEAL_BYTES], content[-_SEAL_BYTES:]
        if hashlib.sha256(saved).digest() != seal:
            return None
        state = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
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


MEANINGS = "joint conventions"
"""In a nest of what something depends on, what the conventions mean. Earlier versions did not say it: where
it is absent it is unknown, not changed. No dataset can have the name."""


def changes(before: Any, now: Any, place: str = "") -> list[str]:
    """What differs between two nested mappings, one line each: `train.epochs: 10 -> 20`."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = sorted({*before, *now} - ({MEANINGS} if MEANINGS not in before else set()))
        return [
            line
            for key in keys
            for line in changes(before.get(key), now.get(key), f"{place}.{key}".lstrip("."))
        ]
    return [] if before == now else [f"{place}: {before} -> {now}"]
