"""`extract`: how stage one stores teachers' answers."""

from typing import Literal

from pydantic import Field, model_validator

from pipeline.errors import KDError
from pipeline.params.section import Fraction, Section, in_place


class ViewsParams(Section):
    """Augmented views of every crop that teachers predict too, besides the plain one."""

    count: int = Field(default=0, ge=0, le=32)
    """Of every crop; each costs as much time and space as the plain crop."""
    flip: Fraction = 0.0
    """How likely a view is mirrored. Training mirrors any view by itself, without loss; and of a flip-tested
    teacher the mirrored view's answer is the mirrored answer."""
    rotation_degrees: float = Field(default=30.0, ge=0.0, le=180.0)
    """A view is turned by up to this much, either way."""
    scale: float = Field(default=0.25, ge=0.0, lt=1.0)
    """The crop's side is multiplied by a factor from [1 - scale, 1 + scale]."""
    shift: Fraction = 0.05
    """Largest shift of the crop's centre, as a fraction of its side."""
    seed: int = Field(default=0, ge=0)
    """Another seed draws other views."""


class ExtractParams(Section):
    """What is stored of teachers' answers, and how.

    A changed preset, step, floor or quiet makes stored maps stale; `views` adds rows; `shard_size` and
    `zstd_level` hold for new stores and do not change existing ones.
    """

    preset: Literal["compact", "balanced", "exact"] = "balanced"
    """balanced: bytes, no value above the floor off by more than 1/255 of its peak; compact: the same, less
    of the faint background, and slow to write; exact: float16, ten times the size."""
    step: Literal[1, 2] | None = None
    """Units of 1/255 of the peak to one step of a byte; None: as the preset says, like the two below."""
    floor: int | None = Field(default=None, ge=0, le=64)
    """Values under this many units are stored as one level, their mean."""
    quiet: float | None = Field(default=None, ge=0.0, le=100.0)
    """So are values under this many times the mean of their map."""
    zstd_level: int | None = Field(default=None, ge=1, le=22)
    """Higher is smaller and slower to write; None: as the preset says."""
    shard_size: int = Field(default=1024, ge=1, le=65536)
    """Crops to a file of maps."""
    views: ViewsParams = ViewsParams()
    """Augmented views of every crop that are stored too."""

    @model_validator(mode="after")
    def _exact_has_no_steps(self) -> "ExtractParams":
        given = [name for name in ("step", "floor", "quiet") if getattr(self, name) is not None]
        if self.preset == "exact" and given:
            message = f"the preset exact stores maps as float16, so {given[0]} has no meaning. Remove it, "
            raise in_place("extract", KDError(message + "or choose the preset balanced."))
        return self
