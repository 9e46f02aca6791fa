"""The three synthetic domains: how they look, whom they show, and in which convention they are labelled.

They differ the way datasets of different origin do. `synth_coco`: everyday crowds, anything behind them.
`synth_mpii`: sport, one or two people outdoors in athletic poses, tilted cameras. `synth_aic`: a noisy
surveillance camera looking down on people in bulky, dull clothes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from demo.rendering.outfit import Wardrobe
from pipeline.errors import unknown_name

Range = tuple[float, float]


@dataclass(frozen=True)
class Optics:
    """The camera and what it does to a picture."""

    pitch: Range
    roll: Range
    distance: Range
    body_share: Range
    """A standing person's height as a share of the image's."""
    yaw_spread: float
    """Standard deviation of a person's turn from facing the camera, degrees; a quarter face anywhere."""
    blur: Range
    noise: Range
    gain: Range
    saturation: Range
    jpeg_quality: tuple[int, int]


@dataclass(frozen=True)
class Domain:
    """One synthetic dataset."""

    name: str
    format: Literal["coco", "mpii"]
    convention: str
    poses: Mapping[str, float]
    """Pose families and how often each."""
    backdrops: Mapping[str, float]
    people: tuple[float, ...]
    """Probability of 1, 2, ... people in an image."""
    things: float
    """Mean number of objects in front of people."""
    wardrobe: Wardrobe
    optics: Optics


_COCO = Domain(
    name="synth_coco",
    format="coco",
    convention="coco17",
    poses={
        "standing": 0.34,
        "walking": 0.22,
        "sitting": 0.20,
        "arms_raised": 0.12,
        "bending": 0.06,
        "running": 0.06,
    },
    backdrops={"indoor": 0.4, "outdoor": 0.3, "clutter": 0.3},
    people=(0.5, 0.35, 0.15),
    things=0.5,
    wardrobe=Wardrobe((0.1, 0.9), (0.2, 0.95), 0.6, (1.0, 1.2), long_sleeves=0.5, shorts=0.25, hats=0.15),
    optics=Optics(
        pitch=(-4.0, 14.0),
        roll=(-4.0, 4.0),
        distance=(3.0, 9.0),
        body_share=(0.45, 0.95),
        yaw_spread=40.0,
        blur=(0.3, 0.8),
        noise=(0.004, 0.02),
        gain=(0.8, 1.15),
        saturation=(0.8, 1.1),
        jpeg_quality=(70, 92),
    ),
)
_MPII = Domain(
    name="synth_mpii",
    format="mpii",
    convention="mpii16",
    poses={"leaping": 0.34, "running": 0.26, "arms_raised": 0.16, "squatting": 0.14, "bending": 0.10},
    backdrops={"outdoor": 0.75, "indoor": 0.15, "clutter": 0.10},
    people=(0.7, 0.3),
    things=0.15,
    wardrobe=Wardrobe((0.6, 1.0), (0.5, 1.0), 0.35, (0.95, 1.05), long_sleeves=0.2, shorts=0.7, hats=0.1),
    optics=Optics(
        pitch=(-15.0, 10.0),
        roll=(-14.0, 14.0),
        distance=(2.2, 6.0),
        body_share=(0.55, 0.95),
        yaw_spread=75.0,
        blur=(0.0, 0.6),
        noise=(0.0, 0.012),
        gain=(0.95, 1.25),
        saturation=(1.0, 1.35),
        jpeg_quality=(80, 95),
    ),
)
_AIC = Domain(
    name="synth_aic",
    format="coco",
    convention="aic14",
    poses={"standing": 0.30, "walking": 0.40, "sitting": 0.14, "bending": 0.08, "squatting": 0.08},
    backdrops={"indoor": 0.6, "clutter": 0.3, "outdoor": 0.1},
    people=(0.5, 0.35, 0.15),
    things=0.4,
    wardrobe=Wardrobe((0.0, 0.35), (0.1, 0.6), 0.35, (1.15, 1.45), long_sleeves=0.9, shorts=0.05, hats=0.6),
    optics=Optics(
        pitch=(18.0, 42.0),
        roll=(-3.0, 3.0),
        distance=(3.0, 7.0),
        body_share=(0.4, 0.75),
        yaw_spread=70.0,
        blur=(0.5, 1.2),
        noise=(0.02, 0.05),
        gain=(0.65, 0.95),
        saturation=(0.3, 0.7),
        jpeg_quality=(50, 75),
    ),
)
DOMAINS: Mapping[str, Domain] = {domain.name: domain for domain in (_COCO, _MPII, _AIC)}


def load_domain(name: str) -> Domain:
    """Raises KDError, naming the nearest one, for a domain there is not."""
    if name not in DOMAINS:
        raise unknown_name("synthetic domain", name, DOMAINS)
    return DOMAINS[name]
