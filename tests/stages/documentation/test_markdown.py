"""Text from docstrings as Markdown."""

from stages.documentation.markdown import prose, table


def test_a_place_in_angle_brackets_is_no_html():
    assert (
        prose("crops/<dataset>/ as\n    in `crops/<dataset>/`")
        == "crops/&lt;dataset>/ as in `crops/<dataset>/`"
    )


def test_a_bar_does_not_end_a_cell():
    assert table(("name", "values"), [("a", "x|y")]) == "| name | values |\n|---|---|\n| a | x\\|y |"
