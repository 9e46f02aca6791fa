"""Training batches: pixels, labels and teachers' maps of one crop must agree with each other."""

import pickle

import numpy as np
import pytest
import torch

from pipeline.errors import KDError
from pipeline.params import AugmentParams
from student.dataset import TrainingSet
from student.loader import BatchLoader
from student.sampler import Draw
from student.student_config import StudentConfig
from student.supervision import open_supervision

STRONG = AugmentParams(
    flip=0.5, rotation_degrees=40, scale=0.2, shift=0.05, half_body=0.0, colour=0, erasing=0
)
HEAD = ("eye", "ear", "nose", "neck", "thorax")
"""Their dots overlap each other."""


def mirror_of(joint: str) -> str:
    swap = {"left": "right", "right": "left"}
    side, _, part = joint.partition("_")
    return f"{swap[side]}_{part}" if side in swap else joint


@pytest.fixture
def dataset(tiny, make_heatmap_teacher, make_simcc_teacher) -> TrainingSet:
    tiny.add_dataset("first", 6)
    tiny.add_dataset("second", 5, convention="mpii16", seed=1)
    workspace = tiny.open(("dots_heatmap", "dots_simcc"), cells={"datasets": ["first", "second"]})
    tiny.add_store(make_heatmap_teacher(), "first", workspace)
    tiny.add_store(make_heatmap_teacher(), "second", workspace)
    tiny.add_store(make_simcc_teacher(), "first", workspace)
    tiny.add_store(make_simcc_teacher(), "second", workspace)
    supervision = open_supervision(workspace)
    return TrainingSet(supervision.splits, supervision.student, STRONG, seed=0)


def student_of(dataset: TrainingSet) -> StudentConfig:
    return dataset._makers[0]._student


def test_labels_lie_on_the_dots_they_label_whatever_the_augmentation(dataset, colour_of_joint):
    batch = dataset[[Draw(epoch, 0, index) for epoch in range(4) for index in range(11)]]
    assert batch.flipped_B.any() and not batch.flipped_B.all()
    checked = 0
    for u, joint in enumerate(student_of(dataset).skeleton.joints):
        for crop in torch.nonzero(batch.weight_BU[:, u] > 0).flatten().tolist():
            x, y = batch.keypoint_BU2[crop, u].round().int().tolist()
            if any(part in joint for part in HEAD) or not (2 <= x < 62 and 2 <= y < 94):
                continue
            dot = colour_of_joint(mirror_of(joint) if batch.flipped_B[crop] else joint)
            assert np.abs(batch.image_BHW3[crop, y, x].int().numpy() - dot).max() < 30, joint
            checked += 1
    assert checked > 300


def test_a_batch_does_not_depend_on_who_reads_it(dataset):
    draws = [Draw(2, 0, 3), Draw(2, 1, 8), Draw(2, 0, 10)]
    alone = [dataset[[draw]] for draw in draws]
    together = pickle.loads(pickle.dumps(dataset))[draws]
    for position, batch in enumerate(alone):
        assert torch.equal(batch.image_BHW3[0], together.image_BHW3[position])
        assert torch.equal(batch.keypoint_BU2[0], together.keypoint_BU2[position])
        for name, answer in batch.teachers.items():
            row = together.teachers[name].row_A.tolist().index(position)
            for array, values in answer.stored.items():
                assert torch.equal(values[0], together.teachers[name].stored[array][row])


def test_a_repeated_draw_is_augmented_in_another_way(dataset):
    once, twice = dataset[[Draw(0, 0, 4)]], dataset[[Draw(0, 1, 4)]]
    assert torch.equal(once.crop_id_B, twice.crop_id_B)
    assert not torch.equal(once.image_BHW3, twice.image_BHW3)


def test_every_crop_of_every_split_is_reached_once(dataset):
    ids = [int(dataset[[Draw(0, 0, index)]].crop_id_B) for index in range(len(dataset))]
    assert ids == [*range(1000, 1006), *range(2000, 2005)]


def test_a_lost_image_is_told_in_one_paragraph_also_by_a_worker(dataset):
    (dataset.splits[0].table.images_root / "3.png").unlink()
    for workers in (0, 1):
        loader = BatchLoader(dataset, [[Draw(0, 0, 2)], [Draw(0, 0, 3)]], workers, torch.device("cpu"))
        with pytest.raises(KDError, match="^the image .*3.png cannot be read.*index again.$"):
            list(loader)
