"""Students that start from RTMPose checkpoints."""

import subprocess
import sys

import pytest
import torch

from pipeline.conventions.registry import load_convention
from pipeline.errors import KDError

COCO = load_convention("coco17").joints
LAYER = "head.final_layer.weight"


class Malicious:
    def __reduce__(self):
        return eval, ("1 + 1",)


def test_joints_are_copied_by_name_and_the_others_drawn_around_their_mean(
    tmp_path, start, make_student, save_checkpoint
):
    """The head of the file has COCO's joints in another order, so that no place is right by luck."""
    names = COCO[::-1]
    weights = save_checkpoint(make_student(), tmp_path / "rtmpose.pth", names)
    fresh = start(tmp_path, {}).student
    begun = start(tmp_path, {"rtmpose": "rtmpose.pth"})
    joints = begun.student.config.skeleton.joints
    assert joints[:17] == COCO and joints[17:] == ("pelvis", "thorax", "upper_neck", "head_top")
    own, before = begun.student.state_dict(), fresh.state_dict()
    for part in (LAYER, "head.final_layer.bias"):
        for row, joint in enumerate(joints):
            drawn = before[part][row] + weights[part].mean(0)
            wanted = weights[part][names.index(joint)] if joint in names else drawn
            assert torch.equal(own[part][row], wanted), joint
    others = [name for name in weights if not name.startswith("head.final_layer")]
    assert all(torch.equal(own[name], weights[name]) for name in others)
    counted = sum("num_batches_tracked" not in name for name in weights)
    assert begun.summary.endswith(
        f"{counted} tensors copied, 17 of 21 joints; fresh: pelvis, thorax, upper_neck, head_top"
    )


def test_a_joint_that_only_a_similar_one_stands_for_is_copied_from_it(
    tmp_path, start, make_student, save_checkpoint
):
    """MPII's hip is only `similar` to COCO's, which is the union's, but better than nothing."""
    names = load_convention("mpii16").joints
    weights = save_checkpoint(make_student(("mpii16",)), tmp_path / "mpii.pth", names)
    begun = start(tmp_path, {"rtmpose": "mpii.pth"}).student
    joints = begun.config.skeleton.joints
    for joint in ("left_hip", "pelvis"):
        assert torch.equal(begun.state_dict()[LAYER][joints.index(joint)], weights[LAYER][names.index(joint)])


def test_names_that_no_convention_has_are_matched_as_they_are(tmp_path, start, make_student, save_checkpoint):
    names = ("tail", "nose", *(f"joint_{number}" for number in range(15)))
    weights = save_checkpoint(make_student(), tmp_path / "cat.pth", names)
    begun = start(tmp_path, {"rtmpose": "cat.pth"})
    assert torch.equal(begun.student.state_dict()[LAYER][0], weights[LAYER][1])
    assert "1 of 21 joints" in begun.summary


def test_a_checkpoint_that_tells_no_joints_wants_a_convention(tmp_path, start, make_student, save_checkpoint):
    weights = save_checkpoint(make_student(), tmp_path / "bare.pth", None)
    with pytest.raises(KDError, match=r"has 17 joints, but 0 are named .* student\.init\.convention"):
        start(tmp_path, {"rtmpose": "bare.pth"})
    begun = start(tmp_path, {"rtmpose": "bare.pth", "convention": "coco17"}).student
    assert torch.equal(begun.state_dict()[LAYER][:17], weights[LAYER])


def test_a_convention_of_other_joints_is_refused(tmp_path, start, make_student, save_checkpoint):
    save_checkpoint(make_student(), tmp_path / "bare.pth", None)
    with pytest.raises(KDError, match="has 17 joints, but 16 are named by mpii16"):
        start(tmp_path, {"rtmpose": "bare.pth", "convention": "mpii16"})


@pytest.mark.parametrize(
    ("params", "difference"),
    [
        (
            {"backbone": "cspnext_m"},
            r"Found: cspnext_t .*, a head rtmcc of 17 joints and 128 x 192 bins. "
            r"Wanted: cspnext_m .*backbone\.stem\.0\.conv\.weight is 12 x 3 x 3 x 3, not 24 x 3 x 3 x 3",
        ),
        (
            {"input_size": (96, 128)},
            "rtmcc of 17 joints and 128 x 192 bins. Wanted: .* 21 joints and 192 x 256 bins",
        ),
        ({"head": "heatmap"}, "Wanted: cspnext_t .*, a head heatmap of 21 joints"),
        ({"backbone": "resnet18"}, "Wanted: a backbone of 120 tensors, the first of them backbone.conv1"),
        ({"output_stride": 16}, "Wanted: cspnext_t .*, output stride 16, a head rtmcc"),
    ],
)
def test_a_checkpoint_of_another_architecture_says_what_was_found_and_wanted(
    tmp_path, start, make_student, save_checkpoint, params, difference
):
    save_checkpoint(make_student(), tmp_path / "rtmpose.pth", COCO)
    with pytest.raises(KDError, match=difference) as refusal:
        start(tmp_path, {"rtmpose": "rtmpose.pth"}, **params)
    assert "is of another architecture, so nothing of it was loaded" in str(refusal.value)


def test_leftovers_of_training_are_no_other_architecture(tmp_path, start, make_student, save_checkpoint):
    more = {
        name: torch.zeros(1)
        for name in ("ema_backbone_stem_0_conv_weight", "data_preprocessor.mean", "head.loss_module.weight")
    }
    theirs = make_student()
    save_checkpoint(theirs, tmp_path / "rtmpose.pth", COCO, **more)
    begun = start(tmp_path, {"rtmpose": "rtmpose.pth"})
    name = "stem.0.conv.weight"
    assert torch.equal(begun.student.backbone.state_dict()[name], theirs.backbone.state_dict()[name])


def test_a_layer_that_the_student_lacks_is_another_architecture(
    tmp_path, start, make_student, save_checkpoint
):
    more = {"head.gau.w": torch.zeros(33)}  # RTMCCBlock with use_rel_bias
    save_checkpoint(make_student(), tmp_path / "rtmpose.pth", COCO, **more)
    with pytest.raises(KDError, match=r"The first difference: head\.gau\.w has no place"):
        start(tmp_path, {"rtmpose": "rtmpose.pth"})


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path, start):
    torch.save({"state_dict": {}, "meta": Malicious()}, tmp_path / "evil.pth")
    with pytest.raises(KDError, match="was refused and nothing in it was run: it wants to call .*eval"):
        start(tmp_path, {"rtmpose": "evil.pth"})


def test_another_file_than_the_one_meant_is_refused(tmp_path, start, make_student, save_checkpoint):
    save_checkpoint(make_student(), tmp_path / "rtmpose.pth", COCO)
    with pytest.raises(KDError, match=r"student\.init\.rtmpose: .* has SHA-256 .*, but 0{64} was wanted"):
        start(tmp_path, {"rtmpose": "rtmpose.pth", "sha256": "0" * 64})
    with pytest.raises(KDError, match=r"student\.init\.rtmpose: there is no file"):
        start(tmp_path, {"rtmpose": "nowhere.pth"})


@pytest.mark.realdata
def test_a_real_checkpoint_with_log_buffers_and_numpy_scalars_needs_nothing_of_openmmlab(realdata):
    """Its pickle names MMEngine's and NumPy's classes; here they are as if not installed."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('mmpose', 'mmdet', 'mmengine', 'mmcv')))\n"
        "from pathlib import Path\n"
        "from pipeline.conventions.registry import load_convention\n"
        "from pipeline.conventions.union import build_union\n"
        "from pipeline.params import InitParams\n"
        "from student.network.init.rtmpose_checkpoint import read_mmpose\n"
        "union = build_union([load_convention('coco17'), load_convention('mpii16')])\n"
        "path = 'teachers/mmpose/rtmpose-t_coco-256x192_pseudo-thunder_numpy-meta.pth'\n"
        "params = InitParams(rtmpose=path)\n"
        f"weights = read_mmpose('RTMPose', 'rtmpose', params, Path({str(realdata)!r}), union)\n"
        "print(len(weights.row_of_joint))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "17"), done.stderr
