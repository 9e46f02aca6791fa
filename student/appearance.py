"""Augmentation of a crop's pixels: colour and erasing."""

import numpy as np
from jaxtyping import Float32, UInt8

from pipeline.params import AugmentParams

_GREY_BGR = np.array([0.114, 0.587, 0.299], dtype=np.float32)
ERASED_AREA = (0.02, 0.15)
"""Smallest and largest share of the crop that an erased rectangle covers."""
ERASED_ASPECT = (0.4, 2.5)


def changed_appearance(
    image_HW3: UInt8[np.ndarray, "h w 3"], params: AugmentParams, rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """A copy of the BGR crop with other brightness, contrast and saturation, and perhaps a patch erased.

    Joints under the patch stay supervised: they can be told from the rest of the body.
    """
    brightness, contrast, saturation = rng.uniform(1 - params.colour, 1 + params.colour, size=3).astype(
        np.float32
    )
    changed_HW3 = _recoloured(image_HW3.astype(np.float32), brightness, contrast, saturation)
    if rng.random() < params.erasing:
        _erase(changed_HW3, rng)
    return changed_HW3.round().clip(0, 255).astype(np.uint8)


def _recoloured(
    image_HW3: Float32[np.ndarray, "h w 3"],
    brightness: np.float32,
    contrast: np.float32,
    saturation: np.float32,
) -> Float32[np.ndarray, "h w 3"]:
    """Blends with black, with the crop's own grey and with its mean grey, like torchvision's ColorJitter."""
    image_HW3 = image_HW3 * brightness
    grey_HW1 = (image_HW3 @ _GREY_BGR)[..., None]
    image_HW3 = grey_HW1 + (image_HW3 - grey_HW1) * saturation
    return grey_HW1.mean() + (image_HW3 - grey_HW1.mean()) * contrast


def _erase(image_HW3: Float32[np.ndarray, "h w 3"], rng: np.random.Generator) -> None:
    """Overwrite one rectangle with one colour (random erasing, Zhong et al., AAAI 2020)."""
    height, width = image_HW3.shape[:2]
    area = rng.uniform(*ERASED_AREA) * height * width
    aspect = np.exp(rng.uniform(*np.log(ERASED_ASPECT)))
    rows = min(height, max(1, round(float(np.sqrt(area * aspect)))))
    columns = min(width, max(1, round(float(np.sqrt(area / aspect)))))
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    image_HW3[top : top + rows, left : left + columns] = rng.uniform(0, 255, size=3)
