"""The drift of stored joints, drawn."""

import io
from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Float64

from pipeline.errors import KDError
from pipeline.files.atomic import write_atomically

matplotlib.use("Agg")  # no screen is needed to write a file

from matplotlib import pyplot as plt

_LEAST_PX = 1e-3


def plot_drift(drift_by_cell: Mapping[str, Float64[np.ndarray, "_ _"]], path: Path) -> None:
    """The cumulative share of each cell's joints by their drift in input pixels.

    Raises:
        KDError: the picture cannot be written.
    """
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for cell, drift_BK in drift_by_cell.items():
        drift_M = np.sort(drift_BK[~np.isnan(drift_BK)])
        share_M = np.arange(1, len(drift_M) + 1) / max(len(drift_M), 1)
        axes.step(np.maximum(drift_M, _LEAST_PX), share_M, where="post", label=f"{cell} ({len(drift_M)})")
    axes.axvline(0.1, color="grey", linestyle=":", linewidth=1)
    axes.set(
        xscale="log",
        xlabel=f"drift of the joint, input pixels ({_LEAST_PX:g}: that or less)",
        ylabel="share of the joints",
        ylim=(0, 1.02),
    )
    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)
    try:
        picture = io.BytesIO()
        figure.savefig(picture, dpi=120, format=path.suffix.removeprefix(".").lower() or "png")
    except ValueError as error:
        raise KDError(
            f"the plot {path} cannot be written: {error}. Name a .png, .pdf or .svg file."
        ) from None
    finally:
        plt.close(figure)
    write_atomically(path, picture.getvalue())
