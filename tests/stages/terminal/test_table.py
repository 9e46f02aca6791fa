import pytest

from stages.terminal.table import aligned, size_of


def test_columns_are_as_wide_as_their_widest_cell():
    assert aligned([("a", "1", "x"), ("bcd", "20", "")], right=(1,)) == "a     1  x\nbcd  20"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (12_345, "12.3 kB"),
        (999_600, "1 MB"),
        (4_200_000_000_000, "4.2 TB"),
    ],
)
def test_sizes_have_three_digits(count, text):
    assert size_of(count) == text
