"""YAML mappings whose names are unique."""

import re
import reprlib
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import KDError


def shortened(value: Any) -> str:
    text = _REPR.repr(value)  # not all of it: aliases of aliases can stand for more than fits in memory
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}..."


LONGEST_QUOTE = 200


_REPR = reprlib.Repr()


_REPR.maxlevel, _REPR.maxstring = 3, LONGEST_QUOTE


_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character of UTF-16: escapes can write one alone, and then it is none."""


_MERGE = "tag:yaml.org,2002:merge"


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML where a name given twice is an error; plain YAML lets the last one win. A merge key (`<<: *base`)
    may bring names that are also given: those that are given win."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._checked: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Puts what is merged beside what is given, after which nothing distinguishes them."""
        if isinstance(node, yaml.MappingNode) and id(node) not in self._checked:
            self._checked.add(id(node))
            self._check_names(node)
        super().flatten_mapping(node)

    def _check_names(self, node: yaml.MappingNode) -> None:
        seen: set = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            line, key = key_node.start_mark.line + 1, self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise KDError(f"line {line}: a {type(key).__name__} is no name. Write text before the colon.")
            if key in seen:
                raise KDError(f"line {line}: {key!r} is defined twice. Give each its own name.")
            seen.add(key)

    def construct_scalar(self, node: yaml.ScalarNode) -> Any:
        """Raises KDError for text that no path, name or terminal takes: with NUL, or half a character."""
        value = super().construct_scalar(node)
        if isinstance(value, str) and ("\0" in value or _SURROGATE.search(value)):
            raise KDError(
                f"line {node.start_mark.line + 1}: {shortened(value)} has a character that no name or path "
                "can have. Remove it."
            )
        return value

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Raises KDError for what looks like a date or has a tag (`!!bool x`), and is not one."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            kind, line = node.tag.rpartition(":")[2], node.start_mark.line + 1
            raise KDError(
                f"line {line}: {shortened(node.value)} is read as YAML's {kind}, but is none "
                f"({type(error).__name__}: {error}). Put it in quotes if it is text."
            ) from None


def load_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping whose keys are unique.

    Raises:
        KDError: not there, not readable, not YAML, not a mapping, a key given twice, or something that holds
            itself.
    """
    if not path.is_file():
        raise KDError(f"there is no file {path}. Write it, or correct its name.")
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except KDError as error:
        raise KDError(f"{path}, {error}") from None
    except RecursionError:
        raise KDError(f"{path} is nested too deeply to be read. Remove some of its brackets.") from None
    except (yaml.YAMLError, ValueError, OSError) as error:  # ValueError: impossible dates, endless numbers
        raise KDError(f"{path} cannot be read as YAML: {error}. Correct the file at that place.") from None
    if not isinstance(values, dict):
        raise KDError(f"{path} holds {type(values).__name__}, but a mapping of names to values was wanted.")
    if _holds_itself(values, set(), set()):
        raise KDError(f"{path}: an alias (*) stands inside of what it stands for. Write it out.")
    return values


def _holds_itself(value: Any, above: set[int], sound: set[int]) -> bool:
    """Whether a mapping or list stands somewhere inside of itself. What aliases name many times is looked at
    once (`sound`)."""
    if not isinstance(value, dict | list) or id(value) in sound:
        return False
    if id(value) in above:
        return True
    parts = value.values() if isinstance(value, dict) else value
    if any(_holds_itself(part, above | {id(value)}, sound) for part in parts):
        return True
    sound.add(id(value))
    return False
