"""A store's maps against the teacher that made them, run again.

Legend: B crops, K joints, N cells of a map (both axes' bins, for SimCC).
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from pipeline.datasets.crop_table import CropTable
from pipeline.device import resolve_device
from pipeline.errors import KDError
from pipeline.extraction.crop_batches import CropBatches
from pipeline.extraction.teacher_rows import own_joints
from pipeline.params import ExtractParams, RuntimeParams
from pipeline.store.format.cell import CellSpec
from pipeline.store.format.layout import NO_CROP
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.format.rows import RowKeys
from pipeline.store.manage.fidelity import map_drift
from pipeline.store.manage.info import bytes_by_array
from pipeline.store.read.reader import StoreReader
from pipeline.store.store import Store, open_store
from pipeline.teachers.maps import HeatmapOutput, Maps, TeacherOutput
from pipeline.teachers.teacher import Teacher

_TINY = 1e-12
_PERCENTILES = (50, 90, 99, 100)


@dataclass(frozen=True)
class LiveFidelity:
    """Joint by joint, how far stored maps are from made ones.

    `drift_BK`: input pixels, NaN where the teacher saw too little. `divergence_BK`: Kullback-Leibler
    divergence of the stored map from the made one, both normalised to distributions (SimCC: the sum over
    both axes), nats. `rmse_BK`: root of the mean squared difference of their weights (see `map_error`),
    relative to that of the made ones. `tied_BK`: the made map has its maximum more than once.
    """

    joints: tuple[str, ...]
    drift_BK: Float64[np.ndarray, "b k"]
    divergence_BK: Float64[np.ndarray, "b k"]
    rmse_BK: Float64[np.ndarray, "b k"]
    tied_BK: Bool[np.ndarray, "b k"]

    def summary(self) -> dict[str, Any]:
        """Over all joints; see `_summary_of`."""
        return {"crops": len(self.drift_BK), **self._summary_of(slice(None))}

    def by_joint(self) -> dict[str, dict[str, Any]]:
        return {joint: self._summary_of(slice(k, k + 1)) for k, joint in enumerate(self.joints)}

    def _summary_of(self, joints: slice) -> dict[str, Any]:
        """Percentiles of drift without ties (which are counted), means of the others; None where nothing was
        measured."""
        drift, tied = self.drift_BK[:, joints], self.tied_BK[:, joints]
        measured = drift[~np.isnan(drift) & ~tied]
        sure = ~np.isnan(drift)
        percentiles = np.percentile(measured, _PERCENTILES).tolist() if measured.size else [None] * 4
        return {
            "joints_measured": int(measured.size),
            "ties": int(tied.sum()),
            **{f"drift_p{p}_px": value for p, value in zip(_PERCENTILES, percentiles, strict=True)},
            "kl_nats": float(self.divergence_BK[:, joints].mean()),
            "kl_nats_sure": float(self.divergence_BK[:, joints][sure].mean()) if sure.any() else None,
            "relative_rmse": float(np.sqrt((self.rmse_BK[:, joints] ** 2).mean())),
        }


@dataclass(frozen=True)
class SampledRows:
    """Some rows of a store, and the positions of their crops in the wanted keys."""

    row_S: Int64[np.ndarray, " s"]
    key_S: Int64[np.ndarray, " s"]


def draw_sample(store: Store, wanted: RowKeys, count: int) -> SampledRows:
    """Up to `count` rows of wanted crops, evenly over the store.

    Raises:
        KDError: the store holds none of them, or is damaged.
    """
    position = {key: number for number, key in enumerate(wanted.tuples())}
    stored = RowKeys(*(store.column(array.name) for array in store.layout.keys))
    pairs = [(row, position[key]) for row, key in enumerate(stored.tuples()) if key in position]
    if not pairs:
        raise KDError(
            f"{store.path} holds none of the {len(wanted)} crops of the crop table, so there is nothing to "
            f"compare. Extract them: {store.remedy}"
        )
    chosen = np.linspace(0, len(pairs) - 1, min(count, len(pairs))).round().astype(np.int64)
    row_S, key_S = np.array(pairs, dtype=np.int64)[chosen].T
    return SampledRows(row_S, key_S)


def measure_cell(
    path: Path,
    teacher: Teacher,
    table: CropTable,
    extract: ExtractParams,
    runtime: RuntimeParams,
    crops: int,
) -> tuple[LiveFidelity, float]:
    """Some crops of a complete store against its teacher; and the bytes of a crop on disk.

    Raises:
        KDError: the store is missing, incomplete, damaged, or of another teacher or other params.
    """
    store = open_store(path, CellSpec.of(teacher, table, extract).provenance)
    batches = CropBatches(table, teacher.crop, extract.views)
    measured = measure(store, draw_sample(store, batches.keys, crops), teacher, batches, runtime)
    rows = int((store.column("crop_id") != NO_CROP).sum())
    return measured, sum(bytes_by_array(store).values()) / rows


def measure(
    store: Store, sample: SampledRows, teacher: Teacher, batches: CropBatches, runtime: RuntimeParams
) -> LiveFidelity:
    """Show the teacher the crops of these rows once more, and compare.

    Raises:
        KDError: an image is gone or has changed; the store is damaged.
    """
    reader = StoreReader(store.path)
    parts = []
    for start in range(0, len(sample.row_S), runtime.batch_size):
        stop = start + runtime.batch_size
        request = batches.request(sample.key_S[start:stop])
        images_BHW3 = request.images_BHW3.to(resolve_device(runtime.device))
        output = own_joints(teacher.predict(images_BHW3), request.mirrored_B, teacher)
        parts.append(compare(reader, sample.row_S[start:stop], output, teacher))
    joined = (np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(parts[0])[1:])
    return LiveFidelity(parts[0].joints, *joined)


@torch.inference_mode()
def compare(
    reader: StoreReader, row_B: Int64[np.ndarray, " b"], output: TeacherOutput, teacher: Teacher
) -> LiveFidelity:
    """The stored maps of these rows against the teacher's answers to the same crops."""
    attributes = reader.attributes
    codec = MapCodec.from_json(attributes["map_geometry"]["kind"], attributes["codec"])
    arrays = reader.read(row_B).maps.arrays()
    stored = codec.decode({name: torch.from_numpy(array) for name, array in arrays.items()})
    made = _on_cpu(output.maps)
    output = TeacherOutput(made, output.keypoints_BK2, output.confidence_BK)
    pairs = list(zip(_weights(made, codec.sharpness), _weights(stored, codec.sharpness), strict=True))
    return LiveFidelity(
        joints=tuple(teacher.convention.joints),
        drift_BK=map_drift(output, stored, teacher.map).double().numpy(),
        divergence_BK=sum(_divergence(p, q) for p, q in pairs).numpy(),
        rmse_BK=_relative_rmse(*(torch.cat(side, dim=-1) for side in zip(*pairs, strict=True))).numpy(),
        tied_BK=torch.stack([_tied(weight) for weight, _ in pairs]).any(0).numpy(),
    )


def _on_cpu(maps: Maps) -> Maps:
    if isinstance(maps, HeatmapOutput):
        return HeatmapOutput(maps.heatmap_BKHW.cpu())
    return type(maps)(maps.x_BKW.cpu(), maps.y_BKW.cpu())


def _weights(maps: Maps, sharpness: float | None) -> list[Float64[Tensor, "b k n"]]:
    """As fractions of the peak: of the heatmap, or of each axis."""
    if isinstance(maps, HeatmapOutput):
        value_BKN = maps.heatmap_BKHW.double().clamp(min=0).flatten(2)
        return [value_BKN / value_BKN.amax(dim=-1, keepdim=True).clamp(min=_TINY)]
    axes = (maps.x_BKW.double(), maps.y_BKW.double())
    return [(sharpness * (axis - axis.amax(dim=-1, keepdim=True))).exp() for axis in axes]


def _divergence(made_BKN: Float64[Tensor, "b k n"], stored_BKN: Float64[Tensor, "b k n"]) -> Tensor:
    p_BKN, q_BKN = (
        (weight + _TINY) / (weight + _TINY).sum(dim=-1, keepdim=True) for weight in (made_BKN, stored_BKN)
    )
    return (p_BKN * (p_BKN / q_BKN).log()).sum(dim=-1)


def _relative_rmse(made_BKN: Float64[Tensor, "b k n"], stored_BKN: Float64[Tensor, "b k n"]) -> Tensor:
    scale_BK = made_BKN.square().sum(dim=-1).clamp(min=_TINY)
    return ((made_BKN - stored_BKN).square().sum(dim=-1) / scale_BK).sqrt()


def _tied(weight_BKN: Float64[Tensor, "b k n"]) -> Tensor:
    return (weight_BKN == weight_BKN.amax(dim=-1, keepdim=True)).sum(dim=-1) > 1
