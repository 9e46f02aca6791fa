"""`kd-pipeline store`: look after the teacher stores."""

import click

from stages.commands.store.gc import gc
from stages.commands.store.info import info
from stages.commands.store.ls import ls
from stages.commands.store.verify import verify
from stages.terminal.near_names import GuessingGroup


@click.group("store", cls=GuessingGroup)
def store() -> None:
    """Look after the teacher stores: what is there, whether it is sound, what can go.

    A store is a folder stores/TEACHER/DATASET.zarr: all of one teacher's answers for one dataset, a "cell".
    `kd-pipeline extract-teachers` makes stores.
    """


for command in (ls, info, verify, gc):
    store.add_command(command)
