import pytest
import yaml

from pipeline.errors import KDError
from student.ablation.ablation_file import read_ablation_file


def read(folder, **sections):
    path = folder / "a.yaml"
    path.write_text(yaml.safe_dump({"name": "toy", "seeds": [0], "arms": {"gt": {}}, **sections}))
    return read_ablation_file(path)


def test_arms_keep_the_order_of_the_file(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("name: toy\nseeds: [3, 1]\narms:\n  zebra: {}\n  ant: {distill.weight: 0}\n")
    file = read_ablation_file(path)
    assert list(file.arms.items()) == [("zebra", {}), ("ant", {"distill.weight": 0})]
    assert (file.seeds, file.metric, file.baseline) == ((3, 1), "PCK20", None)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"arm": {}}, "arm: no such setting. Did you mean 'arms'?"),
        ({"seeds": []}, "seeds"),
        ({"seeds": [-1]}, r"seeds.0 is -1, but input should be greater than or equal to 0"),
        ({"name": "../out"}, "name is '../out'"),
        ({"arms": {"a/b": {}}}, "a/b"),
        ({"grid": {"distill.weight": []}}, "grid.distill.weight"),
        ({"groups": {"feet": {"datasets": ["x"]}}}, "groups.feet.joints: missing"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path, sections, message):
    with pytest.raises(KDError, match=message) as caught:
        read(tmp_path, **sections)
    assert str(tmp_path / "a.yaml") in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(KDError, match="there is no file .*nowhere.yaml"):
        read_ablation_file(tmp_path / "nowhere.yaml")
