"""The figures of `kd-pipeline fidelity` as a table."""

from collections.abc import Mapping
from typing import Any

_HEADER = ("", "bytes", "joints", "ties", "p50", "p90", "p99", "max px", "KL", "KL sure", "RMSE")


def fidelity_table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each cell (`teacher/dataset`) and below it one for each of its joints."""
    lines = [_HEADER]
    for cell, values in figures.items():
        lines.append((cell, f"{values['bytes_per_crop']:.0f}", *_figures(values["all_joints"])))
        lines += [(f"  {joint}", "", *_figures(figures)) for joint, figures in values["joints"].items()]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADER))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _figures(figures: Mapping[str, Any]) -> tuple[str, ...]:
    drifts = (_number(figures[f"drift_p{p}_px"]) for p in (50, 90, 99, 100))
    others = (_number(figures[name]) for name in ("kl_nats", "kl_nats_sure", "relative_rmse"))
    return (str(figures["joints_measured"]), str(figures["ties"]), *drifts, *others)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
