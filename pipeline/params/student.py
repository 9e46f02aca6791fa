"""`student`: the network and the weights that it starts from."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.errors import KDError
from pipeline.extensions import BACKBONES, HEADS, INITIALISERS
from pipeline.params.one_of import OneOf
from pipeline.params.section import PixelSize, Section, Sha256, Sigma, in_place

PACKAGED_WEIGHTS = "imagenet"
"""What `student.init.backbone` calls the weights that the backbone's package brings."""


class InitParams(Section):
    """The weights that a student starts from, of one source at most; none: random ones. Paths are relative
    to the workspace."""

    rtmpose: str | None = None
    """A checkpoint (.pth) of RTMPose, as MMPose saves it; its joints are copied by name."""
    simple_baseline: str | None = None
    """A checkpoint (.pth) of MMPose's with SimpleBaseline's heatmap head (td-hm); its joints are copied by
    name."""
    backbone: str | None = None
    """A file with a backbone's weights; `imagenet`: those that come with the backbone, from an
    installed package (efficientnet_lite0) or from timm's cache or download (timm:NAME)."""
    student: str | None = None
    """The folder of another student; its joints are copied by name."""
    sha256: Sha256 | None = None
    """Of the checkpoint, the backbone's file or the folder's student.safetensors."""
    convention: str | None = None
    """What the joints of an MMPose checkpoint mean; None: what it says itself."""

    @model_validator(mode="after")
    def _one_source(self) -> "InitParams":
        given = [name for name in INITIALISERS if getattr(self, name) is not None]
        if len(given) > 1:
            raise in_place(
                "student.init", KDError(f"{' and '.join(given)} are both given. Keep one of them.")
            )
        if self.sha256 and (not given or self.backbone == PACKAGED_WEIGHTS):
            raise in_place(
                "student.init", KDError("sha256 is given, but no file that has it. Name one, or drop it.")
            )
        if self.convention and not (self.rtmpose or self.simple_baseline):
            message = "convention is of use only with rtmpose or simple_baseline. Remove it."
            raise in_place("student.init", KDError(message))
        return self


class StudentParams(Section):
    """The network."""

    backbone: Annotated[str, OneOf(BACKBONES)] = "resnet18"
    """The network before the head; docs/students.md has their sizes. `timm:NAME`: one of timm's, by its name
    there."""
    output_stride: Literal[16, 32] = 32
    """Input pixels to a cell of the backbone's last map: 16 leaves the last stage out, for small inputs, or
    (resnet18_slim) dilates it."""
    frozen_stages: int = Field(default=0, ge=0, le=8)
    """Stages of the backbone, from the stem on, that keep their weights and statistics."""
    init: InitParams = InitParams()
    """The weights it starts from."""
    head: Annotated[str, OneOf(HEADS)] = "heatmap"
    """rtmcc: RTMPose's, SimCC with attention between joints."""
    input_size: PixelSize = (192, 256)
    """(width, height) of a crop, in pixels."""
    padding: float = Field(default=1.25, ge=1.0, le=2.0)
    """The crop's sides are the box's times this, before the aspect ratio is fitted."""
    width: int = Field(default=128, ge=8, le=1024)
    """Channels of the head's hidden layers; those of rtmcc are RTMPose's."""
    sigma: Sigma | tuple[Sigma, Sigma] = 2.0
    """Standard deviation of a ground-truth Gaussian: map cells (heatmap), bins (SimCC); or two, along x and
    y."""
    simcc_split_ratio: float = Field(default=2.0, ge=0.5, le=4.0)
    """Bins to an input pixel, of the heads `simcc` and `rtmcc`."""

    @property
    def sigma_xy(self) -> tuple[float, float]:
        return self.sigma if isinstance(self.sigma, tuple) else (self.sigma, self.sigma)
