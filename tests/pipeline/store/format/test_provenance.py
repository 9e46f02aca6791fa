"""What makes a store stale, what does not, and how it is reported."""

import pytest
from fake_cell import EXTRACT, RUNTIME, FakeTeacher

from pipeline.errors import KDError
from pipeline.extraction.extract import extract_cell
from pipeline.params import RuntimeParams
from pipeline.store.format.provenance import CellProvenance, stale_error
from pipeline.store.store import open_store

SAME_CHECKPOINT = {"checkpoint_sha256": "ab" * 32, "weights": 1}


@pytest.mark.parametrize(
    ("what", "teacher", "extract"),
    [
        (
            "teacher.checkpoint_sha256",
            {"provenance": {**SAME_CHECKPOINT, "checkpoint_sha256": "cd" * 32}},
            {},
        ),
        ("teacher.weights", {"provenance": {**SAME_CHECKPOINT, "weights": 2}}, {}),
        ("teacher.flip_test", {"provenance": {**SAME_CHECKPOINT, "flip_test": True}}, {}),
        ("codec.floor", {}, {"floor": 6}),
        ("codec.step", {}, {"step": 1}),
        ("codec.quiet", {}, {"quiet": 1.0}),
        ("codec.dtype", {}, {"preset": "exact", "quiet": None}),
    ],
)
def test_what_the_files_depend_on_makes_a_store_stale(table, heatmap_store, what, teacher, extract):
    with pytest.raises(KDError, match=what):
        extract_cell(
            FakeTeacher(**teacher), table, heatmap_store, EXTRACT.model_copy(update=extract), RUNTIME
        )


@pytest.mark.parametrize("extract", [{"zstd_level": 4}, {"shard_size": 5}])
def test_how_it_is_laid_out_does_not(table, heatmap_store, extract):
    changed = EXTRACT.model_copy(update=extract)
    assert extract_cell(FakeTeacher(), table, heatmap_store, changed, RUNTIME).crops == 0


@pytest.mark.parametrize("runtime", [{"batch_size": 1}, {"workers": 1}, {"device": "auto"}])
def test_how_it_is_computed_does_not(table, heatmap_store, runtime):
    other = RuntimeParams(**{**RUNTIME.model_dump(), **runtime})
    assert extract_cell(FakeTeacher(), table, heatmap_store, EXTRACT, other).crops == 0


def test_another_place_does_not(table, heatmap_store, tmp_path):
    moved = heatmap_store.rename(tmp_path / "elsewhere.zarr")
    teacher = FakeTeacher(name="renamed")
    assert extract_cell(teacher, table, moved, EXTRACT, RUNTIME).crops == 0


def test_a_stale_store_says_what_changed_and_the_command_that_updates_it(heatmap_store):
    stored = open_store(heatmap_store).provenance
    wanted = CellProvenance(
        {**stored.values, "teacher": {**stored.values["teacher"], "checkpoint_sha256": "cd" * 32}}
    )
    with pytest.raises(KDError) as caught:
        open_store(heatmap_store, wanted)
    assert str(caught.value) == (
        f"{heatmap_store} was extracted with teacher.checkpoint_sha256 abab…ab, but now it is cdcd…cd. "
        "Either restore what changed, or re-extract this cell: "
        "kd-pipeline extract-teachers --teacher fake --dataset noise --replace-stale"
    )


MIRRORED = {"flip_test": True, "flip_permutation": [0, 2, 1], "mirror": 47.0}


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        (
            {"flip_test": False, "flip_permutation": None, "mirror": None},
            "teacher.flip_test true, but now it is false.",
        ),
        (
            {"flip_permutation": [0, 1, 2]},
            "the places of each joint's mirror (the convention's `mirror`) [0, 2, 1], but now it is "
            "[0, 1, 2].",
        ),
        ({"mirror": 46.0}, "the place that a map is mirrored about 47.0, but now it is 46.0."),
    ],
)
def test_what_is_mirrored_how_is_put_in_words_and_a_flip_test_named_once(tmp_path, now, changed):
    stored, wanted = ({"teacher": MIRRORED}, {"teacher": {**MIRRORED, **now}})
    error = stale_error(tmp_path, CellProvenance(stored), CellProvenance(wanted), "lamp", "street")
    assert str(error).startswith(f"{tmp_path} was extracted with {changed} Either restore what changed")


def test_a_setting_that_came_or_went_is_named_too(heatmap_store):
    stored = open_store(heatmap_store).provenance
    teacher = {"checkpoint_sha256": "ab" * 32, "padding": 1.25}
    changes = stored.changes(CellProvenance({**stored.values, "teacher": teacher}))
    assert changes == [("teacher.weights", "1", "nothing"), ("teacher.padding", "nothing", "1.25")]


def test_tuples_and_lists_are_one_value():
    assert CellProvenance.from_json({"size": (1, 2)}) == CellProvenance.from_json({"size": [1, 2]})
