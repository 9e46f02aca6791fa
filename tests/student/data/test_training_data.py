"""What a training refuses to start with, and what it says."""

import dataclasses
import re
import shutil

import numpy as np
import pytest

from pipeline.errors import KDError
from student.data.training_data import open_training_data
from student.training.train import train_student


@pytest.fixture
def workspace(tiny, make_heatmap_teacher):
    tiny.add_dataset("dots", 4)
    workspace = tiny.open()
    tiny.add_store(make_heatmap_teacher(), "dots", workspace)
    return workspace


def test_a_missing_store_says_how_to_make_it(workspace):
    shutil.rmtree(workspace.store("dots_heatmap", "dots"))
    with pytest.raises(KDError, match="kd-pipeline extract-teachers --teacher dots_heatmap --dataset dots"):
        open_training_data(workspace)


def test_a_store_that_lacks_rows_says_how_to_go_on(workspace):
    shard = next((workspace.store("dots_heatmap", "dots") / "map").glob("c*"))
    shard.unlink()
    with pytest.raises(
        KDError, match="1 of 1 shards are missing, the first with rows 0 to 3.*extract-teachers"
    ):
        open_training_data(workspace)


def test_changed_crops_are_missing_from_a_store_which_says_how_to_append_them(workspace, tiny):
    table = tiny.tables["dots"]
    bbox = table.bbox.copy()
    bbox[1:3] += 1
    tiny.save_table(dataclasses.replace(table, bbox=bbox))
    with pytest.raises(KDError) as caught:
        open_training_data(workspace)
    assert str(caught.value) == (
        "the store of dots_heatmap for dots lacks 2 of 4 crops: they were added or changed since it was "
        "extracted. Append them, rows that are there are kept: "
        "kd-pipeline extract-teachers --teacher dots_heatmap --dataset dots"
    )


WEIGHTINGS = ["fixed", "confidence", "reliability", "ca-mkd", "adaptive"]


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_pictures_without_a_convention_teach_as_those_whose_labels_are_all_missing(
    tiny, make_heatmap_teacher, tmp_path, weighting
):
    tiny.add_dataset("dots", 8)
    table = tiny.add_dataset("wild", 5, seed=1)
    sections = {
        "datasets": {
            name: {"format": kind, "convention": "coco17", "images": f"data/{name}", "annotations": "none"}
            for name, kind in (("dots", "coco"), ("wild", "images"))
        },
        "skeleton": {"conventions": ["coco17", "mpii16"]},
        "train": {"datasets": ["dots", "wild"], "epochs": 1, "batch_size": 4},
        "distill": {"weighting": weighting, "offsets": True},
    }
    workspace = tiny.open(**sections)
    for name in ("dots", "wild"):
        tiny.add_store(make_heatmap_teacher(), name, workspace)
    unlabelled = {"visibility": np.zeros((5, 17), np.uint8), "labelled": np.zeros(5, bool)}
    tiny.save_table(dataclasses.replace(table, keypoints=table.keypoints * 0, **unlabelled))
    report = train_student(dataclasses.replace(workspace, output=tmp_path / "named"))

    without = {"visibility": np.zeros((5, 0), np.uint8), "keypoints": np.zeros((5, 0, 2), np.float32)}
    tiny.save_table(dataclasses.replace(table, convention=None, **(unlabelled | without)))
    sections["datasets"]["wild"].pop("convention")
    workspace = dataclasses.replace(tiny.open(**sections), output=tmp_path / "none")
    training_data = open_training_data(workspace)
    assert [len(split.relations) for split in training_data.splits] == [17, 0]
    assert train_student(workspace).crops == report.crops == 13
    named, none = (tmp_path / name / "runs/student/student.safetensors" for name in ("named", "none"))
    assert none.read_bytes() == named.read_bytes()


def test_pictures_without_labels_or_a_store_are_refused(tiny):
    table = tiny.add_dataset("wild", 3)
    unlabelled = {"visibility": np.zeros((3, 0), np.uint8), "keypoints": np.zeros((3, 0, 2), np.float32)}
    tiny.save_table(dataclasses.replace(table, convention=None, labelled=np.zeros(3, bool), **unlabelled))
    wild = {"format": "images", "images": "data/wild", "annotations": "none"}
    workspace = tiny.open(datasets={"wild": wild}, distill={"weight": 0})
    with pytest.raises(KDError, match=r"no dataset of train.datasets \(wild\) has labels, so nothing is"):
        open_training_data(workspace)


def test_a_changed_image_is_a_changed_crop(workspace, tiny):
    table = tiny.tables["dots"]
    tiny.save_table(dataclasses.replace(table, image_sha256=["ab" * 32, *table.image_sha256[1:]]))
    with pytest.raises(KDError, match="lacks 1 of 4 crops"):
        open_training_data(workspace)


def test_a_changed_crowd_is_not_missed(workspace, tiny):
    table = tiny.tables["dots"]
    bbox, iscrowd = table.bbox.copy(), np.array([False, True, False, False])
    bbox[1] += 1
    tiny.save_table(dataclasses.replace(table, bbox=bbox, iscrowd=iscrowd))
    assert len(open_training_data(workspace).splits[0]) == 3


def test_a_store_is_read_by_crop_not_by_place_in_the_table(workspace, tiny):
    table = tiny.tables["dots"]
    order = [3, 0, 2]
    rows = {
        f.name: getattr(table, f.name)[order]
        for f in dataclasses.fields(table)
        if isinstance(getattr(table, f.name), np.ndarray)
    }
    tiny.save_table(
        dataclasses.replace(
            table,
            **rows,
            image=[table.image[row] for row in order],
            image_sha256=[table.image_sha256[row] for row in order],
        )
    )
    (split,) = open_training_data(workspace).splits
    rows = split.store_rows("dots_heatmap", np.array([0, 1, 2]), np.zeros(3, np.int64))
    assert rows.tolist() == order


def test_views_drawn_with_other_settings_say_how_to_append_the_new_ones(tiny, make_heatmap_teacher):
    tiny.add_dataset("dots", 4)
    workspace = tiny.open(extract={"views": {"count": 2, "seed": 1}})
    tiny.add_store(make_heatmap_teacher(), "dots", workspace)
    with pytest.raises(KDError, match=r"drawn with seed 1, but now it is 2 .*append the new views: kd-pi"):
        open_training_data(tiny.open(extract={"views": {"count": 2, "seed": 2}}))
    for fewer in (0, 1):
        (split,) = open_training_data(tiny.open(extract={"views": {"count": fewer, "seed": 1}})).splits
        assert split.num_views == fewer
    (split,) = open_training_data(tiny.open(extract={"views": {"count": 0, "seed": 2}})).splits
    assert split.num_views == 0


def test_a_store_of_other_extraction_params_is_stale(workspace, tiny):
    with pytest.raises(KDError, match=r"codec.floor 5, but now it is 9"):
        open_training_data(tiny.open(extract={"floor": 9}))


def test_changed_labels_keep_the_store(workspace, tiny):
    table = tiny.tables["dots"]
    tiny.save_table(dataclasses.replace(table, keypoints=table.keypoints + 1))
    assert len(open_training_data(workspace).teacher_specs) == 1


def test_a_dataset_without_labels_and_teachers_teaches_nothing(tiny):
    table = tiny.add_dataset("dots", 4)
    tiny.save_table(dataclasses.replace(table, visibility=np.zeros_like(table.visibility)))
    workspace = tiny.open(distill={"weight": 0.0})
    with pytest.raises(KDError, match="dataset dots has 4 crops, but no labelled joint"):
        open_training_data(workspace)


def test_without_labels_teachers_of_weight_zero_are_as_good_as_none(workspace, tiny):
    table = tiny.tables["dots"]
    tiny.save_table(dataclasses.replace(table, visibility=np.zeros_like(table.visibility)))
    with pytest.raises(KDError, match=r"no teacher's store, so nothing in it teaches.*\(distill.teachers\)"):
        open_training_data(tiny.open(distill={"teachers": {"dots_heatmap": 0.0}}))


def test_labels_of_joints_that_the_student_has_not_are_no_labels(tiny):
    """COCO's dots, for a student of MPII's pelvis and thorax alone."""
    tiny.add_dataset("dots", 4)
    workspace = tiny.open(
        skeleton={"conventions": ["coco17", "mpii16"], "joints": ["pelvis", "thorax"]},
        distill={"weight": 0.0},
    )
    with pytest.raises(KDError, match="dataset dots has 4 crops, but no labelled joint that the student has"):
        open_training_data(workspace)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_dataset_of_crowds_alone_is_refused_as_that(workspace, tiny, weight):
    table = tiny.tables["dots"]
    tiny.save_table(dataclasses.replace(table, iscrowd=np.ones_like(table.iscrowd)))
    with pytest.raises(KDError, match=r"all 4 boxes of dataset dots are around crowds \(iscrowd is 1\)"):
        open_training_data(tiny.open(distill={"weight": weight}))


def test_a_teacher_that_shares_no_joint_with_the_union_is_named_with_both(workspace, tiny):
    with pytest.raises(KDError) as caught:
        open_training_data(tiny.open(skeleton={"joints": ["left_eye", "right_eye"]}))
    assert re.match(
        r"teacher dots_heatmap \(mpii16: right_ankle, .*\) has no joint of the union skeleton "
        r"\(left_eye, right_eye\), so it can teach nothing. Take it out of distill.teachers, or",
        str(caught.value),
    )


def test_a_dataset_without_labels_learns_from_teachers(workspace, tiny):
    table = tiny.tables["dots"]
    tiny.save_table(dataclasses.replace(table, visibility=np.zeros_like(table.visibility)))
    (split,) = open_training_data(workspace).splits
    assert len(split) == 4


def test_crowds_are_left_out(workspace, tiny):
    table = tiny.tables["dots"]
    tiny.save_table(dataclasses.replace(table, iscrowd=np.array([False, True, False, False])))
    (split,) = open_training_data(workspace).splits
    assert split.row_N.tolist() == [0, 2, 3]


def test_a_teacher_of_weight_zero_needs_no_store(workspace, tiny):
    both = ("dots_heatmap", "dots_simcc")
    training_data = open_training_data(
        tiny.open(teachers=both, distill={"teachers": {"dots_heatmap": 1.0, "dots_simcc": 0.0}})
    )
    assert [spec.name for spec in training_data.teacher_specs] == ["dots_heatmap"]


def test_a_dataset_that_teachers_were_not_run_on_is_learned_from_labels(workspace, tiny):
    tiny.add_dataset("labels_only", 3, seed=5)
    training_data = open_training_data(tiny.open(cells={"teachers": ["dots_heatmap"], "datasets": ["dots"]}))
    assert [list(split.readers) for split in training_data.splits] == [["dots_heatmap"], []]


def test_a_teacher_teaches_only_the_datasets_of_its_own_list(workspace, tiny, make_simcc_teacher):
    tiny.add_dataset("more", 3, seed=5)
    both = ("dots_heatmap", "dots_simcc")
    workspace = tiny.open(teachers=both, only={"dots_heatmap": ["dots"], "dots_simcc": ["more", "dots"]})
    tiny.add_store(make_simcc_teacher(), "dots", workspace)
    tiny.add_store(make_simcc_teacher(), "more", workspace)
    training_data = open_training_data(workspace)
    assert [list(split.readers) for split in training_data.splits] == [list(both), ["dots_simcc"]]
    assert [spec.name for spec in training_data.teacher_specs] == list(both)


def test_teachers_keep_their_order_whichever_dataset_comes_first(workspace, tiny, make_simcc_teacher):
    tiny.add_dataset("more", 3, seed=5)
    workspace = tiny.open(
        teachers=("dots_heatmap", "dots_simcc"),
        only={"dots_heatmap": ["dots"]},
        train={"datasets": ["more", "dots"]},
    )
    tiny.add_store(make_simcc_teacher(), "dots", workspace)
    tiny.add_store(make_simcc_teacher(), "more", workspace)
    names = [spec.name for spec in open_training_data(workspace).teacher_specs]
    assert names == ["dots_heatmap", "dots_simcc"]


def test_a_teacher_with_a_weight_that_was_run_over_nothing_that_is_trained_on_is_named(workspace, tiny):
    tiny.add_dataset("val", 3, seed=5)
    workspace = tiny.open(
        teachers=("dots_heatmap", "dots_simcc"),
        only={"dots_heatmap": ["dots"], "dots_simcc": ["val"]},
        train={"datasets": ["dots"]},
        distill={"teachers": {"dots_heatmap": 1.0, "dots_simcc": 0.5}},
    )
    (warning,) = open_training_data(workspace).warnings
    assert warning.startswith(
        "distill.teachers gives a weight to dots_simcc, run over none of train.datasets (dots), so that "
        "nothing is learned from there."
    )


def test_an_input_size_that_does_not_fit_the_stride_names_the_nearest(tiny):
    tiny.add_dataset("dots", 4)
    workspace = tiny.open(student={"input_size": [100, 260]}, distill={"weight": 0.0})
    with pytest.raises(KDError, match=r"student.input_size is \[100, 260\].*multiples of 32.*\[96, 256\]"):
        open_training_data(workspace)


@pytest.mark.parametrize(
    ("distill", "message"),
    [
        ({"teachers": {"dots_heatmap": 0.0}}, "no teacher in distill.teachers has a weight"),
        (
            {},
            r"no teacher with a weight \(dots_heatmap\) is run over any of train.datasets \(other\).*"
            "Add one to cells.datasets, and to the teacher's own datasets",
        ),
    ],
)
def test_distillation_without_a_teacher_is_an_error_not_a_training_on_labels(
    tiny, make_heatmap_teacher, distill, message
):
    tiny.add_dataset("dots", 2)
    tiny.add_dataset("other", 2)
    workspace = tiny.open(
        cells={"teachers": ["dots_heatmap"], "datasets": ["dots"]},
        train={"datasets": ["other"], "epochs": 1},
        distill=distill,
    )
    with pytest.raises(KDError, match=f"{message}.*distill.weight to 0"):
        open_training_data(workspace)
