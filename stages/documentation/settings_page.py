"""docs/settings.md: every setting of params.yaml."""

from collections.abc import Iterator
from typing import Any, get_args

import yaml
from pydantic_core import PydanticUndefined

from pipeline.params import Params, Section, section_in
from stages.documentation.attribute_docs import attribute_docs
from stages.documentation.json_values import values_in_words
from stages.documentation.markdown import prose, table
from stages.documentation.watching_stages import WatchingStages

_HEAD = """\
# Settings

Every setting of `params.yaml`. Generated from `pipeline/params/` and `dvc.yaml` by `make docs`.

A setting without a default (—) has to be written; `none` is no value (`null`). Names, values and
combinations that are not allowed are errors that say what is.

*Runs again*: the stages of `dvc.yaml` that list the setting. Later stages follow where what an earlier one
wrote has changed. A stage leaves alone what is complete: after a change of `extract.zstd_level` the teachers
start, and no map is made again.
"""
_COLUMNS = ("setting", "values", "default", "runs again", "meaning")


def settings_page(stages: WatchingStages) -> str:
    """The page, a heading and a table for each section."""
    return "\n".join([_HEAD, *_sections(Params, "", stages)])


def _sections(section: type[Section], place: str, stages: WatchingStages) -> Iterator[str]:
    """What is written of the sections below `section`, which is at the dotted `place`."""
    for name, field in section.model_fields.items():
        inner, inner_place = _inner(field.annotation, f"{place}{name}")
        if inner is not None:
            yield f"## `{inner_place}`\n\n{_description(inner)}\n"
            yield table(_COLUMNS, _rows(inner, f"{inner_place}.", stages)) + "\n"
            yield from _sections(inner, f"{inner_place}.", stages)


def _inner(annotation: Any, place: str) -> tuple[type[Section] | None, str]:
    """The section that a field holds, with its place; or the one that it holds many of, by name."""
    inner = section_in(annotation)
    if inner is None and get_args(annotation)[:1] == (str,):
        return section_in(get_args(annotation)[1]), f"{place}.<name>"
    return inner, place


def _description(section: type[Section]) -> str:
    return "\n\n".join(prose(paragraph) for paragraph in (section.__doc__ or "").split("\n\n"))


def _rows(section: type[Section], place: str, stages: WatchingStages) -> Iterator[tuple[str, ...]]:
    schema, meaning = section.model_json_schema()["properties"], attribute_docs(section)
    for name, field in section.model_fields.items():
        if _inner(field.annotation, "")[0] is not None:
            values, default = "a section, below", "none" if field.default is None else ""
        else:
            values, default = values_in_words(schema[name]), _default(field.default)
        again = ", ".join(f"`{stage}`" for stage in stages.of(f"{place}{name}")) or "nothing"
        yield f"`{place}{name}`", values, default, again, prose(meaning.get(name, ""))


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "—"
    if value is None:
        return "none"
    plain = list(value) if isinstance(value, tuple) else value
    written = yaml.safe_dump(plain, default_flow_style=True)
    return f"`{written.strip().removesuffix('...').strip()}`"
