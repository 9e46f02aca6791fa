"""The generated pages are those of the code."""

from pathlib import Path

import pytest

from stages.documentation.generated import generated_pages, with_tables

PAGES = ("docs/settings.md", "docs/commands.md", "docs/conventions.md")


@pytest.fixture(scope="module")
def generated(repository: Path) -> dict[str, str]:
    return generated_pages(repository)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_in_the_repository_is_what_the_code_says(
    repository: Path, generated: dict[str, str], page: str
):
    found = (repository / page).read_text(encoding="utf-8")
    assert found == generated[page], f"{page} is not what the code says now. Make it again: make docs"


def test_only_what_stands_between_the_marks_is_made_again():
    page = "before\n<!-- generated: conventions -->\nold\n<!-- end of generated -->\nafter\n"
    made = with_tables(page)
    assert made.startswith("before\n<!-- generated: conventions -->\n| name |")
    assert made.endswith("|\n<!-- end of generated -->\nafter\n")
    assert "old" not in made
    assert with_tables(made) == made
