import hashlib
import json

import numpy as np
import onnx
import pytest
import torch

from pipeline.errors import KDError
from pipeline.geometry import apply, crop_affine, invert, warp_crop
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.onnx.sidecar import read_sidecar
from pipeline.teachers.adapters.onnx.signature import check_outputs
from pipeline.teachers.adapters.registry import build_teacher
from pipeline.teachers.forward_passes import FORWARD_PASSES
from pipeline.teachers.maps import SimCCOutput
from pipeline.teachers.teacher import Teacher

CPU = torch.device("cpu")
JOINTS = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
FLIPPED = [0, 2, 1, 4, 3]
CONVENTION = """
joints:
  nose: {sigma: 0.026}
  left_eye: {sigma: 0.025, mirror: right_eye}
  right_eye: {sigma: 0.025, mirror: left_eye}
  left_ear: {sigma: 0.035, mirror: right_ear}
  right_ear: {sigma: 0.035, mirror: left_ear}
"""


@pytest.fixture
def teacher_of(tmp_path):
    def build(**settings):
        values = {"adapter": "onnx", "checkpoint": "tiny.onnx", "config": "tiny.yaml", "convention": "coco17"}
        return build_teacher("tiny", TeacherParams(**values | settings), tmp_path, CPU)

    return build


@pytest.fixture
def crops():
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8))


@pytest.fixture
def colours():
    """The network of conftest.py in PyTorch, before its pooling: RGB, normalised, weighted."""
    weights = torch.from_numpy(np.random.default_rng(0).uniform(0, 1, (5, 3, 1, 1)).astype(np.float32))

    def run(images_bgr):
        rgb = images_bgr.numpy()[..., ::-1].astype(np.float32)
        inputs = (rgb - [10.0, 20.0, 30.0]) / [2.0, 4.0, 8.0]
        return torch.nn.functional.conv2d(torch.from_numpy(inputs.transpose(0, 3, 1, 2)).float(), weights)

    return run


@pytest.mark.parametrize("batch", ["N", 1, 2])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_maps_are_the_networks_in_every_layout_and_batch(
    tiny_onnx, teacher_of, crops, colours, layout, batch
):
    tiny_onnx(layout, batch=batch)
    teacher = teacher_of(flip_test=False)
    assert isinstance(teacher, Teacher)
    expected = torch.nn.functional.avg_pool2d(colours(crops), 4)
    torch.testing.assert_close(teacher.predict(crops).maps.heatmap_BKHW, expected, rtol=1e-5, atol=1e-4)


def test_simcc_networks_give_two_vectors(tiny_onnx, teacher_of, crops, colours):
    tiny_onnx(kind="simcc")
    teacher = teacher_of(flip_test=False)
    output = teacher.predict(crops)
    assert isinstance(output.maps, SimCCOutput) and teacher.beta == 10.0
    x, y = colours(crops).mean(dim=2), colours(crops).mean(dim=3)
    torch.testing.assert_close(output.maps.x_BKW, x, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(output.maps.y_BKW, y, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(output.keypoints_BK2, torch.stack([x.argmax(2), y.argmax(2)], dim=-1))
    np.testing.assert_allclose(output.confidence_BK, torch.minimum(x.amax(2), y.amax(2)), rtol=1e-5)


def test_joints_lie_where_the_alignment_puts_their_cells(tiny_onnx, teacher_of):
    """White at columns 8..11 and rows 20..23 is cell (2, 5), whose centre is pixel (9.5, 21.5)."""
    tiny_onnx()
    crop = torch.zeros(1, 32, 32, 3, dtype=torch.uint8)
    crop[:, 20:24, 8:12] = 255
    keypoints = teacher_of(flip_test=False).predict(crop).keypoints_BK2
    np.testing.assert_allclose(keypoints, np.full((1, 5, 2), [9.5, 21.5]))


def test_the_flip_test_makes_the_maps_mirror_symmetric(tiny_onnx, teacher_of, crops):
    """The answer to the mirrored crop is the mirrored answer, left for right."""
    tiny_onnx()
    teacher = teacher_of(flip_test=True)
    maps, mirrored = (teacher.predict(images).maps.heatmap_BKHW for images in (crops, crops.flip(2)))
    flipped = list(teacher.convention.flip_permutation)
    assert flipped == FLIPPED
    torch.testing.assert_close(mirrored, maps[:, flipped].flip(3), rtol=1e-5, atol=1e-4)


def test_every_crop_that_the_network_is_shown_is_counted(tiny_onnx, teacher_of, crops):
    tiny_onnx()
    before = FORWARD_PASSES.crops
    teacher_of(flip_test=False).predict(crops)
    assert FORWARD_PASSES.crops - before == len(crops)
    teacher_of(flip_test=True).predict(crops)
    assert FORWARD_PASSES.crops - before == 3 * len(crops)


def test_a_convention_of_ones_own_names_the_joints(tiny_onnx, teacher_of, tmp_path):
    tiny_onnx()
    (tmp_path / "face5.yaml").write_text(CONVENTION)
    assert teacher_of(convention="face5.yaml").convention.joints == JOINTS


def test_provenance_is_json_and_follows_the_settings(tiny_onnx, teacher_of, tmp_path):
    values = tiny_onnx()
    plain = teacher_of(flip_test=False).provenance
    assert plain["checkpoint_sha256"] == values["sha256"]
    assert str(tmp_path) not in json.dumps(plain)
    assert teacher_of(flip_test=True).provenance != plain
    assert teacher_of(flip_test=False, storage_size=(8, 8)).provenance == plain
    tiny_onnx(crop={"shape": "square", "padding": 1.0})
    assert teacher_of(flip_test=False).provenance != plain


def test_weights_in_another_file_are_part_of_the_provenance(tiny_onnx, teacher_of, tmp_path, crops):
    """torch's exporter writes them so: tiny.onnx stays the same, whatever its weights are."""
    values = tiny_onnx()
    assert "external_data_sha256" not in teacher_of().provenance
    onnx.save(
        onnx.load(tmp_path / "tiny.onnx"),
        tmp_path / "tiny.onnx",
        save_as_external_data=True,
        location="tiny.onnx.data",
        size_threshold=0,
    )
    sha256 = hashlib.sha256((tmp_path / "tiny.onnx").read_bytes()).hexdigest()
    (tmp_path / "tiny.yaml").write_text(
        (tmp_path / "tiny.yaml").read_text().replace(values["sha256"], sha256)
    )
    first = teacher_of()
    data = np.frombuffer((tmp_path / "tiny.onnx.data").read_bytes(), np.float32)
    (tmp_path / "tiny.onnx.data").write_bytes((data[::-1] * 2).tobytes())
    second = teacher_of()
    assert not torch.equal(first.predict(crops).maps.heatmap_BKHW, second.predict(crops).maps.heatmap_BKHW)
    assert first.provenance["checkpoint_sha256"] == second.provenance["checkpoint_sha256"]
    assert first.provenance["external_data_sha256"] != second.provenance["external_data_sha256"]


def test_a_file_the_sidecar_was_not_written_for_is_refused(tiny_onnx, teacher_of):
    tiny_onnx(sha256="0" * 64)
    with pytest.raises(
        KDError, match=r"tiny\.onnx has SHA-256 [0-9a-f]{64}, but its sidecar .* was written for 0000"
    ):
        teacher_of()


def test_a_file_that_params_does_not_mean_is_refused(tiny_onnx, teacher_of):
    tiny_onnx()
    with pytest.raises(KDError, match=f"but {'1' * 64} was wanted"):
        teacher_of(sha256="1" * 64)


def test_a_missing_file_says_where_it_goes(tiny_onnx, teacher_of):
    tiny_onnx()
    with pytest.raises(KDError, match=r"teacher tiny: there is no file .*gone\.onnx\. Put it there"):
        teacher_of(checkpoint="gone.onnx")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": {"name": "images"}}, r"there is no input 'images'. Did you mean 'image'"),
        ({"output": {"name": "heatmaps"}}, r"there is no output 'heatmaps'. Did you mean 'heatmap'"),
        (
            {"input": {"layout": "NHWC"}},
            r"input 'image' has the shape \(3, 32, 32\) .* make it \(32, 32, 3\)",
        ),
        (
            {"output": {"layout": "NHWC"}},
            r"output 'heatmap' has the shape \(5, 8, 8\) .* make it \(8, 8, 5\)",
        ),
        ({"output": {"size": [16, 16]}, "pixel_alignment": {"stride": 2}}, r"make it \(5, 16, 16\)"),
        ({"keypoints": list(JOINTS[:3])}, r"has the shape \(5, 8, 8\) .* make it \(3, 8, 8\)"),
    ],
)
def test_a_sidecar_that_does_not_fit_its_file_says_where(tiny_onnx, teacher_of, change, message):
    values = tiny_onnx()
    merged = {key: values[key] | new if isinstance(new, dict) else new for key, new in change.items()}
    tiny_onnx(**merged)
    with pytest.raises(KDError, match=message):
        teacher_of()


def test_a_file_that_is_no_onnx_says_so(tiny_onnx, teacher_of, tmp_path):
    tiny_onnx(sha256=hashlib.sha256(b"no network").hexdigest())
    (tmp_path / "tiny.onnx").write_bytes(b"no network")
    with pytest.raises(KDError, match=r"tiny\.onnx cannot be opened as an ONNX network"):
        teacher_of()


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "convention", "published", "images", "tolerance"),
    [
        ("cpm", "aic14", 64.0, 250, 2.0),
        ("movenet_thunder", "coco17", 83.4, 100, 5.0),
        ("efficientpose_I", "mpii16", 70.1, 50, 8.0),  # slow: a sample, and points to allow for the sample
    ],
)
def test_real_teachers_find_limb_joints_as_often_as_published(
    realdata, name, convention, published, images, tolerance
):
    """PCK@0.2 of the torso over lspet val, against the pack's README."""
    settings = {"checkpoint": f"teachers/onnx/{name}.onnx", "config": f"teachers/onnx/{name}.yaml"}
    params = TeacherParams(adapter="onnx", convention=convention, flip_test=False, **settings)
    teacher = build_teacher(name, params, realdata, CPU)
    assert abs(pck(teacher, realdata / "lspet", images) - published) < tolerance


def pck(teacher, folder, count):
    """Percentage of the 12 limb joints within a fifth of the torso's longer diagonal; no flip averaging."""
    import cv2

    truth = json.loads((folder / "annotations/val.json").read_text())
    files = {entry["id"]: entry["file_name"] for entry in truth["images"]}
    names = truth["categories"][0]["keypoints"]
    limbs = [name for name in names if name not in ("neck", "head_top")]
    right = []
    for entry in truth["annotations"][:count]:
        image = cv2.imread(str(folder / "images" / files[entry["image_id"]]))
        affine = crop_affine(np.array([entry["bbox"]], dtype=np.float64), teacher.crop)
        crop = warp_crop(image, affine[0], teacher.crop.input_size)
        found = apply(invert(affine), teacher.predict(torch.from_numpy(crop[None])).keypoints_BK2)[0]
        labelled = dict(zip(names, np.reshape(entry["keypoints"], (-1, 3)), strict=True))
        diagonals = [("left_shoulder", "right_hip"), ("right_shoulder", "left_hip")]
        torso = max(np.linalg.norm(labelled[a][:2] - labelled[b][:2]) for a, b in diagonals)
        for joint in limbs:
            if labelled[joint][2]:
                distance = np.linalg.norm(found[teacher.convention.index(joint)] - labelled[joint][:2])
                right.append(distance <= 0.2 * torso)
    return 100 * np.mean(right)


SECOND = onnx.helper.make_tensor_value_info("more", onnx.TensorProto.FLOAT, [1])


@pytest.mark.parametrize(
    ("last", "extra", "kind", "message"),
    [
        (
            onnx.helper.make_node("Unheard", ["before"], ["heatmap"], domain="elsewhere"),
            (),
            onnx.TensorProto.FLOAT,
            "cannot be opened as an ONNX network",
        ),
        (
            onnx.helper.make_node("Add", ["before", "more"], ["heatmap"]),
            (SECOND,),
            onnx.TensorProto.FLOAT,
            "does not run on 5 crops: .*more",
        ),
        (
            onnx.helper.make_node("Cast", ["before"], ["heatmap"], to=onnx.TensorProto.DOUBLE),
            (),
            onnx.TensorProto.DOUBLE,
            "of 5 crops is float64",
        ),
    ],
)
def test_a_network_that_onnxruntime_cannot_run_says_so_in_a_paragraph(
    tiny_onnx, write_sidecar, teacher_of, tmp_path, crops, last, extra, kind, message
):
    """The tiny network with one more step at its end."""
    values, path = tiny_onnx(), tmp_path / "tiny.onnx"
    model = onnx.load(path)
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(last)
    model.graph.input.extend(extra)
    model.graph.output[0].type.tensor_type.elem_type = kind
    model.opset_import.append(onnx.helper.make_opsetid("elsewhere", 1))
    onnx.save(model, path)
    write_sidecar(values | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    with pytest.raises(KDError, match=message):
        teacher_of(flip_test=False).predict(crops)


@pytest.mark.parametrize("shape", [(5, 3, 8, 8), (4, 5, 8, 8), (5, 5, 8), (5, 5, 8, 9)])
def test_an_output_of_another_shape_than_the_sidecars_is_refused(tiny_onnx, tmp_path, shape):
    """A file may leave its axes open, so that only the answer shows them."""
    tiny_onnx()
    sidecar = read_sidecar(tmp_path / "tiny.yaml")
    check_outputs({"heatmap": np.zeros((5, 5, 8, 8), np.float32)}, 5, sidecar, tmp_path)
    with pytest.raises(KDError, match=r"'heatmap' of 5 crops is float32 of the shape .*\(5, 5, 8, 8\)"):
        check_outputs({"heatmap": np.zeros(shape, np.float32)}, 5, sidecar, tmp_path)
