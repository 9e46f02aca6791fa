import csv
import json
import shutil
from pathlib import Path

import pytest
from lamp_workspace import kd, refused

pytestmark = pytest.mark.xdist_group("ablate")

CROPS, FLIP_TEST = 3, 2


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_teachers_are_asked_in_extraction_and_never_by_a_run(ablated):
    assert ablated.extraction_passes >= CROPS * FLIP_TEST
    records = [json.loads((ablated.folder / arm / "seed0/run.json").read_text()) for arm in ("gt", "kd")]
    assert [record["teacher_forward_passes"] for record in records] == [0, 0]
    assert [list(record["data"]["train"]["street-train"]["stores"]) for record in records] == [[], ["lamp"]]
    assert "Teacher forward passes: 0, in the training and evaluation of 2 runs." in ablated.output


@pytest.mark.slow
def test_a_failed_run_is_reported_at_the_end_and_does_not_stop_the_others(ablated):
    assert ablated.exit_code == 2
    assert "[3/3]" in ablated.output and ablated.output.count("PCK20 ") >= 2
    end = ablated.output[ablated.output.index("Error: ") :]
    assert end.startswith("Error: 1 of 3 runs failed. [lost seed 0] ") and ".png" in end
    assert "Traceback" not in ablated.output
    assert "Not finished: lost seed 0." in (ablated.folder / "table.md").read_text()


@pytest.mark.slow
def test_table_csv_and_plot_lie_beside_the_runs(ablated):
    assert (ablated.folder / "table.md").read_text() in ablated.output
    details = json.loads((ablated.folder / "kd/seed0/evaluation/details.json").read_text())
    found = {
        row["metric"]: float(row["value"])
        for row in rows(ablated.folder / "results.csv")
        if (row["arm"], row["kind"]) == ("kd", "dataset")
    }
    assert found == pytest.approx(details["street-train"]["student"])
    assert [(row["arm"], row["dataset"]) for row in rows(ablated.folder / "paired.csv")] == [
        ("kd", "street-train"),
        ("kd", "mean"),
        ("kd", "feet"),
    ]
    taught = [row for row in rows(ablated.folder / "teachers.csv") if row["kind"] != "dataset"]
    assert [(row["teacher"], row["kind"], row["dataset"]) for row in taught] == [
        ("lamp", "mean", "mean"),
        ("lamp", "group", "feet"),
    ]
    assert "| lamp (teacher) |" in ablated.output
    assert (ablated.folder / "plot.png").stat().st_size > 10_000
    assert (ablated.folder / "plot.svg").read_text().startswith("<?xml")


@pytest.mark.slow
def test_run_again_only_what_is_changed_or_unfinished_runs(ablated, write_file, tmp_path):
    root = Path(shutil.copytree(ablated.root, tmp_path / "workspace"))
    file = write_file(root, arms={"gt": {"distill.weight": 0}, "kd": {"distill.weight": 2.0}, "kd3": {}})
    assert kd(root, "ablate", file, "--dry-run").splitlines() == [
        "gt seed 0: finished",
        "kd seed 0: to run again (distill.weight: 1.0 -> 2.0)",
        "kd3 seed 0: to run",
        "1 of 3 runs are finished.",
    ]
    written = {path.parts[-3]: path.stat().st_mtime_ns for path in root.rglob("run.json")}
    printed = kd(root, "ablate", file, "--only", "gt", "--only", "kd")
    assert "[1/2] gt seed 0: finished before, PCK20 " in printed and "[2/2] kd seed 0: " in printed
    assert "Not finished: kd3 seed 0." in printed
    now = {path.parts[-3]: path.stat().st_mtime_ns for path in root.rglob("run.json")}
    assert [arm for arm in now if now[arm] != written.get(arm)] == ["kd"]


@pytest.mark.slow
def test_the_table_alone_is_made_again_without_crops_or_stores(ablated, tmp_path):
    root = Path(shutil.copytree(ablated.root, tmp_path / "workspace"))
    for folder in ("crops", "stores"):
        shutil.rmtree(root / folder)
    before = (root / "ablations/toy/table.md").read_text()
    (root / "ablations/toy/table.md").unlink()
    assert before in kd(root, "ablate", str(root / "ablation.yaml"), "--table")
    assert (root / "ablations/toy/table.md").read_text() == before


def test_a_missing_store_stops_before_the_first_run(workspace, write_file):
    message = refused(workspace, "ablate", write_file(workspace))
    assert "arm kd: there is no store" in message and "kd-pipeline extract-teachers" in message
    assert not (workspace / "ablations").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline": "gt_joint"}, "baseline: there is no arm 'gt_joint'"),
        ({"grid": {"train.learning_rate": [0.001, 5]}}, "arm learning_rate=5: train.learning_rate is 5"),
        ({"arms": {"gt": {"train.datasets": ["ally-train"]}}}, "Did you mean 'alley-train'?"),
    ],
)
def test_a_wrong_file_stops_before_the_first_run(workspace, write_file, changes, message):
    assert message in refused(workspace, "ablate", write_file(workspace, **changes))
    assert not (workspace / "ablations").exists()


def test_an_unknown_arm_is_answered_with_the_nearest(workspace, write_file):
    message = refused(workspace, "ablate", write_file(workspace), "--only", "kdd")
    assert message.startswith("Error: there is no arm 'kdd'. Did you mean 'kd'?")


def test_a_folder_of_something_else_is_left_alone(workspace, write_file):
    theirs = workspace / "ablations/toy/gt/seed0/notes.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    file = write_file(workspace, arms={"gt": {"distill.weight": 0}})
    assert "did not make" in refused(workspace, "ablate", file)
    assert [path.name for path in theirs.parent.iterdir()] == ["notes.txt"] and theirs.read_text() == "mine"
