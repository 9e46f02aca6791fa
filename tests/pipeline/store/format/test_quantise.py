"""Bytes lose little of a map, and nothing of where its peak is."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.store.format.quantise import (
    Steps,
    dequantise_heatmaps,
    dequantise_simcc,
    differences,
    quantise_heatmaps,
    quantise_simcc,
    running_sum,
)

VALUES = st.floats(-2, 4, width=32)
STEPS = [
    Steps(1, 5, 0.0),
    Steps(2, 5, 0.0),
    Steps(2, 0, 0.0),
    Steps(2, 5, 1.0),
    Steps(2, 20, 3.0),
    Steps(2, 5, 4.0, 1),
]


def _heatmap_round_trip(heatmap, steps):
    stored, peak, base, floor = quantise_heatmaps(heatmap, steps)
    return stored, dequantise_heatmaps(stored, peak, base, steps.step), floor


def _simcc_round_trip(logits, steps, sharpness):
    stored, peak, base, floor = quantise_simcc(logits, steps, sharpness)
    return running_sum(stored), dequantise_simcc(stored, peak, base, steps.step, sharpness), floor


def test_a_map_worked_by_hand():
    heatmap = torch.tensor([[[[2.0, 1.0, 0.04], [0.03, -1.0, 1.999]]]])
    stored, peak, base, floor = quantise_heatmaps(heatmap, Steps(step=2, floor=5, quiet=0.0))
    # in 255ths of the peak 127.5, 5.1, 3.8 (under 5: quiet), 0 (negative), 254.9; in steps of two of them
    # 63.75 -> 64, 2.55 -> 3, 127.4 -> 127, the most that a cell other than the peak's may have
    assert stored.tolist() == [[[[128, 64, 3], [0, 0, 127]]]]
    assert (peak.item(), floor.item()) == (2.0, pytest.approx(5 / 255))
    assert base.item() == pytest.approx((0.03 + 0.0) / 2)
    back = dequantise_heatmaps(stored, peak, base, 2)[0, 0]
    expected = [[2.0, 2 * 128 / 255, 2 * 6 / 255], [0.015, 0.015, 2 * 254 / 255]]
    assert torch.allclose(back, torch.tensor(expected))


def test_a_diffuse_map_keeps_only_what_stands_out_of_its_mean():
    heatmap = torch.tensor([[[[1.0, 0.5, 0.3, 0.2]]]])  # mean 0.5
    stored, _, base, floor = quantise_heatmaps(heatmap, Steps(step=1, floor=5, quiet=0.9))
    assert stored.tolist() == [[[[255, 128, 0, 0]]]]
    assert (floor.item(), base.item()) == (pytest.approx(0.45), pytest.approx(0.25))


def test_cells_near_the_summit_are_quiet_under_the_floor_only():
    heatmap = torch.full((1, 1, 5, 5), 0.1)
    heatmap[..., 2, 1] = 1.0  # mean weight 0.136
    stored, _, _, floor = quantise_heatmaps(heatmap, Steps(step=1, floor=5, quiet=2.0, reach=1))
    assert floor.item() == pytest.approx(0.272)
    above_floor = torch.zeros(5, 5, dtype=torch.bool)
    above_floor[1:4, 0:3] = True
    assert torch.equal(stored[0, 0] > 0, above_floor)


@given(arrays(np.float32, (1, 2, 3, 4), elements=VALUES), st.sampled_from(STEPS))
def test_loud_values_are_off_by_a_255th_of_the_peak_at_most_and_quiet_ones_by_the_floor(values, steps):
    heatmap = torch.from_numpy(values)
    stored, back, floor = _heatmap_round_trip(heatmap, steps)
    for joint in range(2):
        peak = heatmap[0, joint].max()
        if peak <= 1e-30:
            continue
        made = heatmap[0, joint].clamp(min=0) / peak
        error = (back[0, joint] / peak - made).abs()
        above_floor = made >= floor[0, joint]
        assert error[above_floor].max() <= 1 / 255 + 1e-6
        assert (error[~above_floor] <= max(floor[0, joint], 1 / 255) + 1e-6).all()
        assert np.flatnonzero(stored[0, joint] == steps.top).tolist() == [values[0, joint].argmax()]


@given(arrays(np.float32, (1, 1, 4, 4), elements=st.floats(0, 4, width=32)), st.sampled_from(STEPS))
def test_a_map_keeps_its_sum_to_half_a_step_a_cell(values, steps):
    heatmap = torch.from_numpy(values)
    if heatmap.max() < 1e-30:
        return
    stored, back, _ = _heatmap_round_trip(heatmap, steps)
    above_floor = int((stored > 0).sum())
    assert abs(back.sum() - heatmap.sum()) <= above_floor * heatmap.max() / 255 + 1e-4


def test_a_map_of_zeros_and_one_below_zero_are_stored_as_zeros():
    heatmap = torch.stack([torch.zeros(3, 3), torch.full((3, 3), -0.5)])[None]
    stored, peak, base, _ = quantise_heatmaps(heatmap, Steps(2, 5, 3.0))
    assert not stored.any()
    assert not base.any()
    assert peak.tolist() == [[0.0, -0.5]]
    assert not dequantise_heatmaps(stored, peak, base, 2).any()


@pytest.mark.parametrize("steps", [Steps(1, 5, 0.0), Steps(2, 5, 0.0)])
def test_two_cells_too_close_for_a_byte_keep_their_order(steps):
    heatmap = torch.zeros(1, 1, 1, 8)
    heatmap[..., 2], heatmap[..., 6] = 0.9999, 1.0
    stored, back, _ = _heatmap_round_trip(heatmap, steps)
    assert stored.flatten().tolist() == [0, 0, steps.highest, 0, 0, 0, steps.top, 0]
    assert back.flatten().argmax() == 6


def test_quiet_bins_keep_their_share_of_the_softmax():
    logits = torch.randn(2, 3, 200, generator=torch.Generator().manual_seed(0)) * 0.2
    logits[..., 70] = 1.5
    code, back, _ = _simcc_round_trip(logits, Steps(2, 5, 0.0), sharpness=10.0)
    quiet = code == 0
    assert 0.5 < quiet.float().mean() < 1
    share, back_share = (torch.softmax(10 * v, -1).mul(quiet).sum(-1) for v in (logits, back))
    assert torch.allclose(share, back_share, rtol=0.02)
    mass, back_mass = ((10 * v).exp().mul(quiet).sum(-1) for v in (logits, back))
    assert torch.allclose(mass, back_mass, rtol=1e-3)


def test_a_bin_is_quiet_where_its_weight_is_under_the_floor():
    weights = torch.tensor([1.0, 5.1 / 255, 4.9 / 255])
    code, _, _ = _simcc_round_trip((weights.log() / 10.0)[None, None] + 3.0, Steps(1, 5, 0.0), 10.0)
    assert code[0, 0].tolist() == [255, 5, 0]


def test_a_bin_is_quiet_where_it_is_less_likely_than_chance():
    weights = torch.tensor([1.0, 0.6, 0.4, 0.2, 0.2])  # mean 0.48
    code, back, floor = _simcc_round_trip((weights.log() / 4.0)[None, None], Steps(1, 5, 1.0), 4.0)
    assert code[0, 0].tolist() == [255, 153, 0, 0, 0]
    assert floor.item() == pytest.approx(0.48)
    assert back[0, 0, 4].item() == pytest.approx(math.log(0.8 / 3) / 4.0)


@given(arrays(np.float32, (1, 1, 12), elements=VALUES), st.sampled_from(STEPS), st.sampled_from([1.0, 10.0]))
def test_loud_bins_weights_are_off_by_a_255th_and_the_largest_stays_the_largest(values, steps, sharpness):
    logits = torch.from_numpy(values)
    code, back, floor = _simcc_round_trip(logits, steps, sharpness)
    made, read = ((sharpness * (v - logits.max())).double().exp() for v in (logits, back))
    assert (made - read)[made >= floor].abs().max() <= 1 / 255 + 1e-5
    assert np.flatnonzero(code[0, 0] == steps.top).tolist() == [values[0, 0].argmax()]
    assert back[0, 0].argmax() == values[0, 0].argmax()


def test_a_flat_vector_survives():
    _, back, _ = _simcc_round_trip(torch.full((1, 1, 5), 0.25), Steps(2, 5, 1.0), 10.0)
    assert torch.allclose(back, torch.full((1, 1, 5), 0.25), atol=1e-3)


def test_differences_worked_by_hand_and_undone():
    code = torch.tensor([[[3, 5, 0, 255]]], dtype=torch.uint8)
    stored = differences(code)
    assert stored.tolist() == [[[3, 2, 251, 255]]]
    assert torch.equal(running_sum(stored), code)
