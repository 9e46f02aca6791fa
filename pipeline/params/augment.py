"""`train.augment`: what happens to pictures in training."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from pipeline.errors import KDError
from pipeline.params.section import Byte, Fraction, Hue, Section, in_place


class AugmentParams(Section):
    """Image augmentation in training."""

    distribution: Literal["uniform", "truncnorm"] = "uniform"
    """Of rotation, scale and shift within their ranges; truncnorm: a standard normal cut at -1 and 1, as in
    MMPose's `RandomBBoxTransform`."""
    flip: Fraction = 0.5
    """How likely a crop is mirrored."""
    rotation_degrees: float = Field(default=30.0, ge=0.0, le=180.0)
    """A crop is turned by up to this much, either way."""
    scale: float = Field(default=0.25, ge=0.0, lt=1.0)
    """The crop's side is multiplied by a factor from [1 - scale, 1 + scale]."""
    shift: Fraction = 0.05
    """Largest shift of the crop's centre, as a fraction of its side."""
    shift_probability: Fraction = 1.0
    """How likely a crop is moved at all."""
    shift_of: Literal["box", "padded"] = "box"
    """Whose side: the person's box, or that times `student.padding` (MMPose's `bbox_scale`)."""
    half_body: Fraction = 0.1
    """How likely a crop is cut to the upper or the lower body."""
    stored_views: Fraction = 0.5
    """Share of crops shown in one of their stored views (`extract.views`), to which teachers' own answers are
    known, instead of one drawn by the settings above. Nothing where no view is stored."""
    colour: Fraction = 0.2
    """Largest relative change of brightness, contrast and saturation."""
    hsv: tuple[Hue, Byte, Byte] = (0, 0, 0)
    """Largest change of hue (of 180), saturation and value, each added to every other crop, as
    `YOLOXHSVRandomAug` of MMDetection does (RTMPose: 5, 30, 30)."""
    blur: Fraction = 0.0
    """How likely a crop is averaged over squares of 3, 5 or 7 pixels."""
    median_blur: Fraction = 0.0
    """How likely it gets the median over such squares."""
    dropout: Fraction = 0.2
    """How likely one rectangle of the crop is painted over with one colour (coarse dropout)."""
    dropout_size: tuple[Fraction, Fraction] = (0.2, 0.4)
    """Least and largest side of that rectangle, as a share of the crop's."""
    dropout_colour: Literal["random", "black"] = "random"
    """Of the rectangle."""
    mask_distillation: bool = False
    """Teachers, who saw the whole crop, teach nothing of what lies under the rectangle; labels do."""

    @model_validator(mode="before")
    @classmethod
    def _erasing_is_dropout(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "erasing" in values:
            message = (
                "there is no setting erasing any more: a rectangle is painted over with the probability "
            )
            raise in_place("train.augment", KDError(message + "`dropout`. Rename it (0 switches both off)."))
        return values

    @model_validator(mode="after")
    def _dropout_size_is_a_range(self) -> "AugmentParams":
        least, largest = self.dropout_size
        if least > largest:
            message = f"dropout_size is [{least:g}, {largest:g}], but the least side comes first. Swap them."
            raise in_place("train.augment", KDError(message))
        return self


class LastEpochsParams(Section):
    """The end of a training, on pictures nearer to those of test time (RTMPose's `PipelineSwitchHook`)."""

    epochs: int = Field(ge=1, le=10000)
    """How many."""
    augment: dict[str, Any]
    """Settings of `train.augment` that are others there."""
