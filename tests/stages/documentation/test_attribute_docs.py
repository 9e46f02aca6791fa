"""The docstrings behind a class's attributes."""

from stages.documentation.attribute_docs import attribute_docs


class Chair:
    """Something to sit on."""

    legs: int = 4
    """How many
    it has."""
    back: bool
    wheels: int = 0
    """Castors."""


def test_an_attribute_has_the_docstring_behind_it_and_no_other():
    assert attribute_docs(Chair) == {"legs": "How many it has.", "wheels": "Castors."}
