"""`cells`, `datasets` and `skeleton`: what is extracted, from what, and the joints that are learned."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.extensions import FORMATS
from pipeline.params.one_of import OneOf
from pipeline.params.section import Fraction, Section

UNLABELLED = "images"
"""The format of pictures of which boxes alone are known."""


class DatasetParams(Section):
    """One dataset split: where it lies and how to read it. Paths are relative to the workspace."""

    format: Annotated[str, OneOf(FORMATS)]
    """How the annotations are written; `images`: boxes alone, no labels."""
    convention: str | None = None
    """Of the labels; format `images` needs none."""
    images: str
    """The folder that the annotations' file names start from."""
    annotations: str
    """Keypoint annotations; for format `images`, where labels are not read, detection results (COCO's) with
    file names, a COCO file with people in boxes, or a COCO list of the images that `boxes` are on."""
    boxes: str | None = None
    """Detection results that replace the annotated boxes, if any."""
    domain: str | None = None
    """Datasets of one domain look alike: what labels of one of them say of teachers holds for all (weightings
    `reliability` and those by calibration). None: a domain of its own."""
    min_box_score: Fraction = 0.0
    """Boxes that the detector gave a lower score are left out."""
    strip_prefix: str = ""
    """Leading part of the annotations' file names that `images` lacks (Human-Art: `HumanArt/images/`)."""
    origin: Literal[0, 1] = 0
    """What the annotations call the centre of the top-left pixel: 1 where they count from 1 (JHMDB)."""

    @property
    def has_labels(self) -> bool:
        return self.format != UNLABELLED


class CellsParams(Section):
    """What is extracted: every teacher named here over every dataset named here, but for what a teacher's own
    `datasets` leave out."""

    # which is why code asks Params.datasets_of and Params.teachers_of

    teachers: tuple[str, ...] = Field(min_length=1)
    """Names from `teachers`."""
    datasets: tuple[str, ...] = Field(min_length=1)
    """Names from `datasets`: training, validation and unlabelled splits."""


class SkeletonParams(Section):
    """The union skeleton. Without a list: the conventions of every dataset and teacher in `cells`."""

    conventions: tuple[str, ...] | None = None
    """Names of built-in conventions, or paths of YAML files, whose union it is."""
    joints: tuple[str, ...] | None = None
    """Only these union joints; None: all that the conventions provide."""
    similar_weight: Fraction = 0.5
    """Weight of a relation `similar`; `same` weighs 1."""
