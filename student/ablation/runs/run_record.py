"""What a finished run leaves in its folder besides the student: run.json."""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import KDError
from pipeline.files.atomic import write_atomically
from pipeline.files.hashes import SEAL, check_seal, sealed_json
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
        write_atomically(
            folder / RECORD, json.dumps(sealed_json(self.model_dump(mode="json")), indent=2) + "\n"
        )


def read_record(folder: Path, arm: str, seed: int) -> RunRecord | None:
    """The record of this finished run; None where there is none, or a damaged one, or one of another version
    or run."""
    try:
        values = dict(json.loads((folder / RECORD).read_text(encoding="utf-8")))
        check_seal(values)
        values.pop(SEAL, None)
        record = parse_section(RunRecord, values, RECORD)
    except (OSError, ValueError, TypeError, RecursionError, KDError):
        return None
    return record if (record.arm, record.seed) == (arm, seed) else None


def remove_record(folder: Path) -> None:
    """The run is not finished any more."""
    (folder / RECORD).unlink(missing_ok=True)
