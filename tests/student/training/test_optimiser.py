"""What is decayed."""

import pytest
from torch import nn

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.params import StudentParams
from student.network.config import StudentConfig
from student.network.pose_student import PoseStudent
from student.training.optimiser import build_optimiser


def test_weights_are_decayed_and_biases_and_norms_are_not():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 2, 2))
    decayed, others = build_optimiser(model, 0.01, 0.05).param_groups
    assert {id(p) for p in decayed["params"]} == {id(model[0].weight), id(model[2].weight)}
    assert {id(p) for p in others["params"]} == {
        id(p) for p in (model[0].bias, model[1].weight, model[1].bias, model[2].bias)
    }
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.05, 0.0)
    assert decayed["lr"] == others["lr"] == 0.01


def test_of_rtmposes_student_mmengines_choice_by_name_is_decayed():
    """Batch norms go by `.bn.`, what attention scales with are vectors but no norm layers of torch."""
    params = StudentParams(backbone="cspnext_t", head="rtmcc", input_size=(64, 64))
    model = PoseStudent(StudentConfig.from_params(params, build_union([load_convention("coco17")])))
    decayed, others = build_optimiser(model, 0.01, 0.05).param_groups
    name_of = {id(parameter): name for name, parameter in model.named_parameters()}
    kept = {name_of[id(parameter)] for parameter in others["params"]}
    assert kept == {name for name in name_of.values() if ".bn." in name or name.endswith(".bias")}
    names = [name_of[id(parameter)] for parameter in decayed["params"]]
    assert len(names) == len(set(names)) == len(name_of) - len(kept)
    for vector in ("head.gau.ln.g", "head.gau.res_scale.scale", "head.mlp.0.g"):
        assert vector in names


@pytest.mark.mm
def test_of_rtmposes_student_mmengine_decays_the_same():
    from mmengine.optim import DefaultOptimWrapperConstructor

    params = StudentParams(backbone="cspnext_m", head="rtmcc", input_size=(64, 64))
    model = PoseStudent(StudentConfig.from_params(params, build_union([load_convention("coco17")])))
    model.backbone.stem.requires_grad_(False)
    build = DefaultOptimWrapperConstructor(
        {"type": "OptimWrapper", "optimizer": {"type": "AdamW", "lr": 0.004, "weight_decay": 0.05}},
        {"norm_decay_mult": 0, "bias_decay_mult": 0, "bypass_duplicate": True},
    )
    ours, theirs = (
        {id(p): group["weight_decay"] for group in groups for p in group["params"]}
        for groups in (build_optimiser(model, 0.004, 0.05).param_groups, build(model).optimizer.param_groups)
    )
    assert ours == theirs


def test_what_is_frozen_is_left_out_and_what_is_shared_comes_once():
    first, second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3)
    second.weight = first.weight
    model = nn.Sequential(first, second, nn.Linear(3, 1).requires_grad_(False))
    decayed, others = build_optimiser(model, 0.01, 0.05).param_groups
    assert [id(p) for p in decayed["params"]] == [id(first.weight)]
    assert [id(p) for p in others["params"]] == [id(second.bias)]
