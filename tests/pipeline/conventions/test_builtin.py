"""The built-in conventions against the installed MMPose and the real annotation files."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipeline.conventions.registry import BUILTIN, builtin_convention

MMPOSE_DATASET = {
    "coco17": "coco",
    "mpii16": "mpii",
    "aic14": "aic",
    "crowdpose14": "crowdpose",
    "jhmdb15": "jhmdb",
    "posetrack18": "posetrack18",
    "ochuman17": "ochuman",
    "humanart17": "humanart",
    "humanart21": "humanart21",
    "halpe26": "halpe26",
}


def mmpose_dataset_info(name: str) -> dict:
    import mmpose
    from mmengine import Config

    folder = Path(mmpose.__file__).parent / ".mim" / "configs" / "_base_" / "datasets"
    return Config.fromfile(folder / f"{MMPOSE_DATASET[name]}.py").dataset_info


def test_every_convention_but_lsp_is_compared_with_mmpose():
    assert set(BUILTIN) - set(MMPOSE_DATASET) == {"lsp14"}


@pytest.mark.mm
@pytest.mark.parametrize("name", MMPOSE_DATASET)
def test_names_sigmas_weights_and_limbs_are_those_of_the_installed_mmpose(name):
    info, ours = mmpose_dataset_info(name), builtin_convention(name)
    keypoints = info["keypoint_info"]
    assert list(ours.joints) == [keypoints[k]["name"] for k in range(len(keypoints))]
    assert list(ours.sigmas) == list(info["sigmas"])
    assert list(ours.joint_weights) == list(info["joint_weights"])
    assert list(ours.limbs) == [tuple(limb["link"]) for limb in info["skeleton_info"].values()]


@pytest.mark.mm
@pytest.mark.parametrize("name", MMPOSE_DATASET)
def test_the_flip_permutation_is_that_of_the_installed_mmpose(name):
    keypoints = mmpose_dataset_info(name)["keypoint_info"]
    number = {keypoint["name"]: k for k, keypoint in keypoints.items()}
    swapped = [number[keypoints[k]["swap"] or keypoints[k]["name"]] for k in range(len(keypoints))]
    assert list(builtin_convention(name).flip_permutation) == swapped


@pytest.mark.parametrize("name", BUILTIN)
def test_a_flip_swaps_left_and_right_in_every_name_and_nothing_else(name):
    convention = builtin_convention(name)
    mirrored = [convention.joints[j] for j in convention.flip_permutation]
    swap = {"left": "right", "right": "left"}
    by_name = ["_".join(swap.get(part, part) for part in joint.split("_")) for joint in convention.joints]
    assert mirrored == by_name


def test_lsp_borrows_its_sigmas_from_coco_and_crowdpose():
    lsp, coco, crowdpose = (builtin_convention(name) for name in ("lsp14", "coco17", "crowdpose14"))
    sigma = {"neck": crowdpose.sigmas[13], "head_top": crowdpose.sigmas[12]}
    sigma |= dict(zip(coco.joints, coco.sigmas, strict=True))
    assert list(lsp.sigmas) == [sigma[joint] for joint in lsp.joints]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "annotations"),
    [
        ("lsp14", "lspet/annotations/val.json"),
        ("coco17", "coco_tiny/annotations/val.json"),
        ("jhmdb15", "samples/jhmdb/test_jhmdb_sub1.json"),
        ("ochuman17", "samples/ochuman/test_ochuman.json"),
        ("humanart21", "samples/humanart/test_humanart.json"),
        ("posetrack18", "samples/posetrack18/annotations/test_posetrack18_val.json"),
    ],
)
def test_the_order_is_that_of_the_annotation_file(realdata, name, annotations):
    (category,) = json.loads((realdata / annotations).read_text())["categories"]
    assert list(builtin_convention(name).joints) == category["keypoints"]


@pytest.mark.realdata
def test_posetrack_never_labels_the_ears_we_drop(realdata):
    annotations = json.loads(
        (realdata / "samples/posetrack18/annotations/test_posetrack18_val.json").read_text()
    )["annotations"]
    labels_NK3 = np.array([person["keypoints"] for person in annotations]).reshape(len(annotations), 17, 3)
    dropped = [builtin_convention("posetrack18").index(joint) for joint in ("left_ear", "right_ear")]
    assert not labels_NK3[:, dropped].any()
    assert labels_NK3[:, 0].any()


@pytest.mark.realdata
def test_mpii_pelvis_and_thorax_are_midpoints(realdata):
    mpii = builtin_convention("mpii16")
    for person in json.loads((realdata / "samples/mpii/test_mpii.json").read_text()):
        at = dict(zip(mpii.joints, np.array(person["joints"]), strict=True))
        for middle, part in (("pelvis", "hip"), ("thorax", "shoulder")):
            midpoint = (at[f"left_{part}"] + at[f"right_{part}"]) / 2
            assert np.abs(at[middle] - midpoint).max() <= 0.5, "rounded to whole pixels"


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("sidecar", "name"), [("cpm", "aic14"), ("efficientpose_I", "mpii16"), ("movenet_thunder", "coco17")]
)
def test_a_teachers_own_order_is_a_reordering(realdata, sidecar, name):
    names = yaml.safe_load((realdata / f"teachers/onnx/{sidecar}.yaml").read_text())["keypoints"]
    convention = builtin_convention(name)
    own = convention.reordered(names, sidecar)
    assert list(own.joints) == names
    assert sorted(zip(own.joints, own.sigmas, strict=True)) == sorted(
        zip(convention.joints, convention.sigmas, strict=True)
    )
