"""What a finished run leaves in its folder besides the student: run.json."""

import json
from pathlib import Path
from typing import Any

from pipeline.atomic_file import write_atomically
from pipeline.errors import KDError
from pipeline.params import Section, parse_section

RECORD = "run.json"
RECORDED_PACKAGES = ("kd-pipeline", "torch", "torchvision", "numpy", "opencv-python-headless")


class RunRecord(Section):
    """Written last: where it is, training and evaluation are complete."""

    arm: str
    seed: int
    seconds: float
    """Wall time of training and evaluation, in the process that finished them."""
    resumed_from_epoch: int
    """Epochs that an earlier process, killed since, had trained: `seconds` lacks them."""
    steps: int
    teacher_forward_passes: int
    """Crops shown to any teacher's network while the run lasted."""
    threads: int
    versions: dict[str, str]
    data: dict[str, Any]
    """`data_identity` of what was trained and evaluated on."""

    def write(self, folder: Path) -> None:
        """Raises KDError where the folder cannot be written."""
        write_atomically(folder / RECORD, json.dumps(self.model_dump(mode="json"), indent=2) + "\n")


def read_record(folder: Path) -> RunRecord | None:
    """The record of a finished run; None where there is none, or one of another version."""
    try:
        return parse_section(RunRecord, json.loads((folder / RECORD).read_text(encoding="utf-8")), RECORD)
    except (OSError, ValueError, KDError):
        return None


def remove_record(folder: Path) -> None:
    """The run is not finished any more."""
    (folder / RECORD).unlink(missing_ok=True)
