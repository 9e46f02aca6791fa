import pytest
import torch
from torch import nn

from pipeline.errors import KDError

pytestmark = pytest.mark.mm


def network():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


@pytest.fixture
def load():
    from pipeline.teachers.adapters.mmpose.weights import load_weights

    return lambda module, weights: load_weights(module, weights, "a.pth and a.py")


def test_loaded_weights_are_frozen_and_in_eval_mode(load):
    source, target = network(), network()
    load(target, source.state_dict())
    torch.testing.assert_close(target[0].weight, source[0].weight, check_stride=False)
    assert not target.training and not target[1].training
    assert not any(parameter.requires_grad for parameter in target.parameters())


def test_counters_and_preprocessing_that_answers_do_not_depend_on_may_differ(load):
    weights, target = network().state_dict(), network()
    weights.pop("1.num_batches_tracked")
    load(target, weights | {"data_preprocessor.mean": torch.zeros(3)})
    torch.testing.assert_close(target[0].weight, weights["0.weight"], check_stride=False)


def test_a_missing_weight_is_named(load):
    weights = network().state_dict()
    weights.pop("0.bias")
    with pytest.raises(
        KDError, match=r"a\.pth and a\.py do not fit each other: 0\.bias is missing\. Name the config"
    ):
        load(network(), weights)


def test_a_weight_too_many_is_named(load):
    with pytest.raises(KDError, match=r"2\.weight has no place"):
        load(network(), network().state_dict() | {"2.weight": torch.zeros(1)})


def test_a_weight_of_another_shape_is_named_with_both_shapes(load):
    with pytest.raises(KDError, match=r"size mismatch for 0\.weight.*\[4, 2\].*\[3, 2\]"):
        load(network(), network().state_dict() | {"0.weight": torch.zeros(4, 2)})


def test_of_many_misfits_some_are_named_and_the_rest_counted(load):
    many = {f"layer{index}.weight": torch.zeros(1) for index in range(20)}
    with pytest.raises(KDError, match=r"layer2\.weight has no place; and 17 more"):
        load(network(), network().state_dict() | many)
