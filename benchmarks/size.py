"""What maps take on disk, representation by representation: `python -m benchmarks.size --json`.

Real teachers answer some crops of real photographs; each representation of their maps is compressed, a crop
at a time, and compared with the maps. The last lines are no representation but bounds on what another coder
of the chosen bytes could reach: their entropy by themselves, and given the two neighbours that came before.
Needs the real-data pack.
"""

import json
from collections.abc import Iterator
from typing import Any

import click
import numpy as np
import torch
from jaxtyping import UInt8

from benchmarks.cases.cell_case import REAL, pack, table_for, teacher_called
from pipeline.errors import KDError
from pipeline.extraction.crop_batches import CropBatches
from pipeline.extraction.teacher_rows import teacher_rows
from pipeline.params import ExtractParams
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.format.quantise import differences, running_sum
from pipeline.store.format.shard_file import encode_chunk
from pipeline.teachers.teacher import Teacher

LEVELS = (3, 9, 19)
CANDIDATES = {
    "float16": ExtractParams(preset="exact"),
    "steps of 1, floor 5": ExtractParams(step=1, quiet=0.0),
    "steps of 2, floor 5": ExtractParams(quiet=0.0),
    "balanced": ExtractParams(),
    "compact": ExtractParams(preset="compact"),
}


@click.command()
@click.option("--teacher", "teachers", multiple=True, type=click.Choice(list(REAL)), default=list(REAL))
@click.option("--crops", default=64, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(teachers: tuple[str, ...], crops: int, as_json: bool) -> None:
    """Bytes a crop at several zstd levels, drift and error, for every teacher and representation."""
    try:
        results = {name: sizes(teacher_called(name, flip_test=False), crops) for name in teachers}
    except KDError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(results, indent=2) if as_json else _table(results))


def sizes(teacher: Teacher, crops: int) -> dict[str, Any]:
    """By representation."""
    batches = CropBatches(table_for("", crops, pack()), teacher.crop)
    request = batches.request(np.arange(crops))
    results: dict[str, Any] = {}
    for name, params in CANDIDATES.items():
        codec = MapCodec.of(params, teacher.map.kind, teacher.beta)
        rows = teacher_rows(teacher, request, codec)
        drift = rows.drift_BK[~np.isnan(rows.drift_BK)].astype(float)
        maps = [values for array, values in rows.maps.arrays().items() if array.startswith("map")]
        results[name] = {
            "raw_bytes": sum(values[0].nbytes for values in maps),
            **{f"zstd_{level}": sum(_compressed(values, level) for values in maps) for level in LEVELS},
            "drift_p99_px": float(np.percentile(drift, 99)) if drift.size else None,
            "max_error": float(rows.error_BK.max()),
        }
        if name == "balanced":
            results[name] |= _other_order(maps, teacher.map.kind)
            results["bounds of balanced"] = _bounds([_plain(values, teacher.map.kind) for values in maps])
    return results


def _compressed(maps_BKN: np.ndarray, level: int) -> float:
    """Bytes a crop, checksum included."""
    return sum(len(encode_chunk(row[None], level)) for row in maps_BKN) / len(maps_BKN)


def _plain(maps_BKN: UInt8[np.ndarray, "b k *n"], kind: str) -> UInt8[np.ndarray, "b k *n"]:
    """As bytes of cells, not of differences."""
    return maps_BKN if kind == "heatmap" else running_sum(torch.from_numpy(maps_BKN)).numpy()


def _other_order(maps: list[np.ndarray], kind: str) -> dict[str, float]:
    """The same bytes with differences where they are stored without, and the other way round."""
    if kind == "simcc":
        other = {"without_differences": [_plain(values, kind) for values in maps]}
    else:
        along_x = differences(torch.from_numpy(maps[0]))
        along_both = differences(along_x.transpose(-1, -2)).transpose(-1, -2)
        other = {
            "with_differences_along_x": [along_x.numpy()],
            "with_differences_along_x_and_y": [np.ascontiguousarray(along_both.numpy())],
        }
    return {
        f"zstd_{level}_{name}": sum(_compressed(values, level) for values in arrays)
        for level in LEVELS
        for name, arrays in other.items()
    }


def _bounds(maps: list[np.ndarray]) -> dict[str, float]:
    """Bytes a crop, of all maps together."""
    crops = len(maps[0])
    alone = sum(_entropy_bits(values.astype(np.int64)) for values in maps)
    given = sum(_conditional_bits(values) for values in maps)
    return {
        "entropy": alone / 8 / crops,
        "entropy_given_two_neighbours": given / 8 / crops,
    }


def _entropy_bits(symbols: np.ndarray) -> float:
    """Of all symbols together, at their own frequencies."""
    counts = np.unique(symbols, return_counts=True)[1]
    return float(-(counts * np.log2(counts / counts.sum())).sum())


def _conditional_bits(maps: np.ndarray) -> float:
    """Given the cell to the left and the one above (of a vector: the two to the left), in 16 classes each.

    With finer classes, the table of frequencies would itself be as large as what it saves.
    """
    first, second = (_class(values) for values in _neighbours(maps))
    context = first * 16 + second
    pair = context.astype(np.int64) * 256 + maps
    return _entropy_bits(pair) - _entropy_bits(context)


def _neighbours(maps: np.ndarray) -> Iterator[np.ndarray]:
    left = np.zeros_like(maps)
    left[..., 1:] = maps[..., :-1]
    yield left
    other = np.zeros_like(maps)
    if maps.ndim == 4:
        other[..., 1:, :] = maps[..., :-1, :]
    else:
        other[..., 2:] = maps[..., :-2]
    yield other


def _class(values: np.ndarray) -> np.ndarray:
    """0 by itself, the others on a logarithmic scale."""
    return np.where(values == 0, 0, np.minimum(1 + np.log2(np.maximum(values, 1)) * 2, 15)).astype(np.int64)


def _table(results: dict[str, Any]) -> str:
    lines = []
    for teacher, candidates in results.items():
        lines.append(teacher)
        for name, figures in candidates.items():
            shown = (f"{key} {_number(value)}" for key, value in figures.items() if value is not None)
            lines.append(f"  {name:<22}" + "  ".join(shown))
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.4f}" if value < 10 else f"{value:.0f}"


if __name__ == "__main__":
    main()
