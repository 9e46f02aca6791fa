"""Modules that are imported when something in them is used."""

import importlib
import sys

import pytest

from pipeline.deferred_import import deferred_import


@pytest.fixture
def slow(tmp_path, monkeypatch) -> str:
    """A module with a function, a class and a constant, not imported yet."""
    (tmp_path / "slow_package").mkdir()
    (tmp_path / "slow_package" / "__init__.py").touch()
    (tmp_path / "slow_package" / "work.py").write_text(
        "LIMIT = 3\n"
        "def doubled(value, *, plus=0):\n    return 2 * value + plus\n"
        "class Box:\n    def __init__(self, value):\n        self.value = value\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "slow_package.work"
    for name in ("slow_package.work", "slow_package"):
        sys.modules.pop(name, None)


def test_a_function_or_class_imports_its_module_when_it_is_called(slow):
    with deferred_import({slow: ("doubled", "Box")}):
        from slow_package.work import Box, doubled
    assert slow not in sys.modules
    assert doubled(4, plus=1) == 9
    assert type(Box(5)) is sys.modules[slow].Box


def test_any_other_name_imports_the_module_at_once(slow):
    with deferred_import({slow: ("doubled",)}):
        from slow_package.work import LIMIT, doubled

        assert (LIMIT, doubled(2)) == (3, 4)
        assert sys.modules[slow].LIMIT == 3


def test_a_name_that_the_module_lacks_is_an_error_as_ever(slow):
    with deferred_import({slow: ("doubled",)}), pytest.raises(ImportError):
        from slow_package.work import tripled  # noqa: F401


def test_afterwards_the_module_itself_is_imported(slow):
    with deferred_import({slow: ("doubled",)}):
        from slow_package.work import doubled
    assert importlib.import_module(slow).doubled is not doubled


def test_a_module_that_is_there_already_stays(slow):
    there = importlib.import_module(slow)
    with deferred_import({slow: ("doubled",)}):
        from slow_package.work import doubled
    assert doubled is there.doubled


def test_an_error_meanwhile_leaves_no_stand_in(slow):
    with pytest.raises(ZeroDivisionError), deferred_import({slow: ("doubled",)}):
        1 / 0  # noqa: B018
    assert slow not in sys.modules
