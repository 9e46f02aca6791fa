"""One valid JSON or YAML file in, a wrong one out: an odd value or key somewhere in it, or damaged bytes."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import yaml

MARK = "odd_value_number_{}_"
"""What stands for an odd value until the file is text; no valid file has it."""
ENDLESS = "9" * 5000
DEEP = 3000

ODD_IN_BOTH = (
    *("null", "true", "false", "0", "1", "-1", "2", "0.5", "-0.0", "1e30", "-1e308", "1e-320"),
    *(str(2**31), str(2**63), str(-(2**63) - 1), str(2**64), ENDLESS, f"-{ENDLESS}", f"0.{ENDLESS}"),
    *(
        '""',
        '" "',
        '"0"',
        '"1"',
        '"-3"',
        '"1e5"',
        '"1_0"',
        '"NaN"',
        '"on"',
        '"2017"',
        '"person"',
        '"\\u0000"',
    ),
    *('"../../x"', '"/etc/hostname"', '"a/b"', '"C:\\\\x"', '"\\ud800"', '"\\n"', '"\\u00e9e\\u0301"'),
    *("[]", "{}", "[[]]", "[{}]", "[null]", "[1, 2]", "[[1, 2], [3, 4]]", '{"a": 1}', '{"": {"": []}}'),
    *('"2026-02-30"', f'"{"x" * 300}"', f"[{', '.join('7' * 60)}]"),
)
ODD_JSON = ("NaN", "Infinity", "-Infinity", "1e999", "[" * 20 * DEEP, '{"a":' * DEEP, "'single'", "01", "")
ODD_YAML = (
    *(".nan", ".inf", "-.Inf", "2026-02-30", "2026-02-03", "2026-02-03 25:61:61", "12:30:45", "0x1F", "0o17"),
    *("on", "off", "~", "1_000", "{[1, 2]: 3}", "{{a: 1}: 2}", "{? [1] : 2}", "{1: 2, true: 3}", "{a, b}"),
    *(
        "{<<: {a: 1}}",
        "{<<: [1, 2]}",
        "{<<: 3}",
        "{<<: [{a: 1}, {b: 2}], c: 3}",
        "{2026-02-03: 1}",
        "{.nan: 1}",
    ),
    *("&again [*again]", "&again {a: *again}", "*nothing", "&twice [1, 2]", "!!set {a, b}", "!!omap [a: 1]"),
    *("!!binary aGVsbG8=", "!!binary é", "!!int x", "!!float x", "!!bool x", "!!timestamp x", "!!str 5"),
    *(
        "!!python/object/apply:os.getcwd []",
        "!local {a: 1}",
        "!!seq {a: 1}",
        "!!map [1]",
        "!!null x",
        "!!pairs [1]",
    ),
    *("[" * DEEP, "{a: " * DEEP, "@", "%", "`", "|", ">-", "? ", "- - -", "\t", "a: b: c", "'open", '"open'),
)


def mutated(text: str, syntax: str, random: Random) -> bytes:
    """The file `text`, of `syntax` json or yaml, made wrong (or, by chance, another right one)."""
    if random.random() < 0.2:
        return random.choice(SPOILS)(text.encode(), random)
    value = json.loads(text) if syntax == "json" else yaml.safe_load(text)
    odd = _Odd(random, (*ODD_IN_BOTH, *(ODD_JSON if syntax == "json" else ODD_YAML)))
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        place = random.choice(list(_places(value)) or [()])
        value = random.choice(CHANGES)(value, place, odd) if place else odd.value()
    dump = json.dumps if syntax == "json" else yaml.safe_dump
    spoilt = odd.written_into(dump(value, sort_keys=False))
    return spoilt.encode(errors="surrogatepass")


@dataclass
class _Odd:
    """Hands out marks, and puts odd values in their places once the file is text."""

    random: Random
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        self._chosen: dict[str, str] = {}

    def value(self) -> str:
        mark = MARK.format(len(self._chosen))
        self._chosen[mark] = self.random.choice(self.values)
        return mark

    def written_into(self, text: str) -> str:
        for mark, odd in self._chosen.items():
            text = text.replace(json.dumps(mark), odd).replace(mark, odd)
        return text


Place = tuple[Any, ...]


def _places(value: Any, place: Place = ()) -> Iterator[Place]:
    """The way to every value in a nest of mappings and lists."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*place, key)
        yield from _places(value[key], (*place, key))


def _parent(value: Any, place: Place) -> Any:
    for key in place[:-1]:
        value = value[key]
    return value


def _replace(value: Any, place: Place, odd: _Odd) -> Any:
    _parent(value, place)[place[-1]] = odd.value()
    return value


def _delete(value: Any, place: Place, odd: _Odd) -> Any:
    del _parent(value, place)[place[-1]]
    return value


def _repeat(value: Any, place: Place, odd: _Odd) -> Any:
    """Once more: the entry of a list, the value of a key under an odd one."""
    parent = _parent(value, place)
    again = copy.deepcopy(parent[place[-1]])
    if isinstance(parent, list):
        parent.insert(place[-1], again)
    else:
        parent[odd.value()] = again
    return value


def _wrap(value: Any, place: Place, odd: _Odd) -> Any:
    parent, key = _parent(value, place), place[-1]
    parent[key] = odd.random.choice(([parent[key]], {"a": parent[key]}, str(parent[key]), [parent[key]] * 2))
    return value


def _move(value: Any, place: Place, odd: _Odd) -> Any:
    """What stands elsewhere in the file."""
    source = odd.random.choice(list(_places(value)))
    _parent(value, place)[place[-1]] = copy.deepcopy(_parent(value, source)[source[-1]])
    return value


def _rename(value: Any, place: Place, odd: _Odd) -> Any:
    parent, key = _parent(value, place), place[-1]
    if isinstance(parent, dict):
        parent[odd.value()] = parent.pop(key)
    return value


def _twist(value: Any, place: Place, odd: _Odd) -> Any:
    """A number of another size, sign or type; anything else emptied."""
    parent, key = _parent(value, place), place[-1]
    found = parent[key]
    if isinstance(found, int | float):
        twisted = (-found, str(found), found * 1e6, found / 1e6, [found], found + 0.5, bool(found))
        parent[key] = odd.random.choice(twisted)
    else:
        parent[key] = type(found)()
    return value


CHANGES: tuple[Callable[[Any, Place, _Odd], Any], ...] = (
    *(_replace, _replace, _replace, _replace, _twist, _twist),
    *(_delete, _repeat, _wrap, _move, _rename),
)


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))]


def _flip(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 3, 20))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _insert(data: bytes, random: Random) -> bytes:
    place = random.randrange(len(data) + 1)
    odd = random.choice(
        (b"\x00", b"\xff\xfe", b"\xe9", b"\xed\xa0\x80", b"\t", b"\r", b"\x85", b"{", b"]", b'"')
    )
    return data[:place] + odd + data[place:]


def _encoded(data: bytes, random: Random) -> bytes:
    return data.decode().encode(random.choice(("utf-16", "utf-32", "utf-16-le", "utf-8-sig", "utf-7")))


def _other_file(data: bytes, random: Random) -> bytes:
    return random.choice(
        (b"", b"\n", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"\x00" * 100, data + data, b"null")
    )


SPOILS: tuple[Callable[[bytes, Random], bytes], ...] = (_cut, _flip, _flip, _insert, _encoded, _other_file)
