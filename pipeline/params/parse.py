"""From values to a section, with errors that name the setting, its range and its nearest name."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError

from pipeline.errors import KDError, did_you_mean
from pipeline.files.yaml_file import shortened
from pipeline.params.section import Section, SectionT, section_in


def parse_section(section: type[SectionT], values: Mapping[str, Any], source: str) -> SectionT:
    """`values` as one kind of section; `source` names their origin in errors.

    Raises:
        KDError: an unknown key, a missing value, or one out of range.
    """
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise KDError(f"{source}: {_message(error.errors(), section)}") from None


def _message(errors: Sequence[Mapping[str, Any]], section: type[Section]) -> str:
    """Those of one value (of which it may be this or that) together, and none that follows from another."""
    problems: dict[str, list[str]] = {}
    for error in errors:
        place = error["loc"]
        within = (other for other in errors if other["loc"][: len(place)] == place and other is not error)
        if error["type"] == "too_short" and any(within):
            continue  # what was refused is not counted
        subject, problem = _problem(error, section)
        problems.setdefault(subject, []).append(problem)
    listed = [f"{subject}{', or '.join(found)}" for subject, found in problems.items()]
    more = len(listed) - MOST_LISTED
    return "; ".join(listed[:MOST_LISTED]) + (f"; and {more} more" if more > 0 else "")


def _problem(error: Mapping[str, Any], section: type[Section]) -> tuple[str, str]:
    """What it is about, and what is wrong with it."""
    location = tuple(part for part in error["loc"] if not _ALTERNATIVE.fullmatch(str(part)))
    place = ".".join(str(part) for part in location) or "the file"
    model = _section_at(location[:-1], section)
    if error["type"] == "extra_forbidden":
        near = did_you_mean(str(location[-1]), model.model_fields if model else (), LIKENESS)
        return f"{place}: ", f"no such setting. {near or 'Remove it or correct its spelling'}"
    if error["type"] == "missing":
        return f"{place}: ", "missing, and it has no default"
    message, value = error["msg"][0].lower() + error["msg"][1:], error["input"]
    if error["type"] == "literal_error":
        choices = re.findall("'([^']*)'", error["ctx"]["expected"])
        near = did_you_mean(str(value), choices, LIKENESS)
        message += f". {near}" if near else ""
    if error["type"] == "string_type" and isinstance(value, bool | int | float | date):
        message += f" (YAML reads it as {type(value).__name__}; put it in quotes if it is a name)"
    return f"{place} is {shortened(value)}, but ", f"{message}{_range(model, location)}"


def _section_at(location: tuple[str | int, ...], section: type[Section]) -> type[Section] | None:
    model: type[Section] | None = section
    for part in location:
        field = model.model_fields.get(part) if model else None
        model = section_in(field.annotation) if field else None
    return model


def _range(model: type[Section] | None, location: tuple[str | int, ...]) -> str:
    """Both bounds of the setting at `location`, one of `model`; pydantic names only the one that was
    crossed."""
    if model is None or not location or location[-1] not in model.model_fields:
        return ""
    bounds = {
        name: value
        for constraint in model.model_fields[location[-1]].metadata
        for name in ("ge", "gt", "le", "lt")
        if (value := getattr(constraint, name, None)) is not None
    }
    words = {"ge": "{:g}", "gt": "above {:g}", "le": "to {:g}", "lt": "below {:g}"}
    limits = [words[name].format(bounds[name]) for name in words if name in bounds]
    return f" (allowed: {' '.join(limits)})" if limits else ""


LIKENESS = 0.6
"""From which on a name is taken for a setting or choice misspelt."""
MOST_LISTED = 5
"""Mistakes that one message lists."""


_ALTERNATIVE = re.compile(r"(int|float|str|constrained-\w+|(literal|tuple|list|dict)\[.*|\[key\])", re.DOTALL)
"""What pydantic adds to a place where a value may be of several types, and to a key."""
