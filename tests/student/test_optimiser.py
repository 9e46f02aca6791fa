"""What is decayed."""

from torch import nn

from student.optimiser import build_optimiser


def test_weights_are_decayed_and_biases_and_norms_are_not():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 2, 2))
    decayed, others = build_optimiser(model, 0.01, 0.05).param_groups
    assert {id(p) for p in decayed["params"]} == {id(model[0].weight), id(model[2].weight)}
    assert {id(p) for p in others["params"]} == {
        id(p) for p in (model[0].bias, model[1].weight, model[1].bias, model[2].bias)
    }
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.05, 0.0)
    assert decayed["lr"] == others["lr"] == 0.01
