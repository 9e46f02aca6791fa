"""What becomes of a store, and of every file that a run reads, when things go wrong:
`python -m benchmarks.faults --json`.

Extractions in processes of their own are killed, by SIGKILL, at random moments: by the clock, and just before
a random one of their changes to the file system, so that none is left out for being short. Bits are flipped,
disks fill up, files vanish. What must come of it: the store, byte for byte, that an undisturbed extraction
makes (but for the time it was made at), and no answer of the teacher asked for twice but those in flight.

Then every kind of file that a run reads, from params.yaml to an ablation's numbers, is damaged in a small
workspace and read as the commands read it (`benchmarks.faults.every_file`).

The teacher is cheap, the files are real. Filling up disks takes the right to mount one.
"""

import tempfile
from pathlib import Path

import click
import torch

from benchmarks.cases.verdict import end_with
from benchmarks.faults.report import try_faults


@click.command()
@click.option("--crops", default=144, show_default=True, help="Crops of the cell, 16 a shard.")
@click.option("--kills", default=100, show_default=True)
@click.option("--flips", default=200, show_default=True)
@click.option("--disks", default=10, show_default=True, help="Sizes of a disk that is too small.")
@click.option("--trials", default=1200, show_default=True, help="Damages to any file that a run reads.")
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(crops: int, kills: int, flips: int, disks: int, trials: int, seed: int, as_json: bool) -> None:
    """Try every fault; exit code 1 if a store does not come out of one as it should, or if damage to a file
    changes what is read in silence or ends in a traceback."""
    torch.set_num_threads(1)  # no threads that a fork would leave behind
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # one of the faults is another user
        end_with(lambda: try_faults(crops, kills, flips, disks, trials, seed, Path(folder)), seed, as_json)


if __name__ == "__main__":
    main()
