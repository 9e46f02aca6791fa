"""Names of datasets, teachers and baselines."""

import re

import pytest
import yaml
from dvc.stage.utils import is_valid_name
from ruamel.yaml import YAML

from pipeline.errors import KDError
from pipeline.names import LONGEST, check_names, nearest_name

GOOD = [
    "1e5a",
    "0x",
    "2017-01",
    "console",
    "y",
    "nan",
    "coco17-train",
    "coco_tiny-val",
    "a",
    "2017_train",
    "3dpw",
    "RTMPose-m",
    "x" * LONGEST,
    "no_1",
    "0a",
]
ODD = [
    *(
        "",
        " ",
        ".",
        "..",
        "../../x",
        "/tmp/x",
        "a/b",
        "a\\b",
        "a b",
        " a",
        "a ",
        "my set",
        "coco.v2",
        "a@b",
        "a:b",
    ),
    *(
        "a\nb",
        "a\n",
        "a\0b",
        "a\tb",
        "-a",
        "_a",
        "--all",
        "x;touch Y",
        "$(touch Y)",
        "`touch Y`",
        "${HOME}",
        "a&b",
    ),
    *(
        "a|b",
        "a>b",
        "a<b",
        "a*b",
        "a?b",
        "a[b]",
        "{a}",
        "(a)",
        "~",
        "~a",
        "!a",
        "a!b",
        "#a",
        "a%b",
        "a=b",
        "a,b",
    ),
    *(
        'a"b',
        "a'b",
        "größe",
        "テスト",
        "e\u0301",
        "a\u200bb",
        "😀",
        "on",
        "No",
        "TRUE",
        "null",
        "off",
        "2017",
        "1_000",
    ),
    *("1e5", "12E-3", "1_0e3", "0x1F", "0o17", "0b101", "2017-01-01", "con", "NUL", "Lpt1"),
    *("x" * (LONGEST + 1), "-rf", "/", "~/x", "C:", "x\u202ey", "\ud800", "\ufeffa", 2017, 1.5, True, None),
]


@pytest.mark.parametrize("name", GOOD)
def test_a_plain_name_is_one_and_dvc_agrees(name):
    check_names("dataset", [name])
    assert is_valid_name(name)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("pure", [True, False], ids=["YAML 1.2", "YAML 1.1"])
def test_yaml_reads_a_plain_name_as_text_without_quotes(name, pure):
    read = YAML(typ="safe", pure=True).load if pure else yaml.safe_load
    assert read(f"- {name}") == [name] and read(f"{name}: 1") == {name: 1}


@pytest.mark.parametrize("name", ODD, ids=repr)
def test_an_odd_name_is_refused_with_one_that_is_none(name):
    with pytest.raises(KDError, match="cannot be the name of a teacher: ") as refused:
        check_names("teacher", [name])
    (offered,) = re.findall(r"Call it '([^']*)', for example", str(refused.value))
    check_names("teacher", [offered])


def test_the_offered_name_is_like_the_odd_one():
    offers = {"coco.v2": "coco_v2", "my set": "my_set", "../../x": "x", "é": "e", "on": "dataset_on"}
    assert {name: nearest_name(name, "dataset") for name in offers} == offers


def test_names_that_differ_in_capitals_alone_are_refused():
    with pytest.raises(KDError, match="'COCO' and 'coco' of two datasets differ in nothing but capitals"):
        check_names("dataset", ["mpii", "COCO", "coco"])
