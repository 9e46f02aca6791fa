"""docs/settings.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.documentation.settings_page import settings_page
from stages.documentation.watching_stages import WatchingStages


@pytest.fixture(scope="module")
def rows(repository: Path) -> dict[str, list[str]]:
    """By setting, the cells behind its name."""
    page = settings_page(WatchingStages.read(repository / "dvc.yaml"))
    return {cells[0].strip("`"): cells[1:] for cells in _cells(page) if cells[0].startswith("`")}


def _cells(page: str) -> Iterator[list[str]]:
    for line in page.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


@pytest.mark.parametrize(
    ("setting", "values", "default", "again"),
    [
        ("train.learning_rate", "number, above 0 to 1", "`0.001`", "`train`"),
        ("train.clip_grad_norm", "number, above 0", "`5.0`", "`train`"),
        ("train.epochs", "integer, 1 to 10000", "`100`", "`train`"),
        ("train.ema_decay", "number, 0 to under 1", "`0.999`", "`train`"),
        ("train.sampling_caps", "name → integer, 1 or more", "`{}`", "`train`"),
        ("distill.loss", "`kl`, `mse`, `peak_mse`", "`kl`", "`train`"),
        ("student.input_size", "2 of: integer, 8 to 4096", "`[192, 256]`", "`train`"),
        ("evaluate.students", "name → text", "`{}`", "`evaluate`"),
        ("extract.views.count", "integer, 0 to 32", "`0`", "`extract@<name>`"),
        ("cells.datasets", "list of text (one or more)", "—", "`extract@<name>`, `train`, `evaluate`"),
        ("cells.teachers", "list of text (one or more)", "—", "`train`, `evaluate`"),
        ("datasets.<name>.boxes", "text", "none", "`index@<name>`"),
        ("teachers.<name>.flip_test", "true, false", "`true`", "`extract@<name>`, `train`, `evaluate`"),
        ("runtime.workers", "integer, or `auto`", "`auto`", "nothing"),
    ],
)
def test_a_setting_has_its_values_its_default_and_the_stages_that_run_again(
    rows: dict[str, list[str]], setting: str, values: str, default: str, again: str
):
    assert rows[setting][:3] == [values, default, again]


def test_every_setting_has_a_meaning(rows: dict[str, list[str]]):
    assert len(rows) > 100
    assert [setting for setting, cells in rows.items() if not cells[3]] == []
