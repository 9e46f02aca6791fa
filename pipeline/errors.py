"""Errors a user can mend."""

import difflib
from collections.abc import Iterable


class KDError(Exception):
    """A mistake in the input, told as: what was found, what was wanted, what to do.

    The command line prints the message in one paragraph, without a traceback, and exits with 2.
    """


def unknown_name(kind: str, name: str, known: Iterable[str]) -> KDError:
    """The error for a name that nothing goes by, with the nearest one that something does."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    listing = ", ".join(names) if names else "none"
    return KDError(f"there is no {kind} {name!r}. {hint}Known: {listing}.")
