"""Modules that are imported when something in them is used, not before."""

import importlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def deferred_import(callables: Mapping[str, Collection[str]]) -> Iterator[None]:
    """While it lasts, `from module import name` does not import the module, for these modules (by full name)
    and these names of functions and classes in them.

    What is imported in this way imports the module when it is called. Any other name imports it at once, and
    so does everybody afterwards: where another version of a package asks more of a module, it takes its time
    again, and nothing else changes. Not for classes that are subclassed, nor for modules that register
    something that is wanted, nor for packages whose submodules are imported meanwhile.
    """
    stand_ins = [_StandIn(name, names) for name, names in callables.items() if name not in sys.modules]
    sys.modules.update({stand_in.__name__: stand_in for stand_in in stand_ins})
    try:
        yield
    finally:
        for stand_in in stand_ins:
            stand_in.leave()


class _StandIn(ModuleType):
    def __init__(self, name: str, callables: Collection[str]) -> None:
        super().__init__(name)
        self._callables = callables

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self._callables:
            return _imported_when_called(self.__name__, name)
        self.leave()
        return getattr(importlib.import_module(self.__name__), name)

    def leave(self) -> None:
        """Make way for the module itself."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


def _imported_when_called(module: str, name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    return call
