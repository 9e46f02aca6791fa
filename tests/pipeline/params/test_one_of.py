"""Names out of a registry are refused as names out of a closed list are."""

from typing import Annotated, Literal

import pytest
from pydantic import ValidationError

from pipeline.errors import KDError
from pipeline.params import Section, parse_section
from pipeline.params.one_of import OneOf
from pipeline.registry import Registry

COLOURS = Registry("colour", {"red": "a:b", "green": "a:c", "blue": "a:d"})


class ByRegistry(Section):
    colour: Annotated[str, OneOf(COLOURS)] = "red"


class ByLiteral(Section):
    colour: Literal["red", "green", "blue"] = "red"


@pytest.mark.parametrize("value", ["gren", "yellow", 7, None, ["red"], True])
def test_the_message_is_that_of_a_closed_list(value):
    messages = []
    for section in (ByRegistry, ByLiteral):
        with pytest.raises(KDError) as caught:
            parse_section(section, {"colour": value}, "params.yaml")
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_a_name_that_is_added_is_allowed_from_then_on(monkeypatch):
    with pytest.raises(ValidationError):
        ByRegistry(colour="yellow")
    monkeypatch.setitem(COLOURS.members, "yellow", "a:e")
    assert ByRegistry(colour="yellow").model_dump(mode="json") == {"colour": "yellow"}
    assert ByRegistry.model_json_schema()["properties"]["colour"]["enum"] == [*COLOURS]
