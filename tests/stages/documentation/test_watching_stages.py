"""Which stages run again when a setting changes."""

from pathlib import Path

from stages.documentation.watching_stages import WatchingStages

DVC = """
stages:
  index:
    foreach: ${datasets}
    do: {cmd: index, params: ["datasets.${key}"]}
  train: {cmd: train, params: [train, cells]}
  report: {cmd: report}
"""


def test_a_stage_watches_a_section_with_all_that_is_in_it(tmp_path: Path):
    (tmp_path / "dvc.yaml").write_text(DVC)
    stages = WatchingStages.read(tmp_path / "dvc.yaml")
    assert stages.of("train.augment.flip") == ["train"]
    assert stages.of("cells.teachers") == ["train"]
    assert stages.of("datasets.<name>.images") == ["index@<name>"]
    assert stages.of("training.epochs") == []
