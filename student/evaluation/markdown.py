"""Markdown tables whose columns also line up as plain text."""

from collections.abc import Sequence


def markdown_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, the first of `rows` its heading; the first column is names, the others numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    rule = "|".join(["", "-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:]), ""])
    return [lines[0], rule, *lines[1:]]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
    return "| " + " | ".join(cells) + " |"
