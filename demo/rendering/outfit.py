"""A person's skin, hair and clothes."""

from dataclasses import dataclass
from typing import get_args

import cv2
import numpy as np

from demo.rendering.fabric import Colour, Fabric, Pattern

# Blue, green, red: light to dark.
_SKINS = ((0.70, 0.80, 0.96), (0.58, 0.70, 0.90), (0.42, 0.56, 0.78), (0.28, 0.40, 0.60), (0.18, 0.26, 0.42))
_HAIRS = ((0.06, 0.07, 0.08), (0.10, 0.18, 0.30), (0.30, 0.55, 0.75), (0.15, 0.30, 0.55), (0.65, 0.65, 0.68))


@dataclass(frozen=True)
class Wardrobe:
    """What the people of a domain tend to wear."""

    saturation: tuple[float, float]
    brightness: tuple[float, float]
    pattern_rate: float
    bulk: tuple[float, float]
    """Thickness of clothed parts, relative to the body."""
    long_sleeves: float
    shorts: float
    hats: float


@dataclass(frozen=True)
class Outfit:
    skin: Fabric
    hair: Colour
    shirt: Fabric
    trousers: Fabric
    shoes: Fabric
    long_sleeves: bool
    shorts: bool
    hat: bool
    bulk: float
    hairline: float
    """Height on the head (-1 chin, 1 crown) above which the front is hair or hat."""

    def upper_arm(self) -> Fabric:
        return self.shirt

    def forearm(self) -> Fabric:
        return self.shirt if self.long_sleeves else self.skin

    def shank(self) -> Fabric:
        return self.skin if self.shorts else self.trousers


def sample_outfit(wardrobe: Wardrobe, rng: np.random.Generator) -> Outfit:
    shade = rng.uniform(0.9, 1.08)
    skin = tuple(float(min(1.0, c * shade)) for c in _SKINS[rng.integers(len(_SKINS))])
    hat = bool(rng.random() < wardrobe.hats)
    hair = _cloth_colour(wardrobe, rng) if hat else _HAIRS[rng.integers(len(_HAIRS))]
    return Outfit(
        skin=Fabric(skin),
        hair=hair,
        shirt=_sample_fabric(wardrobe, rng, seam_rate=0.5),
        trousers=_sample_fabric(wardrobe, rng, seam_rate=0.0, pattern_rate=0.3 * wardrobe.pattern_rate),
        shoes=Fabric(_cloth_colour(wardrobe, rng)),
        long_sleeves=bool(rng.random() < wardrobe.long_sleeves),
        shorts=bool(rng.random() < wardrobe.shorts),
        hat=hat,
        bulk=float(rng.uniform(*wardrobe.bulk)),
        hairline=float(rng.uniform(0.35, 0.6)),
    )


def _sample_fabric(
    wardrobe: Wardrobe, rng: np.random.Generator, seam_rate: float, pattern_rate: float | None = None
) -> Fabric:
    rate = wardrobe.pattern_rate if pattern_rate is None else pattern_rate
    patterns = [p for p in get_args(Pattern) if p != "plain"]
    pattern = patterns[rng.integers(len(patterns))] if rng.random() < rate else "plain"
    return Fabric(
        colour=_cloth_colour(wardrobe, rng),
        second=_cloth_colour(wardrobe, rng),
        pattern=pattern,
        period=float(rng.uniform(0.06, 0.16)),
        seam=bool(rng.random() < seam_rate),
    )


def _cloth_colour(wardrobe: Wardrobe, rng: np.random.Generator) -> Colour:
    hsv = (rng.uniform(0, 360), rng.uniform(*wardrobe.saturation), rng.uniform(*wardrobe.brightness))
    b, g, r = cv2.cvtColor(np.float32([[hsv]]), cv2.COLOR_HSV2BGR)[0, 0]
    return float(b), float(g), float(r)
