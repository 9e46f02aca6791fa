"""Calibrations as text tables."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from stages.terminal.table import aligned

if TYPE_CHECKING:
    from student.calibration.teacher_calibration import CalibrationFile
    from student.data.training_data import TrainingData

_HEADING = ("teacher", "labels", "right", "trusted", "exponent", "spread, cells", "one peak", "gain, nats")


def calibration_tables(fitted: "CalibrationFile", training_data: "TrainingData") -> str:
    """One row per teacher, and one line per offset between conventions."""
    rows = [_HEADING]
    for name, calibration in fitted.teachers.items():
        spread_x, spread_y = calibration.spread
        rows.append(
            (
                name,
                str(calibration.labels) if calibration.labels else "too few",
                f"{100 * calibration.right:.1f} %" if calibration.labels else "-",
                f"{100 * calibration.trusted:.1f} %" if calibration.labels else "80 % (default)",
                f"{calibration.exponent:g}",
                f"{spread_x:.2f}, {spread_y:.2f}",
                f"{100 * calibration.sure_share:.1f} %",
                f"{calibration.gain_nats:+.2f}" if calibration.labels else "-",
            )
        )
    return "\n\n".join(part for part in (aligned(rows), offset_lines(fitted.offsets)) if part)


def offset_lines(offsets: Mapping[str, Mapping[str, tuple[float, float]]]) -> str:
    """`mpii16 left_hip: +0.03 along the torso, -0.04 along the shoulders`."""
    return "\n".join(
        f"{convention} {joint}: {along:+.3f} along the torso, {across:+.3f} along the shoulders"
        for convention, joints in offsets.items()
        for joint, (along, across) in joints.items()
    )
