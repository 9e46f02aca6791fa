"""The settings of published trainings."""

import re

import pytest

from pipeline.errors import KDError
from pipeline.params import DistillParams, TrainParams
from pipeline.params.presets import check_preset, with_preset

TWO = {"cells": {"teachers": ["coco", "mpii"]}, "train": {"epochs": 5}}


def test_without_a_preset_nothing_changes():
    assert with_preset({**TWO, "distill": {"weight": 2.0}}) == {**TWO, "distill": {"weight": 2.0}}


def test_the_papers_weights_go_to_the_teachers_in_their_order():
    filled = with_preset({**TWO, "distill": {"preset": "paper"}})
    assert filled["distill"]["teachers"] == {"coco": 0.25, "mpii": 0.45}
    assert filled["distill"]["schedule"] == "decay"
    assert filled["train"] == {"epochs": 5}


def test_only_the_literal_preset_adds_terms_up_as_the_papers_code_does():
    sums = {
        name: with_preset({**TWO, "distill": {"preset": name}})["distill"].get("original_sum", False)
        for name in ("paper", "paper-literal")
    }
    assert sums == {"paper": False, "paper-literal": True}


def test_what_is_written_out_wins():
    written = {"preset": "paper", "teachers": {"mpii": 1.0}, "schedule": "constant"}
    filled = with_preset({**TWO, "distill": written})
    assert filled["distill"]["teachers"] == {"mpii": 1.0}
    assert filled["distill"]["schedule"] == "constant"


def whole(preset: str | None, weight: float, **train: float | None) -> tuple[dict, dict]:
    """The sections `distill` and `train`, checked and with their defaults."""
    return (
        DistillParams(preset=preset, weight=weight).model_dump(),
        TrainParams(datasets=("a",), **train).model_dump(),
    )


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (
            {},
            "train.ground_truth_weight is 1.0 and train.label_beta is None. Write into params.yaml, under "
            "train: ground_truth_weight: 0.3, label_beta: 10. Or remove distill.preset",
        ),
        (
            {"label_beta": 10},
            "but train.ground_truth_weight is 1.0. Write into params.yaml, under train: "
            "ground_truth_weight: 0.3. Or",
        ),
        ({"ground_truth_weight": 0.3, "label_beta": 5}, "but train.label_beta is 5.0."),
    ],
)
def test_labels_that_are_taught_otherwise_are_an_error_that_says_what_to_write(train: dict, message: str):
    with pytest.raises(KDError, match=re.escape(message)):
        check_preset(*whole("paper", 1.0, **train))


@pytest.mark.parametrize(("preset", "weight"), [(None, 1.0), ("paper", 0.0)])
def test_without_a_preset_or_without_distillation_labels_are_as_they_like(preset: str | None, weight: float):
    assert check_preset(*whole(preset, weight)) is None


def test_labels_as_the_preset_has_them_pass():
    assert check_preset(*whole("paper-literal", 1.0, ground_truth_weight=0.3, label_beta=10)) is None


def test_three_teachers_are_an_error_that_says_what_to_write():
    with pytest.raises(KDError, match=r"for two teachers, but cells.teachers names 3: a, b, c.*FIRST: 0.25"):
        with_preset({"cells": {"teachers": ["a", "b", "c"]}, "distill": {"preset": "paper"}})


def test_an_unknown_preset_is_an_error_that_names_the_known_ones():
    with pytest.raises(KDError, match=r"is 'papr', but there are only paper and paper-literal"):
        with_preset({**TWO, "distill": {"preset": "papr"}})


@pytest.mark.parametrize(
    "params",
    [
        {"distill": "paper"},
        {"cells": ["a"], "distill": {"preset": "paper"}},
    ],
)
def test_sections_that_are_none_are_left_to_the_check_of_sections(params):
    assert with_preset(params) == params


def test_a_preset_that_is_no_name_is_an_error():
    with pytest.raises(KDError, match="there are only paper and paper-literal"):
        with_preset({**TWO, "distill": {"preset": ["paper"]}})
