"""From a crop's bytes to a network's input.

Legend: B crops, H and W rows and columns.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Normalisation:
    """(value * scale - mean) / std of bytes 0..255; mean and std in `channel_order`."""

    channel_order: Literal["RGB", "BGR"]
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    scale: float = 1.0

    def __call__(self, images_BHW3: UInt8[Tensor, "B H W 3"]) -> Float32[Tensor, "B 3 H W"]:
        """Input of a network that wants channels first, of BGR crops."""
        if self.channel_order == "RGB":
            images_BHW3 = images_BHW3.flip(-1)
        pixels_B3HW = images_BHW3.permute(0, 3, 1, 2).to(torch.float32)
        if self.scale != 1.0:
            pixels_B3HW = pixels_B3HW * self.scale
        mean, std = (pixels_B3HW.new_tensor(values).view(3, 1, 1) for values in (self.mean, self.std))
        return (pixels_B3HW - mean) / std
