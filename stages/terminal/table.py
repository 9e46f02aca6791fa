"""Plain tables for the terminal."""

from collections.abc import Collection, Sequence

_UNITS = ("B", "kB", "MB", "GB", "TB")


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """Rows of equally many cells as lines of columns, two spaces apart; those in `right` end together."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def size_of(count: int) -> str:
    """Bytes with three digits and a decimal unit."""
    power = 0
    while count / 1000**power >= 999.5 and power < len(_UNITS) - 1:
        power += 1
    return f"{count / 1000**power:.3g} {_UNITS[power]}"
