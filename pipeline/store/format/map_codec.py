"""How a cell's maps are kept: which numbers, how coarse, and what is left out."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import torch
from jaxtyping import Float16, Float32
from torch import Tensor

from pipeline.params import ExtractParams
from pipeline.store.format.layout import Kind
from pipeline.store.format.quantise import (
    Steps,
    dequantise_heatmaps,
    dequantise_simcc,
    quantise_heatmaps,
    quantise_simcc,
)
from pipeline.teachers.maps import HeatmapOutput, Maps, SimCCOutput

DEFAULT_SHARPNESS = 10.0
"""Of the softmax over a SimCC teacher's logits where its config names none: that of RTMPose's loss."""

DARK_REACH = 7
"""Cells to each side of the largest that a decoder looks at: DARK's blur of 11 and its second differences."""

_STEPS: dict[tuple[str, Kind], Steps] = {
    ("balanced", "heatmap"): Steps(step=2, floor=5, quiet=4.0, reach=DARK_REACH),
    ("balanced", "simcc"): Steps(step=2, floor=5, quiet=1.0),
    ("compact", "heatmap"): Steps(step=2, floor=8, quiet=8.0, reach=DARK_REACH),
    ("compact", "simcc"): Steps(step=2, floor=8, quiet=2.0),
}
"""Measured on real teachers; docs/store-format.md has the table."""
_ZSTD_LEVEL = {"balanced": 3, "compact": 15, "exact": 3}


@dataclass(frozen=True)
class MapCodec:
    """The arithmetic between a teacher's maps and the arrays of a store.

    `steps` is None where maps are kept as float16. `sharpness` turns SimCC logits into weights,
    exp(sharpness * logit); None for heatmaps.
    """

    kind: Kind
    dtype: Literal["uint8", "float16"]
    steps: Steps | None
    sharpness: float | None

    @classmethod
    def of(cls, params: ExtractParams, kind: Kind, beta: float | None) -> "MapCodec":
        sharpness = None if kind == "heatmap" else beta or DEFAULT_SHARPNESS
        if params.preset == "exact":
            return cls(kind, "float16", None, sharpness)
        chosen = {
            name: value for name in ("step", "floor", "quiet") if (value := getattr(params, name)) is not None
        }
        return cls(kind, "uint8", Steps(**asdict(_STEPS[params.preset, kind]) | chosen), sharpness)

    @classmethod
    def from_json(cls, kind: Kind, values: dict[str, Any]) -> "MapCodec":
        """The codec that `as_json` was called on; other keys are ignored."""
        steps = {f.name: values[f.name] for f in fields(Steps)} if values["dtype"] == "uint8" else None
        return cls(kind, values["dtype"], Steps(**steps) if steps else None, values["sharpness"])

    def as_json(self) -> dict[str, Any]:
        """Everything that stored values depend on."""
        steps = asdict(self.steps) if self.steps else dict.fromkeys(f.name for f in fields(Steps))
        return {"dtype": self.dtype, **steps, "sharpness": self.sharpness}

    def encode(self, maps: Maps) -> dict[str, Tensor]:
        """The maps' arrays by the names they have in the store, on the maps' device; and `floor`, (B, K).

        `floor` is the fraction of its peak under which a map's values were put to one level.
        """
        if self.steps is None:
            return _as_float16(maps)
        if isinstance(maps, HeatmapOutput):
            map_BKHW, peak_BK, base_BK, floor_BK = quantise_heatmaps(maps.heatmap_BKHW, self.steps)
            return {"map": map_BKHW, "peak": peak_BK, "base": base_BK, "floor": floor_BK}
        x_BKW, peak_x_BK, base_x_BK, floor_x_BK = quantise_simcc(maps.x_BKW, self.steps, self.sharpness)
        y_BKW, peak_y_BK, base_y_BK, floor_y_BK = quantise_simcc(maps.y_BKW, self.steps, self.sharpness)
        return {
            "map_x": x_BKW,
            "map_y": y_BKW,
            "peak_x": peak_x_BK,
            "peak_y": peak_y_BK,
            "base_x": base_x_BK,
            "base_y": base_y_BK,
            "floor": torch.maximum(floor_x_BK, floor_y_BK),
        }

    def decode(self, stored: dict[str, Tensor]) -> Maps:
        """Maps in the teacher's range, float32 on the device of `stored`: what `encode` made, or some of
        it."""
        if self.kind == "heatmap":
            if self.steps is None:
                return HeatmapOutput(stored["map"].to(torch.float32))
            return HeatmapOutput(
                dequantise_heatmaps(stored["map"], stored["peak"], stored["base"], self.steps.step)
            )
        return SimCCOutput(self._decode_axis(stored, "x"), self._decode_axis(stored, "y"))

    def _decode_axis(self, stored: dict[str, Tensor], axis: str) -> Tensor:
        if self.steps is None:
            return stored[f"map_{axis}"].to(torch.float32)
        arrays = (stored[f"{name}_{axis}"] for name in ("map", "peak", "base"))
        return dequantise_simcc(*arrays, self.steps.step, self.sharpness)


def zstd_level(params: ExtractParams) -> int:
    """How hard new stores are compressed; no value depends on it."""
    return params.zstd_level or _ZSTD_LEVEL[params.preset]


def _as_float16(maps: Maps) -> dict[str, Tensor]:
    if isinstance(maps, HeatmapOutput):
        peak_BK = maps.heatmap_BKHW.amax(dim=(-2, -1))
        nothing_BK = torch.zeros_like(peak_BK)
        return {"map": _half(maps.heatmap_BKHW), "peak": peak_BK, "base": nothing_BK, "floor": nothing_BK}
    peak_x_BK, peak_y_BK = maps.x_BKW.amax(dim=-1), maps.y_BKW.amax(dim=-1)
    return {
        "map_x": _half(maps.x_BKW),
        "map_y": _half(maps.y_BKW),
        "peak_x": peak_x_BK,
        "peak_y": peak_y_BK,
        "base_x": maps.x_BKW.amin(dim=-1),
        "base_y": maps.y_BKW.amin(dim=-1),
        "floor": torch.zeros_like(peak_x_BK),
    }


def _half(values: Float32[Tensor, "b k *n"]) -> Float16[Tensor, "b k *n"]:
    """Rounded, but that the first largest cell stays the only largest: others that round to the same are put
    one step below it. Ties moved real SimCC joints by a pixel."""
    limit = torch.finfo(torch.float16).max
    flat_BKN = values.flatten(2)
    half_BKN = flat_BKN.clamp(-limit, limit).to(torch.float16)
    top_BK1 = flat_BKN.argmax(dim=-1, keepdim=True)
    peak_BK1 = half_BKN.gather(-1, top_BK1)
    lowered_BKN = torch.where(half_BKN == peak_BK1, _step_below(peak_BK1), half_BKN)
    return lowered_BKN.scatter_(-1, top_BK1, peak_BK1).view_as(values)


def _step_below(values: Float16[Tensor, "*shape"]) -> Float16[Tensor, "*shape"]:
    """The next smaller float16."""
    bits = values.view(torch.int16)
    lower = torch.where(values > 0, bits - 1, bits + 1)
    below_zero = torch.full_like(bits, -(2**15) + 1)
    return torch.where(values == 0, below_zero, lower).view(torch.float16)
