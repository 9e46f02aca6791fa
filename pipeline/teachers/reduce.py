"""Storing a teacher's heatmaps smaller than it makes them.

Cells are averaged over whole blocks, so a reduced cell lies in the middle of its block and the geometry
follows exactly. Legend: B crops, K joints, H and W rows and columns.
"""

import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn.functional import avg_pool2d

from pipeline.errors import KDError
from pipeline.geometry import MapGeometry
from pipeline.teachers.decode import decode_subcell

MEASURED_PEAK = 0.1
"""The least peak of a map that is sharp enough to measure how far its joint moved."""


def reduced_geometry(teacher: str, made: MapGeometry, storage_size: tuple[int, int] | None) -> MapGeometry:
    """Geometry of maps reduced to `storage_size` (width, height); `made` where that is None.

    Raises:
        KDError: the maps are no heatmaps, or `storage_size` does not divide their size.
    """
    if storage_size is None or storage_size == made.size:
        return made
    if made.kind != "heatmap":
        raise KDError(
            f"teacher {teacher} has storage_size {storage_size}, but it makes SimCC vectors, which are "
            "stored whole. Remove storage_size."
        )
    if made.size[0] % storage_size[0] or made.size[1] % storage_size[1]:
        raise KDError(
            f"teacher {teacher} has storage_size {storage_size}, but its heatmaps of {made.size} (width, "
            "height) can only be reduced by whole factors. Give a size that divides theirs."
        )
    block = made.size[0] // storage_size[0], made.size[1] // storage_size[1]
    scale, offset = made.scale, made.offset
    return MapGeometry(
        "heatmap",
        storage_size,
        (scale[0] * block[0], scale[1] * block[1]),
        (offset[0] + scale[0] * (block[0] - 1) / 2, offset[1] + scale[1] * (block[1] - 1) / 2),
    )


def reduce_heatmaps(
    heatmap_BKHW: Float32[Tensor, "B K H W"], size: tuple[int, int]
) -> Float32[Tensor, "B K Hs Ws"]:
    """Means over the blocks that `size` (width, height) divides the maps into."""
    height, width = heatmap_BKHW.shape[2:]
    if (width, height) == size:
        return heatmap_BKHW
    return avg_pool2d(heatmap_BKHW, (height // size[1], width // size[0]))


def reduction_drift(
    heatmap_BKHW: Float32[Tensor, "B K H W"], made: MapGeometry, stored: MapGeometry
) -> dict[str, float]:
    """How far a joint moves, in input pixels, when it is decoded from the stored map instead of the made one.

    `joints` with a peak over MEASURED_PEAK were measured; where there was none, their drift is left out.
    """
    full, small = (
        decode_subcell(map_BKHW).cpu().double().numpy()
        for map_BKHW in (heatmap_BKHW, reduce_heatmaps(heatmap_BKHW, stored.size))
    )
    drift_BK2 = torch.from_numpy(made.to_input(full) - stored.to_input(small))
    drift = drift_BK2.norm(dim=-1)[heatmap_BKHW.amax(dim=(2, 3)).cpu() > MEASURED_PEAK]
    if not len(drift):
        return {"joints": 0.0}
    p50, p99 = (float(drift.quantile(q)) for q in (0.5, 0.99))
    return {"joints": float(len(drift)), "drift_p50_px": p50, "drift_p99_px": p99}
