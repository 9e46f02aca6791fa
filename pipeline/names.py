"""Names of datasets, teachers and baselines: one rule, for DVC, shells, file systems and YAML."""

import re
import unicodedata
from collections.abc import Iterable

from pipeline.errors import KDError

LONGEST = 64
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_YAML_WORDS = {"on", "off", "yes", "no", "true", "false", "null"}
"""What YAML 1.1 reads as another value than a text, unless it is in quotes."""
_YAML_NUMBER = re.compile(r"[0-9][0-9_]*(e-?[0-9]+)?|0[xob][0-9a-f_]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", re.I)
"""Likewise, or YAML 1.2, which DVC writes: numbers (also as 1e5 and 0x1F) and dates."""
_DEVICE = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]", re.I)
"""No folder of Windows, and of shares that it reads, can be called so."""
RULE = "letters (a to z), digits, _ and -, beginning with a letter or digit"


def check_names(kind: str, names: Iterable[object]) -> None:
    """Raises KDError for the first name that cannot be a folder's, a DVC stage's and a shell word everywhere,
    with one that can; and for two names that some file systems take for one."""
    seen: dict[str, str] = {}
    for name in names:
        problem = _problem(name)
        if problem:
            raise KDError(
                f"{name!r} cannot be the name of a {kind}: {problem}. Folders, DVC stages and rows of tables "
                f"have that name. Call it {nearest_name(str(name), kind)!r}, for example."
            )
        other = seen.setdefault(str(name).lower(), str(name))
        if other != name:
            raise KDError(
                f"the names {other!r} and {name!r} of two {kind}s differ in nothing but capitals, so that "
                "some file systems keep one folder for both. Give one of them another name."
            )


def _problem(name: object) -> str:
    """Why it is none; empty where it is one."""
    if not isinstance(name, str):
        return f"YAML reads it as {type(name).__name__}, not as text"
    if not _NAME.fullmatch(name):
        return f"a name is made of {RULE}"
    if len(name) > LONGEST:
        return f"it has {len(name)} characters, and {LONGEST} is the most"
    if name.lower() in _YAML_WORDS or _YAML_NUMBER.fullmatch(name):
        return "YAML and DVC take it for a value of another kind than text"
    if _DEVICE.fullmatch(name):
        return "Windows keeps it for a device"
    return ""


def nearest_name(name: str, kind: str) -> str:
    """A name by the rule, as like this one as may be."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    found = re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_-")[:LONGEST].rstrip("_-")
    return found if found and not _problem(found) else f"{kind}_{found}".rstrip("_-")[:LONGEST]
