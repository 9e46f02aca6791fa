"""Hashes of plain values, and the seal of a JSON object."""

import json

import pytest

from pipeline.files.hashes import SEAL, check_seal, sealed_json


def test_a_sealed_object_comes_back_through_json_and_passes():
    value = sealed_json({"pair": (1, 2), "nested": {"nan": float("nan")}})
    check_seal(json.loads(json.dumps(value)))
    assert value["pair"] == [1, 2] and list(value)[-1] == SEAL


@pytest.mark.parametrize("change", [{"a": 2}, {"b": 1}, {SEAL: "0" * 64}, {SEAL: None}])
def test_any_change_is_noticed(change):
    with pytest.raises(ValueError, match="does not match the hash"):
        check_seal(sealed_json({"a": 1}) | change)


def test_an_object_of_an_earlier_version_has_no_seal_and_passes():
    assert check_seal({"a": 1}) is None
