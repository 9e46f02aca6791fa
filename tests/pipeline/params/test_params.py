from pathlib import Path

import pytest

from pipeline.errors import KDError
from pipeline.files.yaml_file import load_yaml
from pipeline.params import Params, is_section, parse_params, read_params

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


def test_defaults_fill_what_is_left_out():
    assert params().distill_weights() == {"lamp": 1.0}
    assert params().extract.shard_size == 1024


def test_a_teacher_is_run_over_every_dataset_of_cells_or_those_of_its_own_list():
    lamp = VALUES["teachers"]["lamp"]
    asked = params(
        cells={"teachers": ["lantern", "lamp"], "datasets": ["b", "a"]},
        datasets=dict.fromkeys(["street-train", "a", "b", "c"], VALUES["datasets"]["street-train"]),
        teachers={"lamp": lamp, "lantern": lamp | {"datasets": ["a"]}, "spare": lamp},
    )
    assert (asked.datasets_of("lamp"), asked.datasets_of("lantern")) == (("b", "a"), ("a",))
    assert [asked.teachers_of(name) for name in "abc"] == [("lantern", "lamp"), ("lamp",), ()]


def test_pictures_without_labels_need_no_convention():
    wild = {"format": "images", "images": "images", "annotations": "boxes.json"}
    assert params(datasets=VALUES["datasets"] | {"wild": wild}).datasets["wild"].convention is None


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
        ({"distill": {"loss": "mse", "temperature": 2}}, "has no meaning for loss mse. Remove it"),
        (
            {"distill": {"original_sum": True, "weighting": "adaptive"}},
            "original_sum adds up ground truth and teachers alone, so weighting must be fixed.",
        ),
        (
            {"distill": {"weight": 0}, "train": {"datasets": ["street-train"], "ground_truth_weight": 0}},
            "are both 0, so nothing is taught. Raise one of them.",
        ),
        ({"distill": {"wieght": 1}}, "distill.wieght: no such setting"),
        ({"cells": {"teachers": [], "datasets": ["street-train"]}}, "cells.teachers is []"),
        (
            {"cells": {"teachers": ["lmap"], "datasets": ["street-train"]}},
            "no teacher 'lmap'. Did you mean 'lamp'?",
        ),
        ({"train": {"datasets": ["street-tran"]}}, "Did you mean 'street-train'?"),
        (
            {"teachers": {"lamp": VALUES["teachers"]["lamp"] | {"datasets": ["street-tran"]}}},
            "teachers.lamp.datasets: there is no dataset 'street-tran'. Did you mean 'street-train'?",
        ),
        (
            {
                "datasets": VALUES["datasets"] | {"street-val": VALUES["datasets"]["street-train"]},
                "teachers": {"lamp": VALUES["teachers"]["lamp"] | {"datasets": ["street-val"]}},
            },
            "teachers.lamp.datasets: dataset street-val is not in cells.datasets (street-train), which this "
            "list selects from. Add it there, or remove it here.",
        ),
        (
            {"teachers": {"lamp": VALUES["teachers"]["lamp"] | {"datasets": []}}},
            "teachers.lamp.datasets is []",
        ),
        (
            {"distill": {"teachers": {"lanp": 1}}},
            "distill.teachers: there is no teacher 'lanp'. Did you mean 'lamp'?",
        ),
        (
            {"train": {"datasets": ["street-train"], "calibrate_scores": ["street-val"]}},
            "train.calibrate_scores: there is no dataset 'street-val'. Did you mean 'street-train'?",
        ),
        (
            {"train": {"datasets": ["street-train"], "calibrate_scores": ["street-train"]}},
            "train.calibrate_scores: dataset street-train is in train.datasets, on whose crops a student is "
            "right more often than on others. Name a labelled validation split, or none.",
        ),
        (
            {
                "datasets": VALUES["datasets"]
                | {"wild": VALUES["datasets"]["street-train"] | {"format": "images"}},
                "train": {"datasets": ["street-train"], "calibrate_scores": ["wild"]},
            },
            "dataset wild is of format images, which has no labels, but labels are needed.",
        ),
        (
            {"train": {"datasets": ["street-train"], "validation": {"datasets": ["street-train"]}}},
            "train.validation.datasets: dataset street-train is in train.datasets, on whose crops a student "
            "is right more often than on others. Name a labelled validation split, or none.",
        ),
        (
            {
                "datasets": VALUES["datasets"]
                | {"wild": VALUES["datasets"]["street-train"] | {"format": "images"}},
                "train": {"datasets": ["street-train"], "validation": {"datasets": ["wild"]}},
            },
            "train.validation.datasets: dataset wild is of format images, which has no labels, but labels "
            "are needed.",
        ),
        (
            {"train": {"datasets": ["street-train"], "validation": {"datasets": ["street-val"]}}},
            "train.validation.datasets: there is no dataset 'street-val'. Did you mean 'street-train'?",
        ),
        (
            {"train": {"datasets": ["street-train"], "validation": {"datasets": []}}},
            "train.validation.datasets is",
        ),
        (
            {"datasets": {"street-train": {"format": "coco", "images": "images", "annotations": "a.json"}}},
            "params.yaml, datasets.street-train: convention is missing, but format coco has labels, whose "
            "joints it names. Set it to a built-in one (coco17, mpii16, ...) or to the path of your own "
            "YAML; or set format: images to leave the labels out.",
        ),
        ({"student": {"input_size": [192]}}, "student.input_size"),
        ({"student": {"backbone": "resnet19"}}, "'resnet18'"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_wanted(section: dict, message: str):
    with pytest.raises(KDError) as error:
        params(**section)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (
            {"sampling_caps": {"street-tran": 5}},
            "train.sampling_caps: there is no training dataset 'street-tran'. Did you mean 'street-train'?",
        ),
        ({"sampling": "temperature"}, "needs sampling_temperature: 1 is proportional, 100 balanced."),
        ({"sampling_temperature": 2.0}, "sampling is proportional, so sampling_temperature has no meaning."),
        (
            {"sampling_caps": {"street-train": 63}, "steps_per_epoch": 2, "batch_size": 32},
            "need 64 draws, but sampling_caps allow 63. Lower steps_per_epoch",
        ),
        ({"last_epochs": {"epochs": 9, "augment": {}}, "epochs": 8}, "9 last epochs were asked for"),
        (
            {"last_epochs": {"epochs": 1, "augment": {"rotaton_degrees": 3}}},
            "params.yaml, train.last_epochs.augment: rotaton_degrees: no such setting",
        ),
        ({"last_epochs": {"epochs": 1, "augment": {"scale": 1.0}}}, "augment: scale is 1.0, but input"),
        ({"augment": {"erasing": 0.2}}, "there is no setting erasing any more"),
        (
            {"warmup_steps": 10, "warmup_epochs": 2},
            "so warmup_epochs 2 has no meaning. Remove warmup_epochs.",
        ),
        ({"clip_grad_norm": 0}, "train.clip_grad_norm is 0, but input should be greater than 0"),
        (
            {"augment": {"hsv": [91, 0, 0]}},
            "train.augment.hsv.0 is 91, but input should be less than or equal",
        ),
        ({"augment": {"dropout_size": [0.4, 0.2]}}, "[0.4, 0.2], but the least side comes first. Swap them."),
    ],
)
def test_what_does_not_fit_together_in_train_is_refused(train: dict, message: str):
    with pytest.raises(KDError) as error:
        params(train={"datasets": ["street-train"], **train})
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ({"rtmpose": "a.pth", "backbone": "b.pth"}, "student.init: rtmpose and backbone are both given."),
        ({"sha256": "0" * 64}, "student.init: sha256 is given, but no file that has it."),
        ({"backbone": "imagenet", "sha256": "0" * 64}, "sha256 is given, but no file that has it."),
        (
            {"backbone": "b.pth", "convention": "coco17"},
            "convention is of use only with rtmpose or simple_baseline.",
        ),
        ({"rtmpos": "a.pth"}, "student.init.rtmpos: no such setting"),
        (
            {"rtmpose": "a.pth", "sha256": "0123456"},
            "student.init.sha256 is '0123456', but string should match",
        ),
    ],
)
def test_a_student_starts_from_one_source_at_most(init: dict, message: str):
    with pytest.raises(KDError) as error:
        params(student={"init": init})
    assert message in str(error.value)


@pytest.mark.parametrize("digits", [8, 63, 64])
def test_the_first_digits_of_a_sha256_are_enough(digits: int):
    read = params(
        student={"init": {"rtmpose": "a.pth", "sha256": "a" * digits}},
        teachers={"lamp": VALUES["teachers"]["lamp"] | {"sha256": "b" * digits}},
    )
    assert (read.student.init.sha256, read.teachers["lamp"].sha256) == ("a" * digits, "b" * digits)


@pytest.mark.parametrize(
    ("setting", "is_one"),
    [
        ("distill", True),
        ("train.augment", True),
        ("train.last_epochs", True),
        ("student.init", True),
        ("train.epochs", False),
        ("distill.teachers", False),
        ("train.last_epochs.augment", False),
        ("datasets", False),
        ("train.epochs.all", False),
        ("nowhere", False),
    ],
)
def test_a_section_is_not_taken_for_a_setting_that_is_a_mapping(setting: str, is_one: bool):
    assert is_section(setting) == is_one


@pytest.mark.parametrize(
    ("sampling", "exponent"),
    [
        ({}, 1.0),
        ({"sampling": "balanced"}, 0.0),
        ({"sampling": "temperature", "sampling_temperature": 2.0}, 0.5),
    ],
)
def test_samplings_are_powers_of_the_size(sampling: dict, exponent: float):
    assert params(train={"datasets": ["street-train"], **sampling}).train.sampling_exponent() == exponent


def test_the_last_epochs_have_the_usual_augmentation_but_for_what_they_name():
    train = params(
        train={
            "datasets": ["street-train"],
            "epochs": 40,
            "augment": {"rotation_degrees": 80, "shift": 0.16},
            "last_epochs": {"epochs": 3, "augment": {"shift": 0.0}},
        }
    ).train
    first, last = train.augment_from().items()
    assert (first[0], last[0]) == (0, 37)
    assert first[1] == train.augment
    assert last[1] == train.augment.model_copy(update={"shift": 0.0})


def test_two_datasets_with_one_name_are_an_error_not_the_last_one(tmp_path: Path):
    (tmp_path / "params.yaml").write_text("datasets:\n  a-train: {}\n  a-train: {}\n")
    with pytest.raises(KDError, match="line 3: 'a-train' is defined twice"):
        read_params(tmp_path / "params.yaml")


def test_a_file_that_is_not_yaml_is_named(tmp_path: Path):
    (tmp_path / "params.yaml").write_text("cells: [a\n")
    with pytest.raises(KDError, match="cannot be read as YAML"):
        read_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"distill": {"wieght": 1}}, "distill.wieght: no such setting. Did you mean 'weight'?"),
        ({"student": {"backbone": "resnet19"}}, "Did you mean 'resnet18'?"),
        ({"student": {"head": "SimCC"}}, "Did you mean 'simcc'?"),
        ({"teachers": {"lamp": VALUES["teachers"]["lamp"] | {"adapter": "mmpos"}}}, "Did you mean 'mmpose'?"),
        (
            {"runtime": {"workers": "atuo"}},
            "params.yaml: runtime.workers is 'atuo', but input should be a valid integer, unable to parse "
            "string as an integer, or input should be 'auto'. Did you mean 'auto'?",
        ),
        (
            {"evaluate": {"datasets": [2017]}},
            "params.yaml: evaluate.datasets.0 is 2017, but input should be a valid string (YAML reads it as "
            "int; put it in quotes if it is a name)",
        ),
        ({"datasets": {2017: VALUES["datasets"]["street-train"]}}, "Call it 'dataset_2017', for example."),
        (
            {"teachers": {True: VALUES["teachers"]["lamp"]}},
            "True cannot be the name of a teacher: YAML reads",
        ),
        ({"tarin": {}}, "tarin: no such setting. Did you mean 'train'?"),
        (
            {"cells": {"teachers": ["lamp", "lamp"], "datasets": ["street-train"]}},
            "cells.teachers: 'lamp'",
        ),
        (
            {"evaluate": {"datasets": ["street-train"] * 2}},
            "'street-train' is listed twice",
        ),
        ({"datasets": {"coco.v2": VALUES["datasets"]["street-train"]}}, "Call it 'coco_v2', for example."),
        (
            {"teachers": {"../x": VALUES["teachers"]["lamp"]}},
            "teachers: '../x' cannot be the name",
        ),
    ],
)
def test_what_was_meant_is_asked(section: dict, message: str):
    with pytest.raises(KDError) as error:
        params(**section)
    assert message in str(error.value)


def test_of_many_mistakes_the_first_five_are_listed():
    with pytest.raises(KDError) as caught:
        params(evaluate={"datasets": list(range(60))})
    message = str(caught.value)
    assert "evaluate.datasets.4 is 4" in message and "evaluate.datasets.5" not in message
    assert message.endswith("; and 55 more")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [1, *a]", "an alias (*) stands inside of what it stands for"),
        ("a: &a {b: *a}", "an alias (*) stands inside of what it stands for"),
        ("a: " + "[" * 2000 + "]" * 2000, "nested too deeply"),
        ("? [a, b]\n: 1", "line 1: a list is no name"),
        ("? {a: b}\n: 1", "line 1: a dict is no name"),
        (
            "b: 1\na: 2026-13-45",
            "line 2: '2026-13-45' is read as YAML's timestamp, but is none (ValueError: month must be in "
            "1..12). Put it in quotes if it is text.",
        ),
        pytest.param("a: " + "9" * 5000, "is read as YAML's int, but is none", id="5000 digits"),
        ("a: !!bool x", "line 1: 'x' is read as YAML's bool, but is none"),
        ("a: !!timestamp x", "line 1: 'x' is read as YAML's timestamp, but is none"),
        ("a: !!map x", "cannot be read as YAML: expected a mapping node"),
        ('a: "x\\0y"', "has a character that no name or path can have. Remove it."),
        ('"\\ud800": 1', "has a character that no name or path can have. Remove it."),
        ("a: !!python/object:os.system x", "cannot be read as YAML"),
        ("- a", "holds list, but a mapping of names to values was wanted"),
        ("", "holds NoneType, but a mapping"),
    ],
)
def test_yaml_that_is_no_params_file_is_refused_without_a_traceback(tmp_path: Path, text: str, message: str):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(KDError) as error:
        load_yaml(tmp_path / "params.yaml")
    assert message in str(error.value)


def test_a_file_that_is_not_there_is_refused_as_that(tmp_path: Path):
    with pytest.raises(KDError, match="there is no file .*none.yaml"):
        load_yaml(tmp_path / "none.yaml")


def test_merge_keys_and_aliases_are_yaml_too(tmp_path: Path):
    (tmp_path / "params.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: [*a, *a]\n")
    assert load_yaml(tmp_path / "params.yaml")["b"] == {"x": 1, "y": 3}


def test_a_mapping_that_is_merged_before_it_is_read_itself_has_nothing_twice(tmp_path: Path):
    """The deeper mapping is read later, when what it merges stands beside its own names already."""
    text = "a: &a {x: 1, y: 2}\nb:\n  deep: &b {<<: *a, y: 3}\nc: {<<: *b, z: 4}\n"
    (tmp_path / "params.yaml").write_text(text)
    values = load_yaml(tmp_path / "params.yaml")
    assert values["c"] == {"x": 1, "y": 3, "z": 4} and values["b"]["deep"] == {"x": 1, "y": 3}
    (tmp_path / "params.yaml").write_text(text.replace("z: 4", "z: 4, z: 5"))
    with pytest.raises(KDError, match="line 4: 'z' is defined twice"):
        load_yaml(tmp_path / "params.yaml")


def test_aliases_of_aliases_are_read_in_no_time(tmp_path: Path):
    """Written out, the last of these lists would have 10^30 parts."""
    lines = ["a0: &a0 [1]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 31)]
    (tmp_path / "params.yaml").write_text("\n".join(lines))
    values = load_yaml(tmp_path / "params.yaml")
    with pytest.raises(KDError, match="student.width is"):
        params(student={"width": values["a30"]})
