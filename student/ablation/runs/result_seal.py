"""What the numbers of an evaluation were when it was written, so that a table is of those and no others.

`results.sha256` beside them is in the form of sha256sum, which can check it too.
"""

from collections.abc import Collection
from pathlib import Path

from pipeline.errors import KDError
from pipeline.files.atomic import write_atomically
from pipeline.files.hashes import sha256_of
from student.evaluation.metric_files import DETAILS, METRICS
from student.evaluation.per_person import FILE_NAME as PER_PERSON

RESULTS = (DETAILS, METRICS, "coverage.json", "per_joint.csv", PER_PERSON)
"""Of an evaluation, what an ablation's table reads; evaluations of earlier versions have no details."""
FILE_NAME = "results.sha256"


def seal_results(evaluation: Path) -> None:
    """Raises KDError where it cannot be written."""
    there = [name for name in RESULTS if (evaluation / name).is_file()]
    lines = [f"{sha256_of(evaluation / name)}  {name}\n" for name in there]
    write_atomically(evaluation / FILE_NAME, "".join(lines))


def check_results(evaluation: Path, but: Collection[str] = ()) -> None:
    """Evaluations of earlier versions have no seal, and pass.

    Raises:
        KDError: a file, other than those of `but`, is not as it was written.
    """
    seal = evaluation / FILE_NAME
    if not seal.exists():
        return
    lines = seal.read_text(encoding="utf-8", errors="replace").splitlines()
    sha256_of_result = {name: sha256 for sha256, _, name in (line.partition("  ") for line in lines)}
    for name in (name for name in RESULTS if name not in but):
        path = evaluation / name
        if sha256_of_result.get(name) != (sha256_of(path) if path.is_file() else None):
            raise KDError(f"{path} is not as it was written: its SHA-256 is another than in {FILE_NAME}")
