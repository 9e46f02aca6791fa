"""Curves as DVC reads them."""

import csv
import json
from pathlib import Path

from student.training.metrics_log import MetricsLog


def curve(folder: Path, name: str) -> list[tuple[int, float]]:
    path = folder / "plots" / "metrics" / f"{name}.tsv"
    with path.open() as file:
        return [
            (int(row["step"]), float(row[name.split("/")[-1]]))
            for row in csv.DictReader(file, delimiter="\t")
        ]


def test_every_epoch_is_a_row_of_its_curve(tmp_path):
    log = MetricsLog(tmp_path / "dvclive")
    for loss in (3.0, 2.0):
        log.add({"train/loss/total": loss})
    log.close()
    assert curve(tmp_path / "dvclive", "train/loss/total") == [(0, 3.0), (1, 2.0)]
    assert json.loads((tmp_path / "dvclive/metrics.json").read_text())["train"]["loss"]["total"] == 2.0


def test_a_resumed_log_has_every_epoch_once_whatever_the_killed_one_left(tmp_path):
    killed = MetricsLog(tmp_path / "dvclive")
    for loss in (3.0, 2.0, 1.5):
        killed.add({"train/loss/total": loss})
    resumed = MetricsLog(tmp_path / "dvclive", [{"train/loss/total": 3.0}, {"train/loss/total": 2.0}])
    resumed.add({"train/loss/total": 1.0})
    resumed.close()
    assert curve(tmp_path / "dvclive", "train/loss/total") == [(0, 3.0), (1, 2.0), (2, 1.0)]


def test_nothing_but_the_folder_is_written(tmp_path):
    MetricsLog(tmp_path / "dvclive").close()
    assert {entry.name for entry in tmp_path.iterdir()} <= {"dvclive"}
