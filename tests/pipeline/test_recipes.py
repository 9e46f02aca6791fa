"""The settings of published trainings, against the configs that they come from."""

from typing import Any

import pytest
import yaml

from pipeline.errors import KDError
from pipeline.params import AugmentParams, Params, TrainParams, parse_params
from pipeline.recipes import FREE, recipe_settings

STUDENT = {"backbone": "cspnext_t", "head": "rtmcc", "sigma": [4.9, 5.66]}
NO_DECAY = {"norm_decay_mult": 0, "bias_decay_mult": 0, "bypass_duplicate": True}
"""What student.training.optimiser does."""
CONFIGS = "mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-{}_8xb256-420e_coco-256x192.py"


def params(train: Any, student: Any = STUDENT, **sections: Any) -> Params:
    dataset = {"format": "coco", "convention": "coco17", "images": "images", "annotations": "a.json"}
    teacher = {"adapter": "onnx", "config": "t.yaml", "checkpoint": "t.onnx", "convention": "coco17"}
    values = {
        "cells": {"teachers": ["one", "two"], "datasets": ["street"]},
        "datasets": {"street": dataset},
        "teachers": {"one": teacher, "two": teacher},
        "student": student,
        "train": {"datasets": ["street"], **train},
        "evaluate": {"datasets": ["street"]},
    }
    return parse_params(values | sections, "params.yaml")


def test_a_recipe_sets_every_setting_of_train_that_is_not_free():
    settings = recipe_settings("cspnext_t")
    assert set(TrainParams.model_fields) == {*settings, *FREE, "recipe"}
    assert set(AugmentParams.model_fields) == set(settings["augment"])


def test_what_is_free_wins_and_learning_rate_and_last_epochs_follow_it():
    train = params({"recipe": "rtmpose", "epochs": 20, "batch_size": 64, "amp": "auto", "seed": 3}).train
    assert (train.epochs, train.batch_size, train.amp, train.seed) == (20, 64, "auto", 3)
    assert train.learning_rate == pytest.approx(0.00025)
    assert train.last_epochs.epochs == 20


def test_no_other_section_is_touched():
    with_recipe, without = params({"recipe": "rtmpose"}), params({})
    for section in ("student", "distill", "extract", "evaluate", "runtime"):
        assert getattr(with_recipe, section) == getattr(without, section)


def test_the_resolved_params_are_read_again_as_they_are():
    first = params({"recipe": "rtmpose", "epochs": 30, "batch_size": 96})
    written = yaml.safe_load(yaml.safe_dump(first.model_dump(mode="json")))
    assert parse_params(written, "run/params.yaml") == first


def test_the_settings_written_out_train_alike_without_the_recipe():
    recipe = params({"recipe": "rtmpose", "batch_size": 512}).train
    written = params(recipe_settings("cspnext_t", batch_size=512)).train
    assert written == recipe.model_copy(update={"recipe": None})


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (
            {"learning_rate": 0.002},
            "train.learning_rate is 0.002, but train.recipe rtmpose sets 0.001. Remove ",
        ),
        ({"clip_grad_norm": 5.0}, "train.clip_grad_norm is 5.0, but train.recipe rtmpose sets null. Remove"),
        ({"label_beta": None}, "train.label_beta is null, but train.recipe rtmpose sets 10.0."),
        ({"augment": {"flip": 0.5, "hsv": [5, 30, 0]}}, "train.augment.hsv is [5, 30, 0], but"),
        (
            {"last_epochs": {"augment": {"flip": 0.0}}},
            "train.last_epochs.augment.flip is 0.0, but train.recipe rtmpose sets 0.5.",
        ),
        ({"last_epochs": None}, "train.last_epochs is null, but"),
        ({"epochs": 10, "last_epochs": {"epochs": 30}}, "train.last_epochs.epochs is 30, but"),
    ],
)
def test_a_setting_written_with_another_value_is_an_error_that_says_what_to_do(train: dict, message: str):
    with pytest.raises(KDError) as error:
        params({"recipe": "rtmpose", **train})
    assert message in str(error.value)
    assert (
        "or remove train.recipe and write out its settings, which kd-pipeline recipe rtmpose prints"
        in str(error.value)
    )


def test_a_setting_written_with_the_recipes_value_is_none():
    written = {"learning_rate": "1e-3", "augment": {"scale": 0.4, "dropout_size": [0.2, 0.4]}}
    written["last_epochs"] = {"augment": {"flip": 0.5, "shift": 0}}
    train = params({"recipe": "rtmpose", **written}).train
    assert train.augment_from() == params({"recipe": "rtmpose"}).train.augment_from()
    assert train.learning_rate == 0.001


@pytest.mark.parametrize(
    ("train", "student", "message"),
    [
        ({"recipe": "rtmpoes"}, STUDENT, "train.recipe is 'rtmpoes', but there is only rtmpose."),
        ({"learnin_rate": 1}, STUDENT, "train.learnin_rate: no such setting"),
        ({"batch_size": "many"}, STUDENT, "train.batch_size is 'many'"),
        ({}, {}, "is for student.backbone cspnext_t, cspnext_s, cspnext_m, but that is left out. Write one"),
        ({}, {**STUDENT, "backbone": "resnet18"}, "cspnext_m, but that is resnet18. Write one of them"),
        (
            {},
            {**STUDENT, "head": "simcc", "sigma": 5.0},
            "train.recipe rtmpose at input_size [192, 256] does not go with student.head simcc, "
            "student.sigma [5.0, 5.0]. Write under student: head: rtmcc, sigma: [4.9, 5.66]; or remove "
            "train.recipe.",
        ),
        ({}, {**STUDENT, "simcc_split_ratio": 1}, "Write under student: simcc_split_ratio: 2;"),
        ({}, {**STUDENT, "input_size": [256, 256]}, "Write under student: sigma: [5.66, 5.66];"),
        ({}, {**STUDENT, "input_size": [288, 384]}, "Write under student: sigma: [6.0, 6.93];"),
    ],
)
def test_what_the_recipe_does_not_fit_is_an_error(train: dict, student: dict, message: str):
    with pytest.raises(KDError) as error:
        params({"recipe": "rtmpose", **train}, student)
    assert message in str(error.value)


def test_at_a_size_that_rtmpose_has_not_sigma_is_free():
    student = {**STUDENT, "input_size": [96, 128], "sigma": 3.0}
    assert params({"recipe": "rtmpose"}, student).student.sigma_xy == (3.0, 3.0)


def test_the_papers_preset_takes_its_softmax_from_the_recipe():
    distill = {"preset": "paper"}
    train = params({"recipe": "rtmpose", "ground_truth_weight": 0.3}, distill=distill).train
    assert (train.label_beta, train.ground_truth_weight) == (10.0, 0.3)
    with pytest.raises(KDError, match=r"Write into params.yaml, under train: ground_truth_weight: 0.3\. Or"):
        params({"recipe": "rtmpose"}, distill=distill)
    params({"recipe": "rtmpose"}, distill={**distill, "weight": 0})


@pytest.mark.mm
@pytest.mark.parametrize("size", ["t", "s", "m"])
def test_every_value_is_that_of_mmposes_config(size: str):
    from pipeline.teachers.adapters.mmpose.config import load_config

    config = load_config(CONFIGS.format(size))
    train = params({"recipe": "rtmpose"}, {**STUDENT, "backbone": f"cspnext_{size}"}).train
    check_optimiser(train, config)
    check_schedule(train, config)
    check_labels_and_average(train, config)
    (first, usual), (switched, last) = train.augment_from().items()
    hooks = {hook["type"]: hook for hook in config.custom_hooks}
    assert (first, switched) == (0, hooks["mmdet.PipelineSwitchHook"]["switch_epoch"])
    assert as_augmentation(config.train_pipeline) == usual
    assert as_augmentation(config.train_pipeline_stage2) == last


def check_optimiser(train: TrainParams, config: Any) -> None:
    wrapper = config.optim_wrapper
    assert wrapper.type == "OptimWrapper" and train.amp == "off"
    assert train.clip_grad_norm is wrapper.get("clip_grad") is None
    assert wrapper.optimizer.type == "AdamW" and train.weight_decay == wrapper.optimizer.weight_decay
    assert wrapper.paramwise_cfg == NO_DECAY
    scale = train.batch_size / config.auto_scale_lr.base_batch_size
    assert train.learning_rate == pytest.approx(wrapper.optimizer.lr * scale)
    assert train.batch_size == config.train_dataloader.batch_size


def check_schedule(train: TrainParams, config: Any) -> None:
    warmup, cosine = config.param_scheduler
    assert train.epochs == config.train_cfg.max_epochs == cosine.end
    assert warmup.type == "LinearLR" and train.warmup_steps == warmup.end and not warmup.by_epoch
    assert cosine.type == "CosineAnnealingLR" and train.schedule == "flat_cosine"
    assert cosine.begin == cosine.T_max == train.epochs // 2
    assert cosine.eta_min / config.base_lr == pytest.approx(
        0.05
    )  # student.training.learning_rate_schedule.FLAT_COSINE_END


def check_labels_and_average(train: TrainParams, config: Any) -> None:
    head, codec = config.model.head, config.codec
    assert (train.label_beta, train.joint_weights) == (head.loss.beta, False)
    assert head.loss.label_softmax and list(codec.sigma) == STUDENT["sigma"]
    assert codec.simcc_split_ratio == 2
    averages = [hook for hook in config.custom_hooks if hook["type"] == "EMAHook"]
    decay = 1 - averages[0].momentum if averages else 0.0
    assert train.ema_decay == pytest.approx(decay)
    if averages:
        assert averages[0].ema_type == "ExpMomentumEMA" and averages[0].update_buffers
        assert train.ema_ramp == "exponential"


def as_augmentation(pipeline: Any) -> AugmentParams:
    """A pipeline of the config in our settings; what it leaves out has the default of the installed class."""
    from mmdet.datasets.transforms import YOLOXHSVRandomAug
    from mmpose.datasets.transforms import RandomBBoxTransform, RandomFlip, RandomHalfBody

    steps = {step["type"]: {k: v for k, v in step.items() if k != "type"} for step in pipeline}
    box = RandomBBoxTransform(**steps["RandomBBoxTransform"])
    hsv = YOLOXHSVRandomAug(**steps["mmdet.YOLOXHSVRandomAug"])
    pixels = {step["type"]: step for step in steps["Albumentation"]["transforms"]}
    hole = pixels["CoarseDropout"]
    assert (box.scale_prob, box.rotate_prob) == (1.0, 0.6)
    assert list(pixels) == ["Blur", "MedianBlur", "CoarseDropout"]
    assert (hole["min_holes"], hole["max_holes"]) == (1, 1)
    assert (hole["min_height"], hole["max_height"]) == (hole["min_width"], hole["max_width"])
    least, most = box.scale_factor
    assert (least + most) / 2 == pytest.approx(1)
    return AugmentParams(
        distribution="truncnorm",
        flip=RandomFlip(**steps["RandomFlip"]).prob,
        rotation_degrees=box.rotate_factor,
        scale=round((most - least) / 2, 9),
        shift=box.shift_factor,
        shift_probability=box.shift_prob,
        shift_of="padded",
        half_body=RandomHalfBody(**steps["RandomHalfBody"]).prob,
        stored_views=0.0,
        colour=0.0,
        hsv=(hsv.hue_delta, hsv.saturation_delta, hsv.value_delta),
        blur=pixels["Blur"]["p"],
        median_blur=pixels["MedianBlur"]["p"],
        dropout=hole["p"],
        dropout_size=(hole["min_height"], hole["max_height"]),
        dropout_colour="black",
    )
