"""Parts by the names they have in params.yaml, imported when they are used."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from operator import attrgetter
from typing import Any

from pipeline.errors import KDError, unknown_name

PROVIDED = ":"
"""Ends a provider's name, after which come the names that the provider knows: `timm:resnet18`."""


class Registry(Mapping[str, str]):
    """Name -> "module:attribute", of one kind of part.

    A name is text and costs no import, so `pipeline` can check the names of parts that lie in `student`,
    which it may not import, and a command does not wait for parts that it has no use for.

    A member called `provider:NAME` stands for all names that begin with `provider:`.
    """

    def __init__(self, kind: str, members: Mapping[str, str]) -> None:
        self.kind = kind
        self.members = dict(members)

    def __getitem__(self, name: str) -> str:
        if name in self.members:
            return self.members[name]
        provider, colon, provided = name.partition(PROVIDED)
        found = [member for member in self.members if colon and member.startswith(provider + colon)]
        if not found or not provided:
            raise KeyError(name)
        return self.members[found[0]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)

    @property
    def own(self) -> tuple[str, ...]:
        """The names that are written out here, not those of providers."""
        return tuple(name for name in self.members if PROVIDED not in name)

    def load(self, name: str) -> Any:
        """The part that goes by this name.

        Raises:
            KDError: none does; with the nearest name.
            ImportError, AttributeError: the registry's line names what is not there.
        """
        if name not in self:
            raise self.unknown(name)
        module, _, attribute = self[name].partition(":")
        return attrgetter(attribute)(import_module(module))

    def unknown(self, name: str) -> KDError:
        """The error for a name that is not here."""
        return unknown_name(self.kind, name, self)
