"""What makes a store stale and what does not, by changing a workspace and running the commands on it.

MMPose teachers' part of it, which takes MMPose, is in tests/pipeline/teachers/adapters/mmpose.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from lamp_workspace import kd, write_teacher

from pipeline.store.format import cell
from pipeline.store.store import read_attributes
from pipeline.teachers.adapters.onnx import onnx_teacher as onnx
from pipeline.teachers.checkpoints import sha256_of
from stages.cli import main

Change = Callable[[Path], object]


def _edit(place: str, change: Callable[[dict[str, Any]], object]) -> Change:
    def edit(workspace: Path) -> None:
        values = yaml.safe_load((workspace / place).read_text())
        change(values)
        (workspace / place).write_text(yaml.safe_dump(values))

    return edit


def sidecar(change: Callable[[dict[str, Any]], object]) -> Change:
    return _edit("teachers/lamp/lamp.yaml", change)


def params(**sections: dict[str, Any]) -> Change:
    def update(values: dict[str, Any]) -> None:
        for name, settings in sections.items():
            values[name] = {**values.get(name, {}), **settings}

    return _edit("params.yaml", update)


def teacher(**settings: Any) -> Change:
    return _edit("params.yaml", lambda values: values["teachers"]["lamp"].update(settings))


def _swap_two_joints(values: dict[str, Any]) -> None:
    joints = values["keypoints"]
    joints[0], joints[1] = joints[1], joints[0]


def _other_weights(workspace: Path) -> None:
    write_teacher(workspace / "teachers" / "lamp", seed=1)


def extract(workspace: Path) -> Result:
    return CliRunner().invoke(
        main, ["extract-teachers", "--dataset", "street-train", "--workspace", str(workspace)]
    )


def state(workspace: Path) -> dict[str, Any]:
    cells = json.loads(kd(workspace, "store", "ls", "--json"))
    (found,) = [found for found in cells if found["dataset"] == "street-train"]
    return found


STALE: dict[str, tuple[Change, str]] = {
    "the checkpoint's bytes": (_other_weights, "teacher.checkpoint_sha256"),
    "the box's padding": (sidecar(lambda s: s["crop"].update(padding=1.5)), "teacher.crop.padding"),
    "UDP": (sidecar(lambda s: s["crop"].update(udp=True)), "teacher.crop.udp"),
    "the normalisation": (sidecar(lambda s: s["input"].update(mean=[0, 0, 0])), "teacher.normalisation"),
    "the order of colours": (sidecar(lambda s: s["input"].update(channel_order="BGR")), "config_sha256"),
    "the order of joints": (sidecar(_swap_two_joints), "teacher.joints"),
    "where cells lie": (
        sidecar(lambda s: s["pixel_alignment"].update(rule="top_left")),
        "teacher.map_made.offset",
    ),
    "the flip test": (teacher(flip_test=False), "teacher.flip_test"),
    "the stored size": (teacher(storage_size=[12, 8]), "teacher.map.size"),
    "the preset exact": (params(extract={"preset": "exact"}), "codec.dtype"),
    "the step": (params(extract={"step": 1}), "codec.step"),
    "the floor": (params(extract={"floor": 7}), "codec.floor"),
    "the quiet level": (params(extract={"quiet": 0.5}), "codec.quiet"),
}


@pytest.mark.parametrize(("change", "message"), STALE.values(), ids=STALE)
def test_what_maps_depend_on_makes_their_store_stale(
    workspace: Path, store: Path, change: Change, message: str
):
    before = {file: file.read_bytes() for file in store.rglob("*") if file.is_file()}
    change(workspace)
    result = extract(workspace)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "--teacher lamp --dataset street-train --replace-stale" in result.output
    assert state(workspace)["state"] == "stale"
    assert {file: file.read_bytes() for file in store.rglob("*") if file.is_file()} == before


def test_another_version_of_the_adapter_makes_a_store_stale(workspace: Path, monkeypatch):
    monkeypatch.setattr(onnx, "ADAPTER_VERSION", 99)
    result = extract(workspace)
    assert result.exit_code == 2
    assert "teacher.adapter_version 1, but now it is 99" in result.output


def test_where_the_checkpoint_is_gone_the_first_digits_of_its_sha256_stand_for_it(
    workspace: Path, store: Path
):
    checkpoint = workspace / "teachers" / "lamp" / "lamp.onnx"
    found = sha256_of(checkpoint)
    checkpoint.unlink()
    for sha256, expected in ((found[:8], "complete"), (found, "complete"), ("0" * 8, "stale")):
        teacher(sha256=sha256)(workspace)
        assert state(workspace)["state"] == expected
    assert read_attributes(store)["checkpoint_sha256"] == found


def _spelt_otherwise(workspace: Path) -> None:
    place = workspace / "teachers/lamp/lamp.yaml"
    values = yaml.safe_load(place.read_text())
    place.write_text("# the same\n" + json.dumps(dict(reversed(values.items())), indent=3))


def _moved_files(workspace: Path) -> None:
    (workspace / "teachers/lamp").rename(workspace / "models")
    teacher(config="models/lamp.yaml", checkpoint="models/lamp.onnx")(workspace)


def _moved_images(workspace: Path) -> None:
    (workspace / "images").rename(workspace / "pictures")
    _edit("params.yaml", lambda values: [d.update(images="pictures") for d in values["datasets"].values()])(
        workspace
    )
    kd(workspace, "index-datasets")


def _other_labels(workspace: Path) -> None:
    people = json.loads((workspace / "people.json").read_text())
    people["annotations"][0]["keypoints"][0] += 1.5
    (workspace / "people.json").write_text(json.dumps(people))
    kd(workspace, "index-datasets")


def _renamed_teacher(workspace: Path) -> None:
    (workspace / "stores/lamp").rename(workspace / "stores/lantern")

    def rename(values: dict[str, Any]) -> None:
        values["teachers"]["lantern"] = values["teachers"].pop("lamp")
        values["cells"]["teachers"] = ["lantern"]

    _edit("params.yaml", rename)(workspace)


def _renamed_dataset(workspace: Path) -> None:
    """Two datasets of the same pictures change places."""
    for folder, ending in (("stores/lamp", ".zarr"), ("crops", "")):
        one, other = (workspace / folder / f"street-{split}{ending}" for split in ("train", "val"))
        one.rename(workspace / "between")
        other.rename(one)
        (workspace / "between").rename(other)


def _other_times(workspace: Path) -> None:
    for number, file in enumerate(sorted(workspace.rglob("*"))):
        os.utime(file, (number, 4_000_000_000 if number % 2 else 1))


FRESH: dict[str, Change] = {
    "nothing": lambda workspace: None,
    "the workspace's place": lambda workspace: None,  # the fixture has moved it
    "the batch size": params(runtime={"batch_size": 1}),
    "the workers": params(runtime={"workers": 1}),
    "the device": params(runtime={"device": "cpu"}),
    "the compression level": params(extract={"zstd_level": 19}),
    "the shard size": params(extract={"shard_size": 3}),
    "the student": params(student={"width": 16}, train={"epochs": 7}, distill={"weight": 0.5}),
    "notes in the sidecar": sidecar(lambda s: s.update(notes="a lamp", licence="none")),
    "the sidecar's spelling": _spelt_otherwise,
    "where the teacher lies": _moved_files,
    "where the images lie": _moved_images,
    "labels": _other_labels,
    "the teacher's name": _renamed_teacher,
    "the dataset's name": _renamed_dataset,
    "the files' times": _other_times,
}


@pytest.mark.parametrize("change", FRESH.values(), ids=FRESH)
def test_what_maps_do_not_depend_on_makes_no_store_stale(workspace: Path, change: Change):
    change(workspace)
    result = extract(workspace)
    assert result.exit_code == 0, result.output
    assert "complete already (2 shards)" in result.output
    assert state(workspace)["state"] == "complete"


def test_other_versions_of_libraries_make_no_store_stale(workspace: Path, monkeypatch):
    monkeypatch.setattr(cell, "installed_versions", lambda packages: dict.fromkeys(packages, "99.0"))
    assert "complete already" in extract(workspace).output


def test_another_picture_is_another_crop_and_no_reason_to_start_again(workspace: Path, store: Path):
    """Crops are compared row by row; only the changed one is predicted."""
    shutil.copy(workspace / "images/1.png", workspace / "images/2.png")
    kd(workspace, "index-datasets")
    before = {file: file.read_bytes() for file in store.glob("*/c.*")}
    assert state(workspace)["state"] == "behind"
    assert "1 crops in" in extract(workspace).output
    assert {file: file.read_bytes() for file in before} == before
    assert state(workspace)["state"] == "complete"
