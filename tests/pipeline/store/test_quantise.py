"""Bytes lose little of a map, and nothing of where its peak is."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.store.quantise import dequantise_heatmaps, dequantise_simcc, quantise_heatmaps, quantise_simcc

VALUES = st.floats(-2, 4, width=32)


def _round_trip(logits, floor, beta):
    stored, peak, base = quantise_simcc(logits, floor, beta)
    return stored, dequantise_simcc(stored, peak, base)


def test_a_map_worked_by_hand():
    heatmap = torch.tensor([[[[2.0, 1.0, 0.04], [0.03, -1.0, 1.999]]]])
    stored, peak = quantise_heatmaps(heatmap, floor=5)
    # in 255ths of the peak: 1: 127.5 -> 128 (half to even), 0.04: 5.1 -> 5, 0.03: 3.8 -> 4 < 5 -> 0,
    # -1: 0, 1.999: 254.9 -> 255, but that is the peak's alone: 254
    assert stored.tolist() == [[[[255, 128, 5], [0, 0, 254]]]]
    assert peak.tolist() == [[2.0]]
    assert dequantise_heatmaps(stored, peak)[0, 0, 0, 1].item() == pytest.approx(2 * 128 / 255)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (1, 2, 3, 4), elements=VALUES), st.sampled_from([0, 1, 5, 20]))
def test_no_value_is_off_by_more_than_a_step_or_the_floor_and_the_first_peak_alone_is_255(values, floor):
    heatmap = torch.from_numpy(values)
    stored, peak = quantise_heatmaps(heatmap, floor)
    back = dequantise_heatmaps(stored, peak)
    for joint in range(2):
        if peak[0, joint] <= 1e-30:
            assert not stored[0, joint].any()
            continue
        error = (back[0, joint] - heatmap[0, joint].clamp(min=0)).abs().max() / peak[0, joint]
        assert error <= max(1, floor) / 255 + 1e-6
        assert np.flatnonzero(stored[0, joint] == 255).tolist() == [values[0, joint].argmax()]


def test_a_map_of_zeros_and_one_below_zero_are_stored_as_zeros():
    heatmap = torch.stack([torch.zeros(3, 3), torch.full((3, 3), -0.5)])[None]
    stored, peak = quantise_heatmaps(heatmap, 5)
    assert not stored.any()
    assert peak.tolist() == [[0.0, -0.5]]
    assert not dequantise_heatmaps(stored, peak).any()


def test_two_cells_too_close_for_a_byte_keep_their_order():
    heatmap = torch.zeros(1, 1, 1, 8)
    heatmap[..., 2], heatmap[..., 6] = 0.9999, 1.0  # both round to 255
    stored, _ = quantise_heatmaps(heatmap, 5)
    assert stored.flatten().tolist() == [0, 0, 254, 0, 0, 0, 255, 0]


def test_quiet_bins_keep_their_share_of_the_softmax():
    logits = torch.randn(2, 3, 200, generator=torch.Generator().manual_seed(0)) * 0.2
    logits[..., 70] = 1.5
    stored, back = _round_trip(logits, floor=5, beta=10.0)
    quiet = stored == 0
    assert 0.5 < quiet.float().mean() < 1
    share, back_share = (torch.softmax(10 * v, -1).mul(quiet).sum(-1) for v in (logits, back))
    assert torch.allclose(share, back_share, rtol=0.02)
    mass, back_mass = ((10 * v).exp().mul(quiet).sum(-1) for v in (logits, back))
    assert torch.allclose(mass, back_mass, rtol=1e-3)


def test_a_bin_is_quiet_where_its_probability_is_under_the_floor():
    beta, peak = 10.0, 1.0
    at = [
        peak + math.log(p) / beta for p in (1.0, 5.1 / 255, 4.9 / 255)
    ]  # probability relative to the peak's
    stored, _, _ = quantise_simcc(torch.tensor([[at]]), 5, beta)
    assert (stored[0, 0] == 0).tolist() == [False, False, True]


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.float32, (1, 1, 12), elements=VALUES), st.sampled_from([0, 5]), st.sampled_from([None, 10.0])
)
def test_loud_bins_are_off_by_a_step_at_most_and_the_largest_stays_the_largest(values, floor, beta):
    logits = torch.from_numpy(values)
    stored, peak, base = quantise_simcc(logits, floor, beta)
    back = dequantise_simcc(stored, peak, base)
    loud = stored > 0
    step = (peak - base) / 255
    assert (back - logits).abs()[loud].max() <= step.item() * 1.001 + 1e-5
    assert np.flatnonzero(stored[0, 0] == 255).tolist() == [values[0, 0].argmax()]


def test_without_beta_the_quiet_bins_are_read_back_as_their_mean():
    logits = torch.tensor([[[10.0, 0.0, 0.1, 5.0]]])
    stored, back = _round_trip(logits, floor=5, beta=None)
    assert stored[0, 0].tolist()[1:3] == [0, 0]
    assert back[0, 0, 1].item() == pytest.approx(0.05)


def test_a_flat_vector_survives():
    stored, back = _round_trip(torch.full((1, 1, 5), 0.25), floor=5, beta=10.0)
    assert torch.allclose(back, torch.full((1, 1, 5), 0.25))
