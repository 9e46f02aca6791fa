"""Augmentation of a crop's pixels: colour and coarse dropout."""

import numpy as np
from jaxtyping import Float32, UInt8

from pipeline.params import AugmentParams
from student.dropped_patch import NO_PATCH, draw_patch, fill_patch

_GREY_BGR = np.array([0.114, 0.587, 0.299], dtype=np.float32)


def changed_appearance(
    image_HW3: UInt8[np.ndarray, "h w 3"], params: AugmentParams, rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "4"]]:
    """A copy of the BGR crop with other brightness, contrast and saturation, perhaps with a patch painted
    over; and that patch, in input pixels (`student.dropped_patch`).

    Labels under the patch stay: a joint's place can be told from the rest of the body.
    """
    brightness, contrast, saturation = rng.uniform(1 - params.colour, 1 + params.colour, size=3).astype(
        np.float32
    )
    changed_HW3 = _recoloured(image_HW3.astype(np.float32), brightness, contrast, saturation)
    changed_HW3 = changed_HW3.round().clip(0, 255).astype(np.uint8)
    if rng.random() >= params.dropout:
        return changed_HW3, NO_PATCH
    patch_4 = draw_patch(rng, (image_HW3.shape[1], image_HW3.shape[0]), params.dropout_size)
    # Any colour, not always the same: else the student would learn the colour of patches.
    fill_patch(changed_HW3, patch_4, rng.integers(256, size=3, dtype=np.uint8))
    return changed_HW3, patch_4


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
