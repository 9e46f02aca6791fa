"""What a store is and what it was made from, for people and for programs."""

from pathlib import Path
from typing import Any

from pipeline.store.format.provenance import CellProvenance
from pipeline.store.store import Store, open_store


def store_info(path: Path) -> dict[str, Any]:
    """The store's attributes, how much of it is there, and its size on disk.

    Looks at file names only; `verify_store` looks inside.

    Raises:
        KDError: there is no store, or its metadata is damaged.
    """
    store = open_store(path)
    shards = store.layout.shards
    there = len(shards) - len(store.absent())
    return {
        "path": str(path),
        "complete": there == len(shards),
        "shards": len(shards),
        "shards_there": there,
        "bytes": bytes_by_array(store),
        "attributes": store.attributes,
    }


def bytes_by_array(store: Store) -> dict[str, int]:
    """Bytes of the shard files of each array."""
    return {array.name: _size(store.path / array.name) for array in store.layout.arrays}


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("c.*"))


def describe_store(path: str, info: dict[str, Any]) -> str:
    """`store_info` for reading: a line per fact, then all that the store depends on."""
    attributes = info["attributes"]
    geometry = attributes["map_geometry"]
    (width, height), (input_width, input_height) = geometry["size"], attributes["crop_geometry"]["input_size"]
    total = sum(info["bytes"].values())
    state = "complete" if info["complete"] else f"{info['shards_there']} of {info['shards']} shards"
    facts = {
        "teacher": f"{attributes['teacher']}, {attributes['convention']['name']}"
        f" ({len(attributes['convention']['joints'])} joints), flip test {_on(attributes['flip_test'])}",
        "dataset": f"{attributes['dataset']}, {attributes['crops']} crops, {state}",
        "maps": f"{geometry['kind']} {width} x {height} of input {input_width} x {input_height}",
        "size": f"{total / 1e6:.1f} MB" + _per_crop(attributes),
        "fidelity": _fidelity(attributes.get("fidelity")),
        "codec": ", ".join(f"{name} {value}" for name, value in attributes["codec"].items()),
        "created": f"{attributes['created_at']}, format {attributes['format_version']}",
        "checkpoint": str(attributes["checkpoint_sha256"]),
        "provenance": attributes["provenance_sha256"],
    }
    depends = [f"    {name:<28}{value}" for name, value in _provenance(attributes)]
    return "\n".join([path, *(f"  {name:<12}{fact}" for name, fact in facts.items()), *depends])


def _provenance(attributes: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of everything that is set, long values shortened."""
    stored = CellProvenance(attributes["provenance"])
    return [(name, value) for name, value, _ in stored.changes(CellProvenance({}))]


def _on(flag: bool) -> str:
    return "on" if flag else "off"


def _per_crop(attributes: dict[str, Any]) -> str:
    fidelity = attributes.get("fidelity")
    return f", {fidelity['bytes_per_crop']['total']:.0f} bytes a crop" if fidelity else ""


def _fidelity(fidelity: dict[str, Any] | None) -> str:
    if not fidelity:
        return "measured when the cell is complete"
    if not fidelity["joints_measured"]:
        return "no joint was sure enough to measure drift"
    return (
        f"drift p50 {fidelity['drift_p50_px']:.3f} px, p99 {fidelity['drift_p99_px']:.3f} px"
        f" ({fidelity['joints_measured']} joints), largest error {fidelity['max_error']:.4f} of the peak"
    )
