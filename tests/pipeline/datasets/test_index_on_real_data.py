"""Every dataset of the real pack loads, and its joints lie on its people."""

import json
from collections import Counter
from functools import cache

import numpy as np
import pytest

from pipeline.conventions.registry import load_convention
from pipeline.datasets.image_files import read_image
from pipeline.datasets.index import index_dataset, index_people
from pipeline.datasets.refusal import Reason

pytestmark = pytest.mark.realdata

README = {
    "lspet-train": (2014, 2014),
    "lspet-val": (250, 250),
    "coco_tiny-train": (49, 120),
    "coco_tiny-val": (45, 99),
    "mpii": (5, 5),
    "aic": (3, 9),
    "crowdpose": (2, 5),
    "jhmdb": (3, 3),
    "ochuman": (3, 5),
    "posetrack18": (3, 14),
    "posetrack18-videos": (3, 14),
    "halpe": (4, 14),
    "humanart17": (3, 4),
    "humanart21": (3, 4),
}
"""Images and persons, from the pack's README."""


@pytest.fixture(scope="module")
def indexed(realdata, pack):
    """`index_dataset` on a dataset of the pack, once a dataset."""
    return cache(lambda name: index_dataset(name, pack[name], realdata))


UNLABELLED = {"crowdpose": 1, "halpe": 2}
"""Persons in whose 14 or 26 joints not one is labelled (seen in the files)."""


@pytest.mark.parametrize("name", README)
def test_everyone_in_the_readme_is_there(realdata, pack, indexed, name):
    table, refused = indexed(name)
    images, people = README[name]
    unlabelled = UNLABELLED.get(name, 0)
    assert len(set(table.image)) == images
    assert len(table) == people - unlabelled
    assert Counter(refusal.reason for refusal in refused) == Counter({Reason.UNLABELLED: unlabelled})
    if unlabelled:
        assert len(index_people(name, pack[name], realdata)) == people


@pytest.mark.parametrize("name", README)
def test_joints_lie_on_their_people(indexed, name):
    table, _ = indexed(name)
    low, extent = table.bbox[:, None, :2], table.bbox[:, None, 2:]
    place = ((table.keypoints - low) / extent)[table.visibility > 0]
    assert ((place >= 0) & (place <= 1)).all(axis=1).mean() > 0.9
    assert ((place >= -0.5) & (place <= 1.5)).all(axis=1).mean() > 0.99


def _height(table, convention, *words):
    """Mean height in the box, 0 at the top, of the labelled joints whose names have one of the words."""
    columns = [j for j, joint in enumerate(convention.joints) if any(word in joint for word in words)]
    place = (table.keypoints[..., 1] - table.bbox[:, 1:2]) / table.bbox[:, 3:]
    return place[:, columns][table.visibility[:, columns] > 0].mean()


@pytest.mark.parametrize("name", [name for name in README if not name.startswith("humanart")])
def test_heads_are_above_hips_above_ankles(indexed, name):
    """Not in Human-Art's sample, where two acrobats of four stand on their hands."""
    table, _ = indexed(name)
    convention = load_convention(table.convention)
    head = _height(table, convention, "head", "nose", "neck")
    hips, ankles = _height(table, convention, "hip"), _height(table, convention, "ankle")
    assert head < hips < ankles


def test_left_shoulders_lie_right_of_right_ones_as_often_as_the_readme_counts(indexed):
    table, _ = indexed("lspet-train")
    convention = load_convention("lsp14")
    left, right = convention.index("left_shoulder"), convention.index("right_shoulder")
    share = (table.keypoints[:, left, 0] > table.keypoints[:, right, 0]).mean()
    assert 0.75 < share < 0.81


@pytest.mark.parametrize(
    ("name", "boxes", "count"),
    [
        ("crowdpose", "samples/crowdpose/test_crowdpose_det_AP_40.json", 6),
        ("humanart17", "samples/humanart/test_humanart_det_AP_H_56.json", 13),
        ("posetrack18", "samples/posetrack18/annotations/test_posetrack18_human_detections.json", 278),
    ],
)
def test_detected_boxes_of_the_pack_load(realdata, pack, name, boxes, count):
    params = pack[name].model_copy(update={"boxes": boxes})
    table, refused = index_dataset(name, params, realdata)
    assert len(table) == count and not refused
    assert not table.labelled.any()
    scores = [detection["score"] for detection in json.loads((realdata / boxes).read_text())]
    middle = sorted(scores)[count // 2]
    sure, _ = index_dataset(name, params.model_copy(update={"min_box_score": middle}), realdata)
    assert len(sure) == sum(score >= middle for score in scores) < count


def test_mpii_s_first_person_points_at_the_engine(indexed):
    """Coordinates from test_mpii.json itself; the picture's size from the picture."""
    table, _ = indexed("mpii")
    row = table.image.index("005808361.jpg")
    np.testing.assert_allclose(table.keypoints[row, 9], [962.2409, 80.0306], rtol=1e-6)
    height, width, _ = read_image(table.image_path(row)).shape
    assert table.image_size[row].tolist() == [width, height]


MHP16 = """\
joints:
  right_ankle:    {sigma: 0.089, mirror: left_ankle}
  right_knee:     {sigma: 0.083, mirror: left_knee}
  right_hip:      {sigma: 0.107, mirror: left_hip}
  left_hip:       {sigma: 0.107, mirror: right_hip}
  left_knee:      {sigma: 0.083, mirror: right_knee}
  left_ankle:     {sigma: 0.089, mirror: right_ankle}
  pelvis:         {sigma: 0.026}
  thorax:         {sigma: 0.026}
  upper_neck:     {sigma: 0.026}
  head_top:       {sigma: 0.026}
  right_wrist:    {sigma: 0.062, mirror: left_wrist}
  right_elbow:    {sigma: 0.072, mirror: left_elbow}
  right_shoulder: {sigma: 0.179, mirror: left_shoulder}
  left_shoulder:  {sigma: 0.179, mirror: right_shoulder}
  left_elbow:     {sigma: 0.072, mirror: right_elbow}
  left_wrist:     {sigma: 0.062, mirror: right_wrist}
"""


def test_a_dataset_without_a_built_in_convention_loads_with_a_yaml_of_the_user_s(realdata, pack, tmp_path):
    (tmp_path / "mhp16.yaml").write_text(MHP16)
    params = pack["aic"].model_copy(
        update={
            "convention": "mhp16.yaml",
            "images": str(realdata / "samples/mhp"),
            "annotations": str(realdata / "samples/mhp/test_mhp.json"),
        }
    )
    table, refused = index_dataset("mhp", params, tmp_path)
    assert (len(set(table.image)), len(table), refused) == (2, 4, [])
    convention = load_convention("mhp16.yaml", tmp_path)
    assert _height(table, convention, "head") < _height(table, convention, "hip")
