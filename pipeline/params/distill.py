"""`distill`: the multi-teacher terms of the loss."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.errors import KDError
from pipeline.extensions import LOSSES, WEIGHTINGS
from pipeline.params.one_of import OneOf
from pipeline.params.section import Fraction, Section, in_place


class DistillParams(Section):
    """The multi-teacher terms of the loss."""

    preset: Literal["paper", "paper-literal"] | None = None
    """Settings of arXiv 2405.20084 (`pipeline.params.presets`); what is written out beside it in `distill`
    wins."""
    weight: float = Field(default=1.0, ge=0.0, le=100.0)
    """Of all terms of teachers together, beside `train.ground_truth_weight`; 0: labels alone."""
    schedule: Literal["constant", "decay"] = "constant"
    """decay: the weight falls in a straight line towards 0 at the last epoch."""
    warmup_epochs: int = Field(default=0, ge=0)
    """Epochs in which the weight rises to its full value."""
    teachers: dict[str, Annotated[float, Field(ge=0.0, le=100.0)]] | None = None
    """Fixed weight per teacher; None: every teacher in `cells`, weight 1."""
    min_confidence: Fraction = 0.1
    """A joint in which its teacher's own confidence, as stored, is lower than this teaches nothing."""
    weighting: Annotated[str, OneOf(WEIGHTINGS)] = "fixed"
    """What the fixed weights are multiplied with, or how their sum is dealt out, per crop and joint."""
    reliability_power: float = Field(default=2.0, gt=0.0, le=8.0)
    """Of the share of right answers, for the weighting `reliability`."""
    share: Literal["joint", "teacher"] = "joint"
    """joint: the teachers of one joint share one weight, the mean of theirs; teacher: theirs add up."""
    where: Literal["everywhere", "unlabelled"] = "everywhere"
    """unlabelled: only joints that have no label in the crop are taught by teachers."""
    targets: Literal["maps", "keypoints"] = "maps"
    """keypoints: teachers' joints are taught as labels are (pseudo-labels), and no map is read."""
    drop_teachers: Fraction = 0.0
    """How likely a teacher is left out of a crop; never the one that the student is furthest from. The others
    take over its weight (UNIC, Sariyildiz et al., ECCV 2024)."""
    offsets: bool = False
    """Move joints that a convention marks elsewhere (`similar`) by the offset fitted from the stores."""
    calibration: str | None = None
    """A calibration.json to use as it is (`kd-pipeline calibrate --out`); None: one is fitted for the
    training."""
    loss: Annotated[str, OneOf(LOSSES)] = "kl"
    """What a distance between the student's and the teacher's distribution costs (docs/distillation.md)."""
    temperature: float = Field(default=1.0, ge=0.05, le=20.0)
    """Of the loss `kl`: above 1, faint positions count more."""
    coordinate_weight: float = Field(default=0.0, ge=0.0, le=100.0)
    """Of the loss on joints' mean places, relative to `weight`."""
    relation_weight: float = Field(default=0.0, ge=0.0, le=100.0)
    """Of the loss on distances between a person's joints, relative to `weight`."""
    original_sum: bool = False
    """Add the terms up as the code of arXiv 2405.20084 does, defects and all (for comparison only)."""

    @model_validator(mode="after")
    def _settings_have_a_meaning(self) -> "DistillParams":
        if self.loss != "kl" and self.temperature != 1.0:
            message = f"temperature is {self.temperature:g}, which has no meaning for loss {self.loss}. "
            raise in_place("distill", KDError(message + "Remove it, or set loss: kl."))
        usual = {"loss": "kl", "temperature": 1.0, "weighting": "fixed"}
        usual |= {"coordinate_weight": 0.0, "relation_weight": 0.0}
        others = [name for name, value in usual.items() if getattr(self, name) != value]
        if self.original_sum and others:
            message = f"original_sum adds up ground truth and teachers alone, so {others[0]} must be "
            raise in_place("distill", KDError(f"{message}{usual[others[0]]}. Remove it, or original_sum."))
        return self
