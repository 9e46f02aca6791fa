"""The deconvolutions that the heatmap and the SimCC head begin with."""

from itertools import pairwise

from torch import nn


def doublings_between(stride: int, wanted: int) -> int:
    """Deconvolutions that lead from a map of one stride to one of the other."""
    return (stride // wanted).bit_length() - 1


def upsampling(channels: int, width: int, doublings: int) -> nn.Sequential:
    """Deconvolutions 4 x 4 of stride 2, `width` channels each (SimpleBaseline, Xiao et al., ECCV 2018)."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise([channels] + [width] * doublings):
        layers += [
            nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    for layer in layers:
        if isinstance(layer, nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=0.01)
    return nn.Sequential(*layers)
