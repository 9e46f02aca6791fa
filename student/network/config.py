"""A saved student's config: everything needed to run it, and nothing of how it was trained."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from pipeline.conventions.union import UnionSkeleton
from pipeline.errors import KDError
from pipeline.extensions import HEADS
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.params import StudentParams
from student.calibration.score_calibration import ScoreCalibration

FORMAT = 2
HEATMAP_STRIDE = 4
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class StudentConfig:
    """Network, joints and geometry of a student.

    Crops are RGB in 0..255, from which `mean` and `std` (per channel) are taken out. `target_sigma` is the
    ground-truth Gaussian's deviation along x and y, in cells or bins, which scores are relative to.
    """

    __pydantic_config__ = ConfigDict(allow_inf_nan=False)

    backbone: str
    output_stride: int
    head: str
    width: int
    crop: CropGeometry
    map: MapGeometry
    target_sigma: tuple[float, float]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    skeleton: UnionSkeleton
    score_calibration: ScoreCalibration | None = None
    """None: scores are what decoding gives."""

    @classmethod
    def from_params(cls, params: StudentParams, skeleton: UnionSkeleton) -> "StudentConfig":
        """Raises KDError where the input size does not fit the backbone's stride, or the bins the head."""
        stride = params.output_stride
        if any(side % stride for side in params.input_size):
            raise KDError(
                f"student.input_size is {list(params.input_size)}, but the backbone's last map has a "
                f"stride of {stride}: width and height must be multiples of {stride}. Nearest: "
                f"{[_nearest_multiple(side, stride) for side in params.input_size]}."
            )
        return cls(
            backbone=params.backbone,
            output_stride=params.output_stride,
            head=params.head,
            width=params.width,
            crop=CropGeometry(input_size=params.input_size, padding=params.padding),
            map=HEADS.load(params.head).map_of(params),
            target_sigma=params.sigma_xy,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            skeleton=skeleton,
        )

    def as_dict(self) -> dict[str, Any]:
        """As student.json has it."""
        values = {"format": FORMAT, **asdict(self)}
        if self.score_calibration is None:
            del values["score_calibration"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "StudentConfig":
        """The config that gave `values` by `as_dict`, also after a round trip through JSON.

        Raises:
            KeyError, TypeError, AttributeError: a part is missing or of another kind.
            ValueError: a value is, or the parts do not fit each other; with the place.
        """
        head = values.get("head", values["map"]["kind"])  # once, these two were the same
        parsed = {**values, "head": head, "target_sigma": _pair(values["target_sigma"])}
        try:
            config = _ADAPTER.validate_python(parsed)
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        _check_parts(config)
        return config


_ADAPTER = TypeAdapter(StudentConfig)


def _check_parts(config: StudentConfig) -> None:
    """What the types alone do not say. Raises ValueError, with the place."""
    joints, crop, made = config.skeleton.joints, config.crop, config.map
    counted = (config.skeleton.sigmas, config.skeleton.definers, set(joints))
    named = {joint for pair in (*config.skeleton.flip_pairs, *config.skeleton.limbs) for joint in pair}
    reach = [cells * scale for cells, scale in zip(made.size, made.scale, strict=True)]
    sound = {
        "output_stride": config.output_stride in (16, 32),
        "width": config.width > 0,
        "crop": min(*crop.input_size, crop.padding) > 0,
        "map": min(*made.size, *made.scale) > 0
        and all(abs(r - side) <= s for r, side, s in zip(reach, crop.input_size, made.scale, strict=True)),
        "target_sigma": min(config.target_sigma) > 0,
        "std": min(config.std) > 0,
        "skeleton": bool(joints) and {len(part) for part in counted} == {len(joints)} and named <= {*joints},
    }
    wrong = [place for place, is_sound in sound.items() if not is_sound]
    if wrong:
        raise ValueError(f"{wrong[0]}: its values do not fit each other, or the rest")


def half_pixel_map(kind: str, input_size: tuple[int, int], stride: float) -> MapGeometry:
    """Cell i covers input pixels stride*i - 1/2 to stride*(i+1) - 1/2: cells are centred on the pixels they
    stand for, so the map mirrors onto itself."""
    offset = (stride - 1) / 2
    size = (round(input_size[0] / stride), round(input_size[1] / stride))
    return MapGeometry(kind=kind, size=size, scale=(stride, stride), offset=(offset, offset))


def _nearest_multiple(side: int, stride: int) -> int:
    return max(stride, round(side / stride) * stride)


def _pair(sigma: float | Sequence[float]) -> tuple[float, float]:
    """Once, both axes had one."""
    x, y = (sigma, sigma) if isinstance(sigma, float | int) else sigma
    return x, y
