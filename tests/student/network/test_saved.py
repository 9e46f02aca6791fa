"""A saved student is the student."""

import functools
import json

import numpy as np
import pytest
import torch

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.errors import KDError
from pipeline.params import StudentParams
from student.network.config import StudentConfig
from student.network.pose_student import PoseStudent
from student.network.saved import load_student, save_student

CPU = torch.device("cpu")


def fresh_student(**params) -> PoseStudent:
    union = build_union([load_convention("coco17"), load_convention("lsp14")])
    settings = StudentParams(
        **{"backbone": "mobilenet_v3_small", "input_size": (64, 96), "width": 16, **params}
    )
    torch.manual_seed(0)
    return PoseStudent(StudentConfig.from_params(settings, union)).eval()


@pytest.mark.parametrize("head", ["heatmap", "simcc", "rtmcc"])
def test_a_loaded_student_is_configured_and_answers_like_the_saved_one(tmp_path, head):
    student = fresh_student(head=head)
    save_student(student, tmp_path)
    loaded = load_student(tmp_path, CPU)
    assert loaded.config == student.config
    image = torch.randint(0, 256, (2, 96, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        for ours, theirs in zip(
            student(student.normalise(image)), loaded(loaded.normalise(image)), strict=True
        ):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    "backbone", ["mobilenet_v3_small", "mobilenet_v3_large", "resnet18", "resnet50", "cspnext_t"]
)
@pytest.mark.parametrize("head", ["heatmap", "simcc", "rtmcc"])
def test_every_network_answers_in_its_maps_size(backbone, head):
    student = fresh_student(backbone=backbone, head=head)
    with torch.inference_mode():
        answer = student(torch.zeros(1, 3, 96, 64))
    joints = student.config.skeleton.num_joints
    vectors = [(1, joints, 128), (1, joints, 192)]
    sizes = {"heatmap": [(1, joints, 16 * 24)], "simcc": vectors, "rtmcc": vectors}
    assert [tuple(axis.shape) for axis in answer] == sizes[head]


def test_crops_are_normalised_as_rgb_by_imagenets_statistics():
    student = fresh_student()
    bgr = torch.tensor([10, 20, 30], dtype=torch.uint8).expand(1, 2, 2, 3)
    wanted = (np.array([30, 20, 10]) - [123.675, 116.28, 103.53]) / [58.395, 57.12, 57.375]
    assert student.normalise(bgr)[0, :, 0, 0].tolist() == pytest.approx(wanted.tolist(), rel=1e-5)


def test_the_json_has_joints_and_geometry_for_a_reader_without_our_code(tmp_path):
    save_student(fresh_student(), tmp_path)
    values = json.loads((tmp_path / "student.json").read_text())
    assert values["skeleton"]["joints"][:2] == ["nose", "left_eye"]
    assert values["map"] == {"kind": "heatmap", "size": [16, 24], "scale": [4.0, 4.0], "offset": [1.5, 1.5]}
    assert values["crop"] == {"input_size": [64, 96], "padding": 1.25, "udp": False}


def test_weights_of_another_training_are_refused(tmp_path):
    save_student(fresh_student(), tmp_path / "a" if (tmp_path / "a").mkdir() else tmp_path / "a")
    (tmp_path / "b").mkdir()
    save_student(fresh_student(width=24), tmp_path / "b")
    (tmp_path / "a" / "student.safetensors").write_bytes(
        (tmp_path / "b" / "student.safetensors").read_bytes()
    )
    with pytest.raises(KDError, match="is not the file that student.json beside it was written for"):
        load_student(tmp_path / "a", CPU)


def test_a_folder_without_a_student_says_how_to_train_one(tmp_path):
    with pytest.raises(KDError, match="there is no student at .*kd-pipeline train-student"):
        load_student(tmp_path, CPU)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "is not a student's JSON"), ('{"format": 99}', "has format 99")]
)
def test_a_json_that_is_not_a_students_is_refused(tmp_path, text, message):
    save_student(fresh_student(), tmp_path)
    (tmp_path / "student.json").write_text(text)
    with pytest.raises(KDError, match=message):
        load_student(tmp_path, CPU)


@pytest.mark.parametrize("sealed", [True, False])
def test_no_edit_of_the_json_ends_in_a_traceback_and_none_of_a_sealed_one_is_believed(tmp_path, sealed):
    """Every value at every depth made something else, or taken out."""
    save_student(fresh_student(), tmp_path)
    path = tmp_path / "student.json"
    good = json.loads(path.read_text())
    if not sealed:  # as they were written before there was a hash
        del good["config_sha256"]
    for place in places_in(good):
        for value in (None, "x", -1, [], {}, 1e30):
            bad = json.loads(json.dumps(good))
            parent = functools.reduce(lambda node, key: node[key], place[:-1], bad)
            if parent[place[-1]] == value or place[-1] == "config_sha256":
                continue
            parent[place[-1]] = value
            path.write_text(json.dumps(bad))
            try:
                load_student(tmp_path, CPU)
                assert not sealed, place
            except KDError:
                pass


def places_in(value, place=()):
    """The way to every value of a nest of mappings and lists, of lists to the first two."""
    lists = range(min(2, len(value))) if isinstance(value, list) else ()
    for key in list(value) if isinstance(value, dict) else lists:
        yield (*place, key)
        yield from places_in(value[key], (*place, key))


def test_nothing_but_the_two_files_is_left(tmp_path):
    save_student(fresh_student(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["student.json", "student.safetensors"]


def test_weights_of_another_width_are_refused_in_one_paragraph(tmp_path):
    """A student of before its JSON was sealed, edited by hand; torch lists all that does not fit."""
    save_student(fresh_student(), tmp_path)
    path = tmp_path / "student.json"
    values = json.loads(path.read_text()) | {"width": 24}
    del values["config_sha256"]
    path.write_text(json.dumps(values))
    with pytest.raises(KDError) as caught:
        load_student(tmp_path, CPU)
    message = str(caught.value)
    assert "does not fit student.json: size mismatch for head." in message and "\n" not in message
    assert len(message) < 500 and message.endswith("or train again: kd-pipeline train-student")
