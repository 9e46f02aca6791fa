"""A JSON schema's values in words."""

import pytest

from stages.documentation.json_values import values_in_words


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": "integer", "minimum": 1, "maximum": 10_000_000}, "integer, 1 to 10000000"),
        ({"type": "number", "maximum": 0.5}, "number, at most 0.5"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"const": "rtmpose", "type": "string"}, "`rtmpose`"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, "list of text (one or more)"),
        ({"prefixItems": [{"type": "integer"}, {"type": "string"}]}, "[integer; text]"),
        ({"type": "object", "additionalProperties": True}, "settings"),
        ({"type": "object", "patternProperties": {"^a": {"type": "boolean"}}}, "name → true, false"),
        ({"type": "string", "pattern": "^[0-9]$"}, "text that matches `^[0-9]$`"),
    ],
)
def test_a_schema_in_words(schema: dict, words: str):
    assert values_in_words(schema) == words
