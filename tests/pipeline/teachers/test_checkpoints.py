import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.errors import KDError
from pipeline.teachers.checkpoints import checked_file, joints_of, load_checkpoint, sha256_of, state_dict_of

WEIGHTS = {"layer.weight": torch.arange(3.0)}


class Attack:
    """Makes a file when unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


class AttackByGetattr:
    """Reaches for a function through getattr, which log buffers need."""

    def __reduce__(self):
        return getattr, (np.ndarray, "tofile")


@pytest.mark.parametrize("digits", [8, 12, 64])
def test_a_file_is_known_by_the_first_digits_of_its_sha256_and_reported_by_all(tmp_path, digits):
    (tmp_path / "a.pth").write_bytes(b"abc")  # FIPS 180-2's example
    whole = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert checked_file(tmp_path / "a.pth", "it", whole[:digits]) == whole


@pytest.mark.parametrize(
    ("sha256", "wanted"),
    [("ba7816be", "ba7816be"), ("8f01cfea", "8f01cfea"), ("ba7816b", "ba7816b"), ("", "")],
    ids=["another", "digits from its middle", "too few", "none"],
)
def test_a_file_of_another_sha256_is_refused(tmp_path, sha256, wanted):
    (tmp_path / "a.pth").write_bytes(b"abc")
    with pytest.raises(KDError, match=f"has SHA-256 ba7816bf.*, but .*{wanted}.* was wanted"):
        checked_file(tmp_path / "a.pth", "it", sha256)


def test_the_attack_works_where_nobody_defends(tmp_path):
    torch.save({"state_dict": WEIGHTS, "meta": Attack(tmp_path / "pwned")}, tmp_path / "bad.pth")
    torch.load(tmp_path / "bad.pth", weights_only=False)
    assert (tmp_path / "pwned").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_a_command_is_refused_by_name_and_does_not_run(tmp_path, zipped):
    path = tmp_path / "bad.pth"
    torch.save(
        {"state_dict": WEIGHTS, "meta": Attack(tmp_path / "pwned")},
        path,
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(KDError, match=r"was refused and nothing in it was run: it wants to call \w+\.system"):
        load_checkpoint(path)
    assert not (tmp_path / "pwned").exists()


def test_a_bare_pickle_that_would_run_a_command_does_not_run(tmp_path):
    (tmp_path / "bad.pth").write_bytes(pickle.dumps(Attack(tmp_path / "pwned")))
    with pytest.raises(KDError):
        load_checkpoint(tmp_path / "bad.pth")
    assert not (tmp_path / "pwned").exists()


def test_getattr_reaches_nothing_but_a_log_buffers_methods(tmp_path):
    torch.save({"state_dict": WEIGHTS, "meta": AttackByGetattr()}, tmp_path / "bad.pth")
    with pytest.raises(KDError, match=r"it wants to call builtins\.getattr"):
        load_checkpoint(tmp_path / "bad.pth")


def test_reading_one_checkpoint_widens_no_allow_list_for_the_next_reader(tmp_path):
    torch.save({"state_dict": WEIGHTS, "value": np.float64(1.5)}, tmp_path / "numpy.pth")
    load_checkpoint(tmp_path / "numpy.pth")
    with pytest.raises(pickle.UnpicklingError, match="numpy.core.multiarray.scalar"):
        torch.load(tmp_path / "numpy.pth", weights_only=True)


def test_numpy_scalars_and_arrays_in_the_metadata_are_read(tmp_path):
    meta = {"sigmas": np.array([0.1, 0.2]), "epoch": np.int64(3), "name": np.array(["a", "b"])}
    torch.save({"state_dict": WEIGHTS, "meta": meta}, tmp_path / "good.pth")
    read = load_checkpoint(tmp_path / "good.pth")["meta"]
    np.testing.assert_array_equal(read["sigmas"], meta["sigmas"])
    np.testing.assert_array_equal(read["name"], meta["name"])
    assert read["epoch"] == 3


@pytest.mark.mm
def test_mmengines_log_buffers_do_not_get_in_the_way(tmp_path):
    from mmengine.logging import HistoryBuffer

    buffer = HistoryBuffer()
    buffer.update(1.0)
    torch.save({"state_dict": WEIGHTS, "message_hub": {"loss": buffer}}, tmp_path / "good.pth")
    read = load_checkpoint(tmp_path / "good.pth")
    torch.testing.assert_close(read["state_dict"]["layer.weight"], WEIGHTS["layer.weight"])


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_checkpoint_says_so(tmp_path, content):
    (tmp_path / "bad.pth").write_bytes(content)
    with pytest.raises(KDError, match="cannot be read as a PyTorch checkpoint"):
        load_checkpoint(tmp_path / "bad.pth")


def test_a_checkpoint_cut_short_says_so(tmp_path):
    torch.save({"state_dict": {"w": torch.zeros(1000)}}, tmp_path / "whole.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "whole.pth").read_bytes()[:-500])
    with pytest.raises(KDError, match="may be cut short"):
        load_checkpoint(tmp_path / "cut.pth")


def test_a_checkpoint_that_is_a_list_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(KDError, match="holds a list, but a mapping with weights was wanted"):
        load_checkpoint(tmp_path / "list.pth")


def test_weights_lose_the_prefix_of_data_parallel_training():
    assert list(state_dict_of({"state_dict": {"module.a.weight": torch.ones(1)}}, Path("x"))) == ["a.weight"]


def test_weights_without_a_wrapper_are_found():
    assert list(state_dict_of(WEIGHTS, Path("x"))) == ["layer.weight"]


def test_a_checkpoint_without_weights_says_what_it_has():
    with pytest.raises(KDError, match="its keys are optimizer, epoch, but 'state_dict' was wanted"):
        state_dict_of({"optimizer": {}, "epoch": 1}, Path("x"))


def test_sha256_of_a_known_text(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    # NIST FIPS 180-2, appendix B.1
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_missing_file_says_where_it_goes(tmp_path):
    with pytest.raises(KDError, match=r"teacher t: there is no file .*gone\.pth\. Put it there"):
        checked_file(tmp_path / "gone.pth", "teacher t", None)


@pytest.mark.parametrize("digits", [8, 9, 63, 64])
def test_the_first_digits_of_a_sha256_will_do(tmp_path, digits):
    (tmp_path / "abc").write_bytes(b"abc")
    whole = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert checked_file(tmp_path / "abc", "teacher t", whole[:digits]) == whole


@pytest.mark.parametrize("sha256", ["ba7816bf9", "ba7816b", ""])
def test_other_digits_or_too_few_will_not(tmp_path, sha256):
    (tmp_path / "abc").write_bytes(b"abc")
    with pytest.raises(KDError, match="has SHA-256 ba7816bf8.* was wanted"):
        checked_file(tmp_path / "abc", "teacher t", sha256)


def test_a_wrong_sha256_names_both(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    with pytest.raises(KDError, match=f"has SHA-256 ba7816bf.*, but {'0' * 64} was wanted"):
        checked_file(tmp_path / "abc", "teacher t", "0" * 64)


class _Harmless:
    """Of a class that no checkpoint needs."""


@pytest.mark.parametrize("content", [_Harmless(), b"\x80\x02]q\x00.", "torchscript"])
def test_no_message_passes_on_advice_to_load_unsafely(tmp_path, content):
    path = tmp_path / "bad.pth"
    if content == "torchscript":
        torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save({"state_dict": WEIGHTS, "more": content}, path)
    with pytest.raises(KDError) as error:
        load_checkpoint(path)
    for advice in ("weights_only", "trust the source", "add_safe_globals", "still be loaded"):
        assert advice not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "checkpoint",
    [{}, {"meta": None}, {"meta": [1]}, {"meta": "text"}, {"meta": {"dataset_meta": 3}}],
)
def test_metadata_in_another_form_says_nothing_of_joints(checkpoint):
    assert joints_of(checkpoint, Path("x")) == ()


@pytest.mark.parametrize("names", ["nose", 5, {"nose": 0}, {0: 1}, {0: "nose", "one": "eye"}, {None: "nose"}])
def test_joint_names_that_are_not_in_mmposes_form_are_refused(names):
    with pytest.raises(
        KDError, match="keypoint_id2name is .* a mapping of numbers to joint names was wanted"
    ):
        joints_of({"meta": {"dataset_meta": {"keypoint_id2name": names}}}, Path("x"))


def test_joint_names_are_in_the_order_of_their_numbers_whatever_these_are_written_as():
    meta = {"keypoint_id2name": {"10": "c", 2: "b", "0": "a"}}
    assert joints_of({"meta": {"dataset_meta": meta}}, Path("x")) == ("a", "b", "c")


def test_entries_among_the_weights_that_are_none_are_left_out():
    assert list(
        state_dict_of({"state_dict": {"a": torch.ones(1), "b": "text", 3: torch.ones(1)}}, Path("x"))
    ) == ["a"]
