"""Wrong files of every kind that people write, export or edit: `python -m benchmarks.mutations --json`.

Annotations in every format, boxes, params.yaml, a teacher's sidecar, a convention, an ablation, a student's
JSON and a calibration are made wrong in one to three places (a value of another type or size, a key gone,
doubled or renamed, YAML's stranger sides, damaged bytes) and handed to what reads them. Right is: accepted,
or refused in one paragraph. A traceback is neither.
"""

import tempfile
from pathlib import Path

import click
import torch

from benchmarks.cases.verdict import end_with
from benchmarks.mutations.trials import try_mutations


@click.command()
@click.option("--trials", default=10_000, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every file that led to a traceback.")
def main(trials: int, seed: int, as_json: bool) -> None:
    """Try so many wrong files; exit code 1 if one ends in a traceback."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        end_with(lambda: try_mutations(trials, seed, Path(folder)), seed, as_json)


if __name__ == "__main__":
    main()
