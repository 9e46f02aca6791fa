"""A student started from a real RTMPose checkpoint says what MMPose's network says, of real people."""

import json

import cv2
import numpy as np
import pytest
import torch

from pipeline.geometry import CropGeometry, crop_affine, warp_crop
from pipeline.params import ExtractParams, TeacherParams
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.format.rows import SimCCRows, StoredMaps
from pipeline.teachers.adapters.registry import build_teacher
from student.data.batch import teacher_batch
from student.inference.crop_inference import Predictor
from student.network.decode import decode
from student.targets.joint_targets import teacher_targets
from student.targets.teacher_spec import TeacherSpec, warp_plane

pytestmark = [pytest.mark.mm, pytest.mark.realdata]

CPU = torch.device("cpu")
CHECKPOINT = "teachers/mmpose/rtmpose-t_coco-256x192_pseudo-thunder{}.pth"
STOCK = "mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-t_8xb256-420e_coco-256x192.py"
INPUT_SIZE = (192, 256)
PEOPLE = 24
BIN = 0.5
"""Input pixels."""
SIMCC_ARRAYS = [(name, axis) for name in ("map", "peak", "base") for axis in ("x", "y")]
"""In the order of `SimCCRows`."""


@pytest.fixture(scope="module")
def crops(realdata) -> torch.Tensor:
    """People of coco_tiny."""
    annotations = json.loads(next((realdata / "coco_tiny/annotations").glob("*val*.json")).read_text())
    files = {image["id"]: image["file_name"] for image in annotations["images"]}
    crops = []
    for person in annotations["annotations"][:PEOPLE]:
        image = cv2.imread(str(realdata / "coco_tiny/images" / files[person["image_id"]]))
        affine = crop_affine(np.array([person["bbox"]], float), CropGeometry(INPUT_SIZE, 1.25))
        crops.append(warp_crop(image, affine[0], INPUT_SIZE))
    return torch.from_numpy(np.stack(crops))


@pytest.fixture(scope="module")
def teacher(realdata):
    params = TeacherParams(
        adapter="mmpose",
        convention="coco17",
        config=STOCK,
        checkpoint=CHECKPOINT.format(""),
        flip_test=False,
    )
    return build_teacher("rtmpose", params, realdata, CPU)


def student_from(realdata, start, name: str, conventions=("coco17",)):
    init = {"rtmpose": CHECKPOINT.format(name)}
    return start(realdata, init, conventions, input_size=INPUT_SIZE).student.eval()


@pytest.mark.parametrize("name", ["", "_numpy-meta"])
@torch.inference_mode()
def test_its_vectors_are_mmposes(realdata, start, teacher, crops, name):
    student = student_from(realdata, start, name)
    ours = student.head.simcc(student.backbone(student.normalise(crops)))
    theirs = teacher.network(crops)
    assert theirs.x_BKW.abs().max() > 0.3, "nothing to compare"
    for one, other in zip(ours, (theirs.x_BKW, theirs.y_BKW), strict=True):
        assert (one - other).abs().max() < 1e-4


def test_its_keypoints_are_the_teacher_adapters_up_to_the_refinement_within_a_bin(
    realdata, start, teacher, crops
):
    """MMPose takes the highest bin; ours moves on to the top of the parabola, at most half a bin away."""
    student = student_from(realdata, start, "")
    ours, _ = Predictor(student, CPU, flip_test=False).predict_crops(crops)
    theirs = teacher.predict(crops).keypoints_BK2
    inside = (theirs > 0).all(-1) & (theirs < np.array(INPUT_SIZE) - 1).all(-1)
    assert inside.mean() > 0.9
    assert np.abs(ours - theirs)[inside].max() <= BIN / 2 + 1e-3


def test_fresh_joints_leave_those_of_the_checkpoint_where_they_were(realdata, start, crops):
    """Joints attend to each other, and four with random weights would move the others by tens of pixels."""
    alone, among = (
        Predictor(student_from(realdata, start, "", conventions), CPU, flip_test=False)
        for conventions in (("coco17",), ("coco17", "mpii16"))
    )
    assert among.student.config.skeleton.num_joints == 21
    keypoints, _ = alone.predict_crops(crops)
    moved = np.linalg.norm(among.predict_crops(crops)[0][:, :17] - keypoints, axis=-1)
    assert np.median(moved) < 1


@torch.inference_mode()
def test_a_student_that_starts_as_its_own_teacher_is_taught_what_it_says(realdata, start, teacher, crops):
    """The whole way of a stored map to RTMPose's bins, decoded joint by joint: half a pixel lost would be a
    bin."""
    student = student_from(realdata, start, "")
    config = student.config
    codec = MapCodec.of(ExtractParams(), "simcc", teacher.beta)
    relations = config.skeleton.relations_of(teacher.convention)
    joints = teacher.convention.joints
    spec = TeacherSpec.of("rtmpose", relations, joints, teacher.map, teacher.crop, codec, config)
    output = teacher.predict(crops)
    stored = codec.encode(output.maps)
    stored.pop("floor")
    rows = StoredMaps(
        maps=SimCCRows(*(stored[f"{name}_{axis}"].numpy() for name, axis in SIMCC_ARRAYS)),
        confidence_BK=output.confidence_BK,
        keypoints_BK2=output.keypoints_BK2,
        affine_B23=np.tile(teacher.map.map_affine(), (PEOPLE, 1, 1)),
        crop_id_B=np.arange(PEOPLE),
    )
    still = np.tile(np.eye(2, 3), (PEOPLE, 1, 1))
    batch = teacher_batch(spec, torch.arange(PEOPLE), rows, still, warp_plane(config))
    targets = teacher_targets(batch, torch.zeros(PEOPLE, dtype=torch.bool), spec, config)
    decoded, _ = decode(
        tuple(axis.clamp_min(1e-30).log() for axis in targets.positions), config.map, config.target_sigma
    )
    off = (decoded - targets.keypoint_AR2).norm(dim=-1)[targets.taught_AR]
    assert off.median() < 0.02 and off.quantile(0.9) < 0.2, "each joint, input pixels"
