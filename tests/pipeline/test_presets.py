"""The settings of published trainings."""

import pytest

from pipeline.errors import KDError
from pipeline.presets import with_preset

TWO = {"cells": {"teachers": ["coco", "mpii"]}, "train": {"epochs": 5}}


def test_without_a_preset_nothing_changes():
    assert with_preset({**TWO, "distill": {"weight": 2.0}}) == {**TWO, "distill": {"weight": 2.0}}


def test_the_papers_weights_go_to_the_teachers_in_their_order():
    filled = with_preset({**TWO, "distill": {"preset": "paper"}})
    assert filled["distill"]["teachers"] == {"coco": 0.25, "mpii": 0.45}
    assert filled["distill"]["schedule"] == "decay"
    assert filled["train"] == {"epochs": 5, "ground_truth_weight": 0.3, "label_beta": 10.0}


def test_only_the_literal_preset_adds_terms_up_as_the_papers_code_does():
    sums = {
        name: with_preset({**TWO, "distill": {"preset": name}})["distill"].get("original_sum", False)
        for name in ("paper", "paper-literal")
    }
    assert sums == {"paper": False, "paper-literal": True}


def test_what_is_written_out_wins():
    written = {"preset": "paper", "teachers": {"mpii": 1.0}, "schedule": "constant"}
    filled = with_preset({**TWO, "distill": written, "train": {"ground_truth_weight": 1.0}})
    assert filled["distill"]["teachers"] == {"mpii": 1.0}
    assert filled["distill"]["schedule"] == "constant"
    assert filled["train"]["ground_truth_weight"] == 1.0


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
        {**TWO, "distill": {"preset": "paper"}, "train": "x"},
        {"cells": ["a"], "distill": {"preset": "paper"}},
    ],
)
def test_sections_that_are_none_are_left_to_the_check_of_sections(params):
    assert with_preset(params) == params


def test_a_preset_that_is_no_name_is_an_error():
    with pytest.raises(KDError, match="there are only paper and paper-literal"):
        with_preset({**TWO, "distill": {"preset": ["paper"]}})
