"""`teachers`: pretrained networks."""

from typing import Annotated

from pydantic import Field

from pipeline.extensions import ADAPTERS
from pipeline.params.one_of import OneOf
from pipeline.params.section import PixelSize, Section, Sha256


class TeacherParams(Section):
    """One pretrained teacher. Its files belong in `teachers/<name>/`, where DVC watches them."""

    adapter: Annotated[str, OneOf(ADAPTERS)]
    """Which kind of network it is: an MMPose config and checkpoint, or an ONNX file and its sidecar."""
    checkpoint: str
    """The file with its weights, from the workspace: .pth, or .onnx."""
    config: str
    """mmpose: `mmpose::body_2d_keypoint/...` or a path; onnx: the sidecar YAML."""
    sha256: Sha256 | None = None
    """Of the checkpoint, which is checked before it is read."""
    convention: str
    """What its joint names mean; their order is what the checkpoint or sidecar says."""
    flip_test: bool = True
    """Maps are the mean of the crop's and those of its mirror image, mirrored back."""
    storage_size: PixelSize | None = None
    """(width, height) heatmaps are stored at; None: as the teacher makes them."""
    datasets: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Those of `cells.datasets` that it is run over; None: all of them. No stored answer depends on it."""
