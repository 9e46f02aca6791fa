"""Students that start from another student."""

import pytest
import torch

from pipeline.errors import KDError
from student.network.saved import save_student


@pytest.mark.parametrize(
    ("head", "layer"), [("heatmap", "projection"), ("simcc", "projection"), ("rtmcc", "final_layer")]
)
def test_joints_are_copied_by_name_whatever_the_head(tmp_path, start, make_student, head, layer):
    other = make_student(("lsp14",), head=head, width=16)
    save_student(other, tmp_path)
    begun = start(tmp_path, {"student": "."}, conventions=("coco17",), head=head, width=16)
    names, joints = other.config.skeleton.joints, begun.student.config.skeleton.joints
    own, theirs = begun.student.state_dict(), other.state_dict()
    name = f"head.{layer}.weight"
    assert torch.equal(own[name][joints.index("left_knee")], theirs[name][names.index("left_knee")])
    fresh = start(tmp_path, {}, conventions=("coco17",), head=head, width=16).student.state_dict()[name]
    drawn = fresh + theirs[name].mean(0) if head == "rtmcc" else fresh
    assert torch.equal(own[name][joints.index("nose")], drawn[joints.index("nose")])
    assert torch.equal(own["backbone.stem.0.conv.weight"], theirs["backbone.stem.0.conv.weight"])
    assert "fresh: nose, left_eye, right_eye, left_ear, right_ear" in begun.summary


def test_a_heatmap_student_may_go_on_at_another_input_size(tmp_path, start, make_student):
    first = make_student(head="heatmap", width=16)
    save_student(first, tmp_path)
    begun = start(tmp_path, {"student": "."}, head="heatmap", width=16, input_size=(96, 128))
    for name, weights in first.backbone.state_dict().items():
        assert torch.equal(begun.student.backbone.state_dict()[name], weights), name


def test_a_student_with_another_head_is_refused(tmp_path, start, make_student):
    save_student(make_student(head="heatmap", width=16), tmp_path)
    with pytest.raises(KDError, match=r"the student in .* Found: .* head heatmap .* Wanted: .* head rtmcc"):
        start(tmp_path, {"student": "."})


def test_a_folder_without_a_student_is_refused(tmp_path, start):
    with pytest.raises(KDError, match="there is no student at"):
        start(tmp_path, {"student": "nowhere"})
