"""Training state on disk."""

import os

import pytest
import torch

from pipeline.errors import KDError
from student.training.checkpoint import (
    changes,
    load_training_state,
    random_state,
    restore_random_state,
    save_training_state,
)


def test_what_was_saved_is_loaded(tmp_path):
    path = tmp_path / "checkpoints" / "last.pt"
    save_training_state({"weights": torch.arange(3), "history": [{"loss": 0.5}]}, path)
    state = load_training_state(path)
    assert state["weights"].tolist() == [0, 1, 2] and state["history"] == [{"loss": 0.5}]
    assert [entry.name for entry in path.parent.iterdir()] == ["last.pt"]


def test_a_failed_write_keeps_the_checkpoint_before_and_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "last.pt"
    save_training_state({"epoch": 1}, path)

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(KDError, match="last.pt: No space left on device. What was there before is unchanged"):
        save_training_state({"epoch": 2}, path)
    assert load_training_state(path)["epoch"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.pt"]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_damaged_checkpoint_is_none(tmp_path, content):
    path = tmp_path / "last.pt"
    path.write_bytes(content)
    assert load_training_state(path) is None


def test_no_flipped_bit_is_loaded(tmp_path):
    path = tmp_path / "last.pt"
    save_training_state({"weights": torch.arange(50.0)}, path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert load_training_state(path) is None, f"byte {place} of {len(whole)}"
    path.write_bytes(whole)
    assert load_training_state(path) is not None


def test_torch_itself_reads_the_file(tmp_path):
    save_training_state({"epoch": 3}, tmp_path / "last.pt")
    assert torch.load(tmp_path / "last.pt", weights_only=True)["epoch"] == 3


def test_a_missing_checkpoint_is_none(tmp_path):
    assert load_training_state(tmp_path / "last.pt") is None


def test_random_numbers_go_on_where_they_were():
    state = random_state()
    first = torch.rand(3)
    restore_random_state(state)
    assert torch.equal(torch.rand(3), first)


def test_changes_name_the_place_and_both_values():
    before = {"train": {"epochs": 10, "seed": 0}, "data": {"coco": "aa"}}
    now = {"train": {"epochs": 20, "seed": 0}, "data": {"mpii": "bb"}}
    assert changes(before, now) == [
        "data.coco: aa -> None",
        "data.mpii: None -> bb",
        "train.epochs: 10 -> 20",
    ]
    assert changes(before, before) == []
