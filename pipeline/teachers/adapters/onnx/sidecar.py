"""The YAML file beside an ONNX teacher, which says what the ONNX file does not. See docs/teachers.md."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pipeline.errors import KDError
from pipeline.files.hashes import sha256_of_json
from pipeline.files.yaml_file import load_yaml
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.params import PixelSize, Section, parse_section
from pipeline.teachers.normalise import Normalisation

Positive = Annotated[float, Field(gt=0.0)]
Triple = tuple[float, float, float]
Note = Any
"""A field for people; nothing depends on it."""


class InputSidecar(Section):
    """The tensor that takes the crop: (value * scale - mean) / std of bytes 0..255."""

    name: str
    size: PixelSize
    layout: Literal["NHWC", "NCHW"]
    channel_order: Literal["RGB", "BGR"]
    scale: Positive = 1.0
    mean: Triple = (0.0, 0.0, 0.0)
    std: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    dtype: Literal["float32"] = "float32"
    shape: Note = None

    @property
    def normalisation(self) -> Normalisation:
        return Normalisation(self.channel_order, self.mean, self.std, self.scale)


class HeatmapSidecar(Section):
    """One tensor of heatmaps, `size` = (width, height)."""

    kind: Literal["heatmap"]
    name: str
    size: PixelSize
    layout: Literal["NHWC", "NCHW"]
    shape: Note = None
    range: Note = None


class SimCCSidecar(Section):
    """Two tensors (N, K, bins) of logits; `beta` is the sharpness of the softmax in the training loss."""

    kind: Literal["simcc"]
    name_x: str
    name_y: str
    split_ratio: Annotated[float, Field(ge=0.5, le=8.0)]
    beta: Positive
    shape: Note = None
    range: Note = None


class AlignmentSidecar(Section):
    """Where heatmap cell i lies in input pixels: i * stride + offset.

    top_left: offset 0. half_pixel: (stride - 1) / 2. identity: stride 1, offset 0. corners: the outermost
    cells lie on the outermost pixels, as in UDP. measured: as `offset` (x, y) says.
    """

    rule: Literal["top_left", "half_pixel", "identity", "corners", "measured"]
    stride: Positive | None = None
    offset: tuple[float, float] | None = None
    formula: Note = None
    evidence: Note = None

    def scale(self, input_size: tuple[int, int], map_size: tuple[int, int]) -> tuple[float, float]:
        """Input pixels from a cell to the next, (x, y)."""
        between = 1 if self.rule == "corners" else 0
        return (
            (input_size[0] - between) / (map_size[0] - between),
            (input_size[1] - between) / (map_size[1] - between),
        )

    def cell_zero(self, scale: tuple[float, float]) -> tuple[float, float]:
        """Where cell (0, 0) lies, input pixels."""
        if self.rule == "half_pixel":
            return (scale[0] - 1) / 2, (scale[1] - 1) / 2
        return self.offset or (0.0, 0.0)

    def check(self, input_size: tuple[int, int], map_size: tuple[int, int]) -> None:
        """Raises KDError where rule, stride, offset and the two sizes do not fit each other."""
        scale = self.scale(input_size, map_size)
        if self.stride is not None and max(abs(self.stride - axis) for axis in scale) > 1e-3:
            raise _misfit(
                f"pixel_alignment.stride is {self.stride:g}, but with the rule {self.rule} an input of "
                f"{input_size} and a map of {map_size} make it {scale[0]:g} in x and {scale[1]:g} in y"
            )
        if self.rule == "identity" and input_size != map_size:
            raise _misfit(
                f"pixel_alignment.rule is identity, but the map's size {map_size} is not the input's"
            )
        if (self.offset is None) == (self.rule == "measured"):
            raise _misfit("pixel_alignment.offset belongs to the rule measured, and to no other")


class CropSidecar(Section):
    """square: side = longer side of the box * padding. aspect: the padded box, with the input's aspect."""

    shape: Literal["square", "aspect"]
    padding: Annotated[float, Field(ge=0.5, le=3.0)]
    udp: bool = False


class Sidecar(Section):
    """What is known of an ONNX teacher."""

    name: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    keypoints: tuple[str, ...] = Field(min_length=1)
    num_keypoints: int | None = None
    input: InputSidecar
    output: Annotated[HeatmapSidecar | SimCCSidecar, Field(discriminator="kind")]
    pixel_alignment: AlignmentSidecar | None = None
    crop: CropSidecar
    keypoint_set: Note = None
    file: Note = None
    bytes: Note = None
    opset: Note = None
    licence: Note = None
    source: Note = None
    notes: Note = None

    @model_validator(mode="after")
    def _parts_fit(self) -> "Sidecar":
        size = self.input.size
        if self.num_keypoints not in (None, len(self.keypoints)):
            raise _misfit(f"num_keypoints is {self.num_keypoints}, but keypoints lists {len(self.keypoints)}")
        if self.crop.shape == "square" and size[0] != size[1]:
            raise _misfit(
                f"crop.shape is square, but input.size is {size} (width, height); shape aspect is wanted"
            )
        if (self.pixel_alignment is None) == (self.output.kind == "heatmap"):
            raise _misfit(
                "pixel_alignment is wanted for heatmaps, and for SimCC not, whose bins lie where "
                "split_ratio says"
            )
        if self.pixel_alignment is not None:
            self.pixel_alignment.check(size, self.output.size)
        return self

    @property
    def crop_geometry(self) -> CropGeometry:
        return CropGeometry(self.input.size, self.crop.padding, self.crop.udp)

    @property
    def map_geometry(self) -> MapGeometry:
        """Of the maps as the network makes them."""
        if isinstance(self.output, SimCCSidecar):
            ratio = self.output.split_ratio
            bins = round(self.input.size[0] * ratio), round(self.input.size[1] * ratio)
            return MapGeometry("simcc", bins, (1 / ratio, 1 / ratio))
        scale = self.pixel_alignment.scale(self.input.size, self.output.size)
        return MapGeometry("heatmap", self.output.size, scale, self.pixel_alignment.cell_zero(scale))

    @property
    def meaning_sha256(self) -> str:
        """Of those fields that the teacher's answers depend on, so that a new note makes no store stale."""
        meaning = self.model_dump(mode="json", exclude=_NOTES)
        return sha256_of_json(meaning)


def _misfit(message: str) -> KDError:
    return KDError(f"the sidecar contradicts itself: {message}. Correct the one that is wrong.")


_NOTES = {
    **dict.fromkeys(
        ("name", "sha256", "keypoint_set", "file", "bytes", "opset", "licence", "source", "notes"), True
    ),
    "input": {"shape"},
    "output": {"shape", "range"},
    "pixel_alignment": {"formula", "evidence"},
}


def read_sidecar(path: Path) -> Sidecar:
    """The sidecar at `path`.

    Raises:
        KDError: it is missing, is no YAML, lacks a field, has an unknown one, or its fields do not fit each
        other.
    """
    if not path.is_file():
        raise KDError(
            f"there is no sidecar {path}. An ONNX teacher's `config` names a YAML file that says its joints, "
            "input, output and crop; docs/teachers.md shows one."
        )
    try:
        return parse_section(Sidecar, load_yaml(path), str(path))
    except KDError as error:
        raise KDError(
            f"{path}: {str(error).removeprefix(f'{path}: ')} (docs/teachers.md says what a sidecar holds.)"
        ) from None
