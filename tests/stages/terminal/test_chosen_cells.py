"""Which cells a command is about."""

import pytest

from pipeline.errors import KDError
from pipeline.params import parse_params
from pipeline.workspace import Workspace
from stages.terminal.chosen_cells import chosen_cells

LAMP = {"adapter": "onnx", "config": "lamp.yaml", "checkpoint": "lamp.onnx", "convention": "coco17"}
STREET = {"format": "coco", "convention": "coco17", "images": "images", "annotations": "people.json"}


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """Teacher b is run over `val` alone; `spare` and `new` stand in no cell."""
    params = {
        "cells": {"teachers": ["a", "b"], "datasets": ["train", "val"]},
        "datasets": dict.fromkeys(["train", "val", "new"], STREET),
        "teachers": {"a": LAMP, "b": LAMP | {"datasets": ["val"]}, "spare": LAMP},
        "train": {"datasets": ["train"]},
        "evaluate": {"datasets": ["val"]},
    }
    return Workspace(tmp_path, parse_params(params, "params.yaml"))


@pytest.mark.parametrize(
    ("teachers", "datasets", "cells"),
    [
        ([], [], {"a": ("train", "val"), "b": ("val",)}),
        (["b"], [], {"b": ("val",)}),
        ([], ["train"], {"a": ("train",)}),
        ([], ["val", "train", "val"], {"a": ("val", "train"), "b": ("val",)}),
        (["spare"], ["new"], {"spare": ("new",)}),
        (["a"], ["new"], {"a": ("new",)}),
    ],
)
def test_names_select_among_the_cells(workspace, teachers, datasets, cells):
    assert chosen_cells(workspace, teachers, datasets) == cells


@pytest.mark.parametrize(
    ("teachers", "datasets", "message"),
    [
        (["spear"], [], "there is no teacher 'spear'. Did you mean 'spare'?"),
        ([], ["trian"], "there is no dataset 'trian'. Did you mean 'train'?"),
        (
            ["a", "b"],
            ["train"],
            "teacher b is run over val only, but train was asked for. Name one of those, or extend the list "
            "teachers.b.datasets in params.yaml.",
        ),
    ],
)
def test_a_name_that_has_no_cell_is_an_error(workspace, teachers, datasets, message):
    with pytest.raises(KDError) as error:
        chosen_cells(workspace, teachers, datasets)
    assert message in str(error.value)


def test_a_dataset_that_every_teachers_own_list_leaves_out_is_an_error(tmp_path):
    params = {
        "cells": {"teachers": ["b"], "datasets": ["train", "val"]},
        "datasets": dict.fromkeys(["train", "val"], STREET),
        "teachers": {"b": LAMP | {"datasets": ["val"]}},
        "train": {"datasets": ["train"]},
        "evaluate": {"datasets": ["val"]},
    }
    with pytest.raises(KDError) as error:
        chosen_cells(Workspace(tmp_path, parse_params(params, "params.yaml")), [], ["val", "train"])
    assert str(error.value) == (
        "no teacher of b is run over dataset train: their own lists of datasets leave it out. Name another "
        "dataset, or add it to one of the lists (teachers.<name>.datasets in params.yaml)."
    )
