"""`evaluate` and `runtime`."""

from typing import Literal

from pydantic import Field

from pipeline.params.section import ModelName, Section


class EvaluateParams(Section):
    """Evaluation of the student and of the teachers' stored keypoints."""

    datasets: tuple[str, ...] = Field(min_length=1)
    """Names from `datasets`: the labelled splits that are scored."""
    students: dict[ModelName, str] = {}
    """More students to compare with, `{labels only: runs/labels_only}`: name -> folder of one trained before,
    relative to the workspace. DVC watches the folder once it is among the deps of the stage evaluate."""
    flip_test: bool = True
    """The student's answer is the mean over a crop and its mirror image."""
    overlays: int = Field(default=8, ge=0, le=1000)
    """People drawn per dataset."""


class RuntimeParams(Section):
    """What changes speed but no output."""

    device: str = "auto"
    """auto (CUDA where there is one), cpu, cuda, cuda:N or mps."""
    batch_size: int = Field(default=64, ge=1, le=8192)
    """Crops a teacher sees at once in extraction and evaluation."""
    workers: int | Literal["auto"] = Field(default="auto")
    """Processes that load crops; auto: as many as the machine's cores allow."""
    checkpoint_steps: int | None = Field(default=None, ge=1)
    """A training is saved after every so many steps too, not only after every epoch."""
