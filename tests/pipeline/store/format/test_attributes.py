"""Attributes whose hash is right and that are nonsense all the same."""

import json
from typing import Any

import pytest

from pipeline.errors import KDError
from pipeline.store.format.attributes import MOST_SHARDS
from pipeline.store.format.cell import group_metadata
from pipeline.store.format.layout import num_shards
from pipeline.store.manage.info import store_info
from pipeline.store.store import open_store


def merged(value: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return value | {
        name: merged(value[name], entry) if isinstance(entry, dict) else entry
        for name, entry in change.items()
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segments": [10**15]}, "segments.0: "),
        ({"segments": [2**31] * 4}, "segments: .* shards, but "),
        ({"segments": [2**30]}, "segments: .* shards, but "),
        ({"segments": []}, "segments: "),
        ({"segments": "many"}, "segments: "),
        ({"segments": [True]}, "segments.0: "),
        ({"segments": None}, "segments: "),
        ({"codec": {"shard_size": 0}}, "codec.shard_size: "),
        ({"codec": {"dtype": "object"}}, "codec.dtype: "),
        ({"codec": {"zstd_level": 23}}, "codec.zstd_level: "),
        ({"codec": None}, "codec: "),
        ({"map_geometry": {"size": [10**9, 10**9]}}, "map_geometry.size.0: "),
        ({"map_geometry": {"kind": "video"}}, "map_geometry.kind: "),
        ({"convention": {"joints": []}}, "convention.joints: "),
        ({"provenance": []}, "provenance: "),
        ({"fidelity": {"joints_measured": "all"}}, "fidelity.joints_measured: "),
        ({"format_version": "2"}, "format_version: "),
        ({"seal_version": None}, "seal_version: "),
    ],
)
def test_they_are_refused_before_a_file_is_looked_for(heatmap_store, change, message):
    attributes = open_store(heatmap_store).attributes
    absurd = group_metadata(merged(attributes, change))
    (heatmap_store / "zarr.json").write_text(json.dumps(absurd))
    with pytest.raises(
        KDError, match=rf"zarr\.json says of the store .*\({message}.*run kd-pipeline extract"
    ):
        store_info(heatmap_store)


def test_shards_are_counted_by_segment():
    assert num_shards([5, 4, 1], shard_size=4) == 2 + 1 + 1
    assert num_shards([MOST_SHARDS * 1024], shard_size=1024) == MOST_SHARDS
