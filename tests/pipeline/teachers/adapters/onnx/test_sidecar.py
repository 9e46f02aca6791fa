import copy

import pytest
import yaml

from pipeline.errors import KDError
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.teachers.adapters.onnx.sidecar import read_sidecar


def changed(values, place, value):
    """`values` with another value at a dotted place; None removes it."""
    values = copy.deepcopy(values)
    *path, last = place.split(".")
    inner = values
    for key in path:
        inner = inner[key]
    inner.pop(last) if value is None else inner.update({last: value})
    return values


@pytest.mark.parametrize(
    ("rule", "size", "extra", "scale", "offset"),
    [
        ("top_left", [8, 8], {}, 4.0, 0.0),
        ("half_pixel", [8, 8], {}, 4.0, 1.5),
        ("identity", [32, 32], {}, 1.0, 0.0),
        ("corners", [8, 8], {}, 31 / 7, 0.0),
        ("measured", [8, 8], {"offset": [0.7, 0.4]}, 4.0, None),
    ],
)
def test_each_rule_of_alignment_puts_cell_zero_where_it_says(
    tiny_onnx, write_sidecar, rule, size, extra, scale, offset
):
    values = tiny_onnx() | {"pixel_alignment": {"rule": rule, **extra}}
    values["output"]["size"] = size
    geometry = read_sidecar(write_sidecar(values)).map_geometry
    offsets = (offset, offset) if offset is not None else (0.7, 0.4)
    assert geometry == MapGeometry("heatmap", tuple(size), (scale, scale), offsets)


def test_simcc_bins_follow_from_the_split_ratio(tiny_onnx, write_sidecar):
    values = changed(tiny_onnx(kind="simcc"), "output.split_ratio", 2.0)
    assert read_sidecar(write_sidecar(values)).map_geometry == MapGeometry("simcc", (64, 64), (0.5, 0.5))


def test_the_crop_is_padded_as_the_sidecar_says(tiny_onnx, tmp_path):
    tiny_onnx()
    assert read_sidecar(tmp_path / "tiny.yaml").crop_geometry == CropGeometry((32, 32), 1.25)


def test_a_note_changes_no_meaning_and_a_mean_does(tiny_onnx, write_sidecar):
    values = tiny_onnx()
    meaning = read_sidecar(write_sidecar(values)).meaning_sha256
    assert read_sidecar(write_sidecar(values | {"notes": "new", "name": "other"})).meaning_sha256 == meaning
    assert (
        read_sidecar(write_sidecar(changed(values, "input.mean", [0.0, 0.0, 0.0]))).meaning_sha256 != meaning
    )
    assert read_sidecar(write_sidecar(changed(values, "crop.padding", 1.0))).meaning_sha256 != meaning


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("keypoints", None, r"keypoints: missing"),
        ("input.size", None, r"input\.size: missing"),
        ("output.kind", "offsets", r"output.*'heatmap', 'simcc'"),
        ("output.layout", "CHWN", r"layout is 'CHWN', but input should be 'NHWC' or 'NCHW'"),
        ("input.std", [1.0, 0.0, 1.0], r"input\.std\.1 is 0\.0, but"),
        ("crop.paddding", 1.0, r"crop\.paddding: no such setting"),
        ("crop.padding", 9.0, r"crop\.padding is 9\.0, but"),
        ("num_keypoints", 17, r"num_keypoints is 17, but keypoints lists 5"),
        ("input.size", [32, 64], r"crop\.shape is square, but input\.size is \(32, 64\)"),
        ("pixel_alignment", None, r"pixel_alignment is wanted for heatmaps"),
        (
            "pixel_alignment.stride",
            2,
            r"stride is 2, but with the rule half_pixel .* make it 4 in x and 4 in y",
        ),
        ("pixel_alignment.offset", [1.0, 1.0], r"offset belongs to the rule measured"),
        ("pixel_alignment.rule", "measured", r"offset belongs to the rule measured"),
        ("sha256", "abc", r"sha256 is 'abc', but"),
    ],
)
def test_what_is_wrong_is_named_and_the_documentation_with_it(
    tiny_onnx, write_sidecar, place, value, message
):
    path = write_sidecar(changed(tiny_onnx(), place, value))
    with pytest.raises(KDError, match=rf"tiny\.yaml: .*{message}.*docs/teachers\.md"):
        read_sidecar(path)


def test_identity_wants_equal_sizes(tiny_onnx, write_sidecar):
    values = tiny_onnx() | {"pixel_alignment": {"rule": "identity"}}
    with pytest.raises(KDError, match=r"rule is identity, but the map's size \(8, 8\) is not the input's"):
        read_sidecar(write_sidecar(values))


def test_a_missing_sidecar_says_what_one_is(tmp_path):
    with pytest.raises(KDError, match=r"there is no sidecar .*gone\.yaml\. An ONNX teacher's `config` names"):
        read_sidecar(tmp_path / "gone.yaml")


def test_the_documentations_examples_are_sidecars(repository, write_sidecar):
    blocks = (repository / "docs/teachers.md").read_text().split("```yaml\n")[1:]
    examples = [yaml.safe_load(block.split("```")[0]) for block in blocks]
    sidecars = [example for example in examples if "keypoints" in example]
    kinds = {read_sidecar(write_sidecar(example)).map_geometry.kind for example in sidecars}
    assert kinds == {"heatmap", "simcc"}


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["cpm", "efficientpose_I", "movenet_thunder"])
def test_the_packs_sidecars_are_read(realdata, name):
    assert read_sidecar(realdata / f"teachers/onnx/{name}.yaml").name == name
