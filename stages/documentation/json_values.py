"""A JSON schema's values in words: `number, 0 to 1`, `cosine, flat_cosine`, `list of text`."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
_TYPES = {"string": "text", "integer": "integer", "number": "number", "boolean": "true, false"}


def values_in_words(schema: Schema) -> str:
    """What a setting with this schema may be. `null` is left out: where it is allowed, it is the default."""
    alternatives = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    if alternatives:
        return ", or ".join(values_in_words(choice) for choice in alternatives)
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema.get("enum", [schema.get("const")]))
    if "prefixItems" in schema:
        return _tuple(schema["prefixItems"])
    if schema.get("type") == "array":
        least = " (one or more)" if schema.get("minItems") else ""
        return f"list of {values_in_words(schema['items'])}{least}"
    if schema.get("type") == "object":
        return _mapping(schema)
    return _TYPES[schema["type"]] + _range(schema) + _pattern(schema)


def _tuple(items: list[Schema]) -> str:
    words = [values_in_words(item) for item in items]
    if len(set(words)) == 1:
        return f"{len(words)} of: {words[0]}"
    return "[" + "; ".join(words) + "]"


def _mapping(schema: Schema) -> str:
    inner = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    named = [values for values in inner if isinstance(values, Mapping)]
    return f"name → {values_in_words(named[0])}" if named else "settings"


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    start = f"above {_number(above)}" if above is not None else _number(low)
    end = f"under {_number(under)}" if under is not None else _number(high)
    if start and end:
        return f", {start} to {end}"
    if low is not None:
        return f", {start} or more"
    return f", {start or end and f'at most {end}'}" if start or end else ""


def _number(value: int | float | None) -> str:
    return "" if value is None else str(int(value)) if value == int(value) else str(value)


def _pattern(schema: Schema) -> str:
    return f" that matches `{schema['pattern']}`" if "pattern" in schema else ""
