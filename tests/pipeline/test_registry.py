"""Registries: names that cost nothing until they are used."""

import sys

import pytest

from pipeline.errors import KDError
from pipeline.registry import Registry

SHAPES = Registry("shape", {"line": "decimal:Decimal", "own:NAME": "fractions:Fraction.from_float"})


def test_a_member_is_imported_when_it_is_loaded(tmp_path, monkeypatch):
    (tmp_path / "a_module_of_a_test.py").write_text("class Outer:\n    inner = 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    shapes = Registry("shape", {"square": "a_module_of_a_test:Outer.inner"})
    assert "square" in shapes and "a_module_of_a_test" not in sys.modules
    assert shapes.load("square") == 7


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(
        KDError, match=r"there is no shape 'lime'. Did you mean 'line'\? Known: line, own:NAME"
    ):
        SHAPES.load("lime")


def test_a_provider_stands_for_the_names_that_begin_with_its_own():
    assert SHAPES["own:circle"] == SHAPES["own:NAME"]
    assert SHAPES.own == ("line",)
    assert [name for name in ("own:", "own", "other:circle", "line:") if name in SHAPES] == []
