"""Every link within the repository leads somewhere, and every file that is named is there."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = sorted((REPOSITORY / "docs").rglob("*.md"))
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *DOCS]


def anchors(page: Path) -> set[str]:
    """Those of a page's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_every_relative_link_leads_to_a_file_and_its_heading(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        place, _, anchor = target.partition("#")
        if "://" in place:
            continue
        found = (page.parent / place).resolve() if place else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@pytest.mark.parametrize("index", ["docs/index.md", "docs/decisions/index.md"])
def test_an_index_links_every_page_beside_it(repository: Path, index: str):
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (repository / index).read_text(encoding="utf-8")))
    pages = {page.name for page in (repository / index).parent.glob("*.md")}
    assert linked == pages - {"index.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_every_file_of_the_code_that_a_page_names_is_there(page: Path):
    named = re.findall(
        r"`((?:pipeline|student|stages|demo|benchmarks|tests)/[\w./-]*)`", page.read_text(encoding="utf-8")
    )
    assert [path for path in named if not (REPOSITORY / path).exists()] == []
