"""The map geometry that a head asks for."""

import dataclasses
import json

import pytest

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.errors import KDError
from pipeline.geometry import MapGeometry
from pipeline.params import StudentParams
from student.calibration.score_calibration import ScoreCalibration
from student.network.config import StudentConfig


def config(**params) -> StudentConfig:
    return StudentConfig.from_params(StudentParams(**params), build_union([load_convention("coco17")]))


def test_rtmposes_bins_are_pixels_times_the_ratio_without_an_offset():
    """As mmpose/codecs/simcc_label.py encodes: mu = round(keypoint * ratio), of input size * ratio bins."""
    made = config(head="rtmcc", backbone="cspnext_t", input_size=(192, 256)).map
    assert made == MapGeometry("simcc", (384, 512), (0.5, 0.5), (0.0, 0.0))


def test_other_heads_centre_their_cells_on_what_they_stand_for():
    assert config(head="simcc").map.offset == (-0.25, -0.25)
    assert config(head="heatmap").map.offset == (1.5, 1.5)


def test_bins_that_do_not_mirror_onto_bins_are_refused():
    with pytest.raises(KDError, match=r"simcc_split_ratio is 1\.5, but the head rtmcc needs a whole number"):
        config(head="rtmcc", simcc_split_ratio=1.5)


def test_a_config_is_the_same_after_json():
    made = config(head="rtmcc", backbone="cspnext_s")
    assert StudentConfig.from_dict(made.as_dict()) == made


def test_a_config_keeps_its_score_calibration_through_json():
    calibration = ScoreCalibration(0.7, -0.2, {"nose": 0.3}, ("val",), 900)
    made = dataclasses.replace(config(), score_calibration=calibration)
    assert StudentConfig.from_dict(json.loads(json.dumps(made.as_dict()))) == made


def test_a_config_of_before_scores_were_calibrated_is_read():
    values = config().as_dict()
    assert "score_calibration" not in values
    assert StudentConfig.from_dict(values).score_calibration is None


def test_a_student_that_does_not_name_its_head_has_its_maps():
    values = config(head="simcc").as_dict()
    del values["head"]
    assert StudentConfig.from_dict(values).head == "simcc"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("mean", 1), "grey", "mean.1: "),
        (("std", 0), 0, "std: its values do not fit"),
        (("target_sigma", 0), float("nan"), "target_sigma.0: "),
        (("crop", "input_size", 0), -32, "crop: its values do not fit"),
        (("map", "size", 0), 7, "map: its values do not fit"),
        (("skeleton", "flip_pairs", 0, 0), "tail", "skeleton: its values do not fit"),
        (("skeleton", "joints", 0), "left_eye", "skeleton: its values do not fit"),
    ],
)
def test_a_value_that_no_student_can_have_is_refused_with_its_place(place, value, message):
    values = json.loads(json.dumps(config().as_dict()))
    parent = values
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    with pytest.raises(ValueError) as caught:
        StudentConfig.from_dict(values)
    assert str(caught.value).startswith(message)
