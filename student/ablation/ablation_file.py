"""The file that `kd-pipeline ablate` reads: which trainings to compare, over which seeds, by which metric.

What an arm overrides is merged into params.yaml, setting by setting.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pipeline.files.yaml_file import load_yaml
from pipeline.params import Section, parse_section

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.,=+-]*$")]
"""A name that a folder can have: letters, digits and _ . , = + -"""
Overrides = dict[str, Any]
"""Settings of params.yaml by dotted name (`distill.weight`), with the value they get instead.

A section's mapping (`distill: {weight: 0}`) is short for its settings and leaves the others unchanged; a
setting whose value is a mapping (`distill.teachers`) gets that mapping and nothing else.
"""


class GroupParams(Section):
    """Joints pooled over datasets into one number: every label weighs the same."""

    datasets: tuple[str, ...] = Field(min_length=1)
    joints: tuple[str, ...] = Field(min_length=1)


class AblationFile(Section):
    """The whole of the file."""

    name: FileName
    """Results are written to `ablations/<name>/` of the workspace."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1)
    """`train.seed` of the runs; every arm is trained once with each."""
    base: Overrides = {}
    """Overrides of params.yaml that hold for every arm."""
    arms: dict[FileName, Overrides] = {}
    """Arm -> its overrides, in the order of the table."""
    grid: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = {}
    """Setting -> its values; every combination is one more arm, called `temperature=1,weight=0.5`."""
    baseline: str | None = None
    """The arm that all others are compared with, seed by seed."""
    metric: str = "PCK20"
    """Which number of evaluation/details.json is compared."""
    datasets: tuple[str, ...] | None = None
    """Columns of the table, over which the mean is taken; None: `evaluate.datasets`."""
    groups: dict[FileName, GroupParams] = {}
    """Columns besides, which do not enter the mean."""


def read_ablation_file(path: Path) -> AblationFile:
    """Read the file; names of datasets, arms and settings in it are not checked yet.

    Raises:
        KDError: it is missing, is no YAML, has an unknown key, or lacks one.
    """
    return parse_section(AblationFile, load_yaml(path), str(path))
