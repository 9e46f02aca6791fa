"""Training batches: pixels, labels and teachers' maps of one crop must agree with each other."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch

from pipeline.errors import KDError
from pipeline.geometry import MapGeometry, compose, invert, mirror_affine
from pipeline.geometry.views import view_affine
from pipeline.params import AugmentParams
from student.data.batch import TeacherBatch, WantedCrop, read_teacher
from student.data.dataset import TrainingSet
from student.data.dropped_patch import known_outside
from student.data.loader import BatchLoader
from student.data.sampler import Draw
from student.data.training_data import open_training_data
from student.network.config import StudentConfig
from student.targets.teacher_spec import TeacherSpec, warp_plane

STRONG = AugmentParams(
    flip=0.5, rotation_degrees=40, scale=0.2, shift=0.05, half_body=0.0, colour=0, dropout=0
)
HEAD = ("eye", "ear", "nose", "neck", "thorax")
"""Their dots overlap each other."""
VIEWS = {"views": {"count": 2, "flip": 0.5, "rotation_degrees": 60.0}}


def mirror_of(joint: str) -> str:
    swap = {"left": "right", "right": "left"}
    side, _, part = joint.partition("_")
    return f"{swap[side]}_{part}" if side in swap else joint


@pytest.fixture
def dataset(tiny, make_heatmap_teacher, make_simcc_teacher) -> TrainingSet:
    tiny.add_dataset("first", 6)
    tiny.add_dataset("second", 5, convention="mpii16", seed=1)
    """Two stored views of every crop of one dataset; of the other's, by one teacher only."""
    names = ("dots_heatmap", "dots_simcc")
    plain_only = tiny.open(names, cells={"datasets": ["first", "second"]})
    tiny.add_store(make_simcc_teacher(), "second", plain_only)
    workspace = tiny.open(names, cells={"datasets": ["first", "second"]}, extract=VIEWS)
    tiny.add_store(make_heatmap_teacher(), "first", workspace)
    tiny.add_store(make_heatmap_teacher(), "second", workspace)
    tiny.add_store(make_simcc_teacher(), "first", workspace)
    training_data = open_training_data(workspace)
    return TrainingSet(
        training_data.splits, training_data.student, STRONG, seed=0, teacher_specs=training_data.teacher_specs
    )


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


def test_a_teacher_answers_only_crops_of_its_own_datasets(dataset, tiny):
    workspace = tiny.open(("dots_heatmap", "dots_simcc"), only={"dots_simcc": ["second"]}, extract=VIEWS)
    opened = open_training_data(workspace)
    batch = TrainingSet(opened.splits, opened.student, STRONG, seed=0, teacher_specs=opened.teacher_specs)[
        [Draw(0, 0, index) for index in (7, 0, 10, 3)]
    ]
    assert batch.teachers["dots_simcc"].row_A.tolist() == [0, 2]
    assert sorted(batch.teachers["dots_heatmap"].row_A.tolist()) == [0, 1, 2, 3]


def test_a_batch_does_not_depend_on_who_reads_it(dataset):
    draws = [Draw(2, 0, 3), Draw(2, 1, 8), Draw(2, 0, 10)]
    alone = [dataset[[draw]] for draw in draws]
    together = pickle.loads(pickle.dumps(dataset))[draws]
    for position, batch in enumerate(alone):
        assert torch.equal(batch.image_BHW3[0], together.image_BHW3[position])
        assert torch.equal(batch.keypoint_BU2[0], together.keypoint_BU2[position])
        for name, answer in batch.teachers.items():
            among = together.teachers[name]
            row = among.row_A.tolist().index(position)
            assert torch.equal(answer.keypoint_AK2[0], among.keypoint_AK2[row])
            assert torch.equal(answer.mode_AK[0], among.mode_AK[row])
            of_crop = among.spread_N2[:, 0] == row
            assert torch.equal(answer.spread_N2[:, 1], among.spread_N2[of_crop, 1])
            for array, values in answer.stored.items():
                assert torch.equal(values, among.stored[array][of_crop])


def test_a_repeated_draw_is_augmented_in_another_way(dataset):
    once, twice = dataset[[Draw(0, 0, 4)]], dataset[[Draw(0, 1, 4)]]
    assert torch.equal(once.crop_id_B, twice.crop_id_B)
    assert not torch.equal(once.image_BHW3, twice.image_BHW3)


def test_patches_travel_with_the_batch_where_distillation_is_masked_under_them(dataset):
    masked = STRONG.model_copy(update={"dropout": 0.5, "mask_distillation": True})
    draws = [Draw(0, 0, index) for index in range(11)]
    batch = TrainingSet(dataset.splits, student_of(dataset), masked, seed=0)[draws].to(torch.device("cpu"))
    hidden = ~known_outside(batch.dropped_B4, MapGeometry("heatmap", (64, 96), (1.0, 1.0)))
    dropped = hidden.flatten(1).any(1)
    assert dropped.any() and not dropped.all()
    for image_HW3, hidden_HW in zip(batch.image_BHW3[dropped], hidden[dropped], strict=True):
        assert len(image_HW3[hidden_HW].unique(dim=0)) == 1
    assert dataset[draws].dropped_B4 is None


def test_augmentation_changes_with_the_epoch_it_is_given_for(dataset):
    still = AugmentParams(
        flip=0, rotation_degrees=0, scale=0, shift=0, half_body=0, stored_views=0, colour=0, dropout=0
    )
    phased = TrainingSet(dataset.splits, student_of(dataset), {0: STRONG, 2: still}, seed=0)
    for epoch in (0, 1):
        assert torch.equal(phased[[Draw(epoch, 0, 4)]].image_BHW3, dataset[[Draw(epoch, 0, 4)]].image_BHW3)
    second, third = (phased[[Draw(epoch, 0, 4)]] for epoch in (2, 3))
    assert torch.equal(second.image_BHW3, third.image_BHW3)
    assert not torch.equal(second.image_BHW3, dataset[[Draw(2, 0, 4)]].image_BHW3)


def test_every_crop_of_every_split_is_reached_once(dataset):
    ids = [int(dataset[[Draw(0, 0, index)]].crop_id_B) for index in range(len(dataset))]
    assert ids == [*range(1000, 1006), *range(2000, 2005)]


def test_a_lost_image_is_reported_in_one_paragraph_also_by_a_worker(dataset):
    (dataset.splits[0].table.images_root / "3.png").unlink()
    for workers in (0, 1):
        loader = BatchLoader(dataset, [[Draw(0, 0, 2)], [Draw(0, 0, 3)]], workers, torch.device("cpu"))
        with pytest.raises(KDError, match="^the image .*3.png was there when .* cannot be read.*index again"):
            list(loader)


def spread_out(dataset: TrainingSet, name: str) -> TeacherSpec:
    """The teacher, as if no map of it were one peak: then a batch has them all."""
    spec = next(t for t in dataset._teachings if t.name == name)
    return spec.calibrated(dataclasses.replace(spec.calibration, sure_share=1e9))


def wanted(dataset: TrainingSet, split: int, row: int, number: int) -> WantedCrop:
    """A crop that shows stored view `number` (0: the plain crop)."""
    table, view = dataset.splits[split].table, dataset.splits[split].view(row, number)
    return WantedCrop(split, row, view_affine(table.bbox[row], student_of(dataset).crop, view), number)


def by_crop(answer: TeacherBatch, array: str) -> np.ndarray:
    """The batch's maps, all of which are spread out, crop by crop and relation by relation."""
    crops = len(answer.row_A)
    return answer.stored[array].unflatten(0, (crops, len(answer.stored[array]) // crops)).numpy()


def test_a_stored_view_is_answered_from_its_row_which_lies_in_it_like_the_plain_one_in_the_plain_crop(
    dataset,
):
    """In its rows, a store of the fixture has all plain crops, then all first views, then all second ones."""
    crops = [wanted(dataset, 0, row, number) for number in (0, 1, 2) for row in range(6)]
    plane = warp_plane(student_of(dataset))
    spec = spread_out(dataset, "dots_simcc")
    answer = read_teacher(spec, dataset.splits, crops, plane)
    rows = dataset.splits[0].readers["dots_simcc"].read(np.arange(18))
    assert np.array_equal(by_crop(answer, "map_x"), rows.maps.x_BKW[:, spec.source_R])
    # Cells of both maps mirror onto themselves but for the teacher's half bin: (95 - 0) / 0.5 = 190, not 191.
    teacher_mirror = np.array([[-1.0, 0.0, 190.0], [0.0, 1.0, 0.0]])
    flips = [dataset.splits[0].view(row, number).flip for number in (1, 2) for row in range(6)]
    assert any(flips) and not all(flips)
    plain_A23 = answer.teacher_from_student_A23.double().numpy()[:6]
    for place, flip in enumerate(flips, start=6):
        expected = plain_A23[place % 6]
        if flip:
            expected = compose(teacher_mirror, compose(expected, mirror_affine(plane.size[0])))
        np.testing.assert_allclose(answer.teacher_from_student_A23[place], expected, atol=0.02)


def test_a_teacher_without_the_view_is_warped_from_its_plain_row(dataset):
    crops = [wanted(dataset, 1, row, 1) for row in range(5)]
    plane = warp_plane(student_of(dataset))
    with_views, without = (
        read_teacher(spread_out(dataset, name), dataset.splits, crops, plane)
        for name in ("dots_heatmap", "dots_simcc")
    )
    split = dataset.splits[1]
    sources = spread_out(dataset, "dots_heatmap").source_R
    views = split.readers["dots_heatmap"].read(np.arange(5, 10))
    assert np.array_equal(by_crop(with_views, "map"), views.maps.map_BKHW[:, sources])
    plain = split.readers["dots_simcc"].read(np.arange(5))
    assert np.array_equal(by_crop(without, "map_x"), plain.maps.x_BKW[:, sources])
    plane_A23 = compose(plane.map_affine(), np.stack([crop.affine_23 for crop in crops]))
    expected_A23 = compose(plain.affine_B23, invert(plane_A23))
    np.testing.assert_allclose(without.teacher_from_student_A23, expected_A23, rtol=1e-5, atol=1e-4)


def test_about_half_of_the_crops_show_a_stored_view_and_the_rest_views_of_their_own(dataset):
    maker = dataset._makers[0]
    made = [
        (row, maker.make(row, STRONG, np.random.default_rng([7, row, draw])))
        for row in range(6)
        for draw in range(30)
    ]
    stored = [(row, crop) for row, crop in made if crop.view]
    assert 0.4 < len(stored) / len(made) < 0.6
    assert {crop.view for _, crop in stored} == {1, 2}
    for row, crop in stored:
        seen, view = wanted(dataset, 0, row, crop.view).affine_23, dataset.splits[0].view(row, crop.view)
        if crop.flipped != view.flip:
            seen = compose(mirror_affine(student_of(dataset).crop.input_size[0]), seen)
        np.testing.assert_allclose(crop.affine_23, seen, atol=1e-9)
    assert 0.3 < np.mean([crop.flipped for _, crop in stored]) < 0.7


def test_a_stored_view_is_coloured_and_dropped_from_like_any_crop(dataset):
    strong = STRONG.model_copy(update={"stored_views": 1.0, "colour": 0.5, "dropout": 1.0})
    made = [
        dataset._makers[0].make(2, augment, np.random.default_rng(3))
        for augment in (strong, strong.model_copy(update={"colour": 0.0, "dropout": 0.0}))
    ]
    assert made[0].view == made[1].view > 0
    assert (made[0].image_HW3 != made[1].image_HW3).mean() > 0.5
