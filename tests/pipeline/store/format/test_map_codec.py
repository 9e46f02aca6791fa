"""Presets, what they store, and what is read back."""

import numpy as np
import pytest
import torch

from pipeline.errors import KDError
from pipeline.params import ExtractParams
from pipeline.store.format.map_codec import MapCodec, zstd_level
from pipeline.teachers.maps import HeatmapOutput, SimCCOutput

HEATMAP = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0)) - 0.2
SIMCC = SimCCOutput(HEATMAP.flatten(2)[..., :20], HEATMAP.flatten(2)[..., 20:])


@pytest.mark.parametrize("preset", ["compact", "balanced", "exact"])
@pytest.mark.parametrize("maps", [HeatmapOutput(HEATMAP), SIMCC], ids=["heatmap", "simcc"])
def test_a_codec_read_back_from_the_attributes_decodes_the_same(preset, maps):
    kind = "heatmap" if isinstance(maps, HeatmapOutput) else "simcc"
    codec = MapCodec.of(ExtractParams(preset=preset), kind, 10.0 if kind == "simcc" else None)
    again = MapCodec.from_json(kind, {**codec.as_json(), "zstd_level": 3, "preset": preset})
    assert again == codec
    stored = codec.encode(maps)
    del stored["floor"]
    for name in ("heatmap_BKHW",) if kind == "heatmap" else ("x_BKW", "y_BKW"):
        made, read = getattr(maps, name), getattr(again.decode(stored), name)
        assert read.dtype == torch.float32
        assert torch.equal(read.flatten(2).argmax(-1), made.flatten(2).argmax(-1))


def test_exact_is_float16_and_keeps_what_is_negative():
    codec = MapCodec.of(ExtractParams(preset="exact"), "heatmap", None)
    stored = codec.encode(HeatmapOutput(HEATMAP))
    assert stored["map"].dtype == torch.float16
    read = codec.decode(stored).heatmap_BKHW.numpy()
    assert np.array_equal(read, HEATMAP.numpy().astype(np.float16).astype(np.float32))
    assert read.min() < 0


@pytest.mark.parametrize("peak", [0.7, 0.0, -0.3])
def test_exact_tells_the_largest_cell_from_one_that_rounds_to_the_same(peak):
    heatmap = torch.full((1, 1, 1, 4), -5.0)
    heatmap[..., 1] = peak - 1e-7
    heatmap[..., 2] = peak
    stored = MapCodec.of(ExtractParams(preset="exact"), "heatmap", None).encode(HeatmapOutput(heatmap))
    values = stored["map"].flatten().double()
    assert values.argmax() == 2
    assert 0 < values[2] - values[1] < 1e-3


def test_what_is_given_by_hand_goes_before_the_preset():
    codec = MapCodec.of(ExtractParams(preset="compact", floor=9, step=1), "heatmap", None)
    assert (codec.steps.floor, codec.steps.step, codec.steps.quiet) == (9, 1, 8.0)
    assert zstd_level(ExtractParams(preset="compact")) == 15
    assert zstd_level(ExtractParams(preset="compact", zstd_level=2)) == 2


def test_steps_of_float16_are_an_error():
    with pytest.raises(KDError, match="params.yaml, extract: the preset exact stores maps as float16"):
        ExtractParams(preset="exact", floor=3)


def test_a_simcc_teacher_of_unknown_sharpness_gets_that_of_rtmpose():
    assert MapCodec.of(ExtractParams(), "simcc", None).sharpness == 10.0
    assert MapCodec.of(ExtractParams(), "simcc", 3.0).sharpness == 3.0
