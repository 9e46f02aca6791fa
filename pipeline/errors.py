"""Errors a user can fix."""

import difflib
from collections.abc import Iterable


class KDError(Exception):
    """A mistake in the input; its message says what was found, what was wanted, and what to do.

    The command line prints the message in one paragraph, without a traceback, and exits with 2.
    """


def unknown_name(kind: str, name: str, known: Iterable[str]) -> KDError:
    """The error for a name that nothing goes by, with the nearest one that something does."""
    names = sorted(known)
    hint = did_you_mean(name, names, likeness=0.5)
    listing = ", ".join(names) if names else "none"
    return KDError(f"there is no {kind} {name!r}. {hint + ' ' if hint else ''}Known: {listing}.")


def did_you_mean(name: str, known: Iterable[str], likeness: float) -> str:
    """The question for the nearest of the known names, where one is at least so like (0 to 1); else empty."""
    known = list(known)
    capitals = [other for other in known if other.lower() == name.lower()]
    near = capitals or difflib.get_close_matches(name, known, n=1, cutoff=likeness)
    return f"Did you mean {near[0]!r}?" if near else ""
