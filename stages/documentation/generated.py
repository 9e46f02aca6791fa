"""Which pages are generated, and from what."""

import re
from collections.abc import Callable
from pathlib import Path

from stages.cli import main
from stages.documentation.commands_page import commands_page
from stages.documentation.convention_table import convention_table
from stages.documentation.settings_page import settings_page
from stages.documentation.watching_stages import WatchingStages

_MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end of generated -->)", re.DOTALL)
TABLES: dict[str, Callable[[], str]] = {"conventions": convention_table}
"""What stands between the marks of a page that is otherwise written by hand, by the name in the mark."""


def generated_pages(repository: Path) -> dict[str, str]:
    """What the pages should say, by their place in the repository."""
    conventions = "docs/conventions.md"
    return {
        "docs/settings.md": settings_page(WatchingStages.read(repository / "dvc.yaml")),
        "docs/commands.md": commands_page(main, "kd-pipeline"),
        conventions: with_tables((repository / conventions).read_text(encoding="utf-8")),
    }


def with_tables(page: str) -> str:
    """A page with what stands between its marks made again."""
    return _MARKED.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}\n{found[3]}", page)
