"""Augmentation of a crop's pixels: colour, blur and coarse dropout.

What RTMPose takes from Albumentations is written out here with OpenCV: the form of that package that is
still maintained (AlbumentationsX) is under the AGPL, so that an Apache project cannot depend on it, and the
MIT form is not maintained any more.
"""

import cv2
import numpy as np
from jaxtyping import Float32, Int64, UInt8

from pipeline.params import AugmentParams
from student.data.dropped_patch import NO_PATCH, draw_patch, fill_patch

_GREY_BGR = np.array([0.114, 0.587, 0.299], dtype=np.float32)
_KERNELS = (3, 5, 7)
"""Sides of Albumentations' `Blur` and `MedianBlur` as RTMPose's configs leave them (`blur_limit=7`)."""
_BLACK = np.zeros(3, dtype=np.uint8)

Image = UInt8[np.ndarray, "h w 3"]


def changed_appearance(
    image_HW3: Image, params: AugmentParams, rng: np.random.Generator
) -> tuple[Image, Float32[np.ndarray, "4"]]:
    """A copy of the BGR crop with other colours, perhaps blurred, perhaps with a patch painted over; and that
    patch, in input pixels (`student.data.dropped_patch`).

    Labels under the patch stay: a joint's place follows from the rest of the body. A setting that is off
    takes no random number from the others, save `colour`.
    """
    changed_HW3 = _in_other_colours(image_HW3, params, rng)
    if params.blur and rng.random() < params.blur:
        side = int(rng.choice(_KERNELS))
        changed_HW3 = cv2.blur(changed_HW3, (side, side))
    if params.median_blur and rng.random() < params.median_blur:
        changed_HW3 = cv2.medianBlur(changed_HW3, int(rng.choice(_KERNELS)))
    if rng.random() >= params.dropout:
        return changed_HW3, NO_PATCH
    patch_4 = draw_patch(rng, (image_HW3.shape[1], image_HW3.shape[0]), params.dropout_size)
    fill_patch(changed_HW3, patch_4, _patch_colour(params, rng))
    return changed_HW3, patch_4


def shifted_hsv(image_HW3: Image, shift_3: Int64[np.ndarray, "3"]) -> Image:
    """The BGR image with this added to hue (a circle of 180), saturation and value (which end at 0 and 255).

    Must equal mmdet/datasets/transforms/transforms.py, `YOLOXHSVRandomAug`.
    """
    hsv_HW3 = cv2.cvtColor(image_HW3, cv2.COLOR_BGR2HSV).astype(np.int16) + shift_3.astype(np.int16)
    hsv_HW3[..., 0] %= 180
    return cv2.cvtColor(hsv_HW3.clip(0, 255).astype(np.uint8), cv2.COLOR_HSV2BGR)


def _in_other_colours(image_HW3: Image, params: AugmentParams, rng: np.random.Generator) -> Image:
    brightness, contrast, saturation = rng.uniform(1 - params.colour, 1 + params.colour, size=3).astype(
        np.float32
    )
    changed_HW3 = _recoloured(image_HW3.astype(np.float32), brightness, contrast, saturation)
    changed_HW3 = changed_HW3.round().clip(0, 255).astype(np.uint8)
    return shifted_hsv(changed_HW3, _drawn_hsv(params, rng)) if any(params.hsv) else changed_HW3


def _drawn_hsv(params: AugmentParams, rng: np.random.Generator) -> Int64[np.ndarray, "3"]:
    """Each of the three changes in half of the crops, as in `YOLOXHSVRandomAug`."""
    drawn_3 = rng.uniform(-1, 1, size=3) * params.hsv * rng.integers(2, size=3)
    return drawn_3.astype(np.int64)


def _patch_colour(params: AugmentParams, rng: np.random.Generator) -> UInt8[np.ndarray, "3"]:
    if params.dropout_colour == "black":
        return _BLACK
    # Any colour, not always the same: else the student would learn the colour of patches.
    return rng.integers(256, size=3, dtype=np.uint8)


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
