from pathlib import Path

import pytest

from pipeline.errors import KDError
from pipeline.params import Params, parse_params, read_params

VALUES = {
    "cells": {"teachers": ["lamp"], "datasets": ["street-train"]},
    "datasets": {
        "street-train": {
            "format": "coco",
            "convention": "coco17",
            "images": "images",
            "annotations": "a.json",
        }
    },
    "teachers": {
        "lamp": {"adapter": "onnx", "config": "lamp.yaml", "checkpoint": "lamp.onnx", "convention": "coco17"}
    },
    "train": {"datasets": ["street-train"]},
    "evaluate": {"datasets": ["street-train"]},
}


def params(**changes: object) -> Params:
    return parse_params(VALUES | changes, "params.yaml")


def test_defaults_fill_what_is_not_said():
    assert params().distill_weights() == {"lamp": 1.0}
    assert params().extract.shard_size == 1024


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            {"distill": {"weight": -1}},
            "distill.weight is -1, but input should be greater than or equal to 0 (allowed: 0 to 100)",
        ),
        (
            {"extract": {"zstd_level": 30}},
            "extract.zstd_level is 30, but input should be less than or equal to 22 (allowed: 1 to 22)",
        ),
        ({"train": {"datasets": ["street-train"], "learning_rate": 0}}, "(allowed: above 0 to 1)"),
        ({"distill": {"teachers": {"lamp": 101}}}, "distill.teachers.lamp is 101, but input should be less"),
        ({"distill": {"wieght": 1}}, "distill.wieght: no such setting"),
        ({"cells": {"teachers": [], "datasets": ["street-train"]}}, "cells.teachers is []"),
        (
            {"cells": {"teachers": ["lmap"], "datasets": ["street-train"]}},
            "no teacher 'lmap'. Did you mean 'lamp'?",
        ),
        ({"train": {"datasets": ["street-tran"]}}, "Did you mean 'street-train'?"),
        (
            {"distill": {"teachers": {"lanp": 1}}},
            "distill.teachers: there is no teacher 'lanp'. Did you mean 'lamp'?",
        ),
        ({"student": {"input_size": [192]}}, "student.input_size"),
        ({"student": {"backbone": "resnet19"}}, "'resnet18'"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_wanted(section: dict, message: str):
    with pytest.raises(KDError) as error:
        params(**section)
    assert message in str(error.value)


def test_two_datasets_with_one_name_are_an_error_not_the_last_one(tmp_path: Path):
    (tmp_path / "params.yaml").write_text("datasets:\n  a-train: {}\n  a-train: {}\n")
    with pytest.raises(KDError, match="line 3: 'a-train' is defined twice"):
        read_params(tmp_path / "params.yaml")


def test_a_file_that_is_not_yaml_is_named(tmp_path: Path):
    (tmp_path / "params.yaml").write_text("cells: [a\n")
    with pytest.raises(KDError, match="cannot be read as YAML"):
        read_params(tmp_path / "params.yaml")
