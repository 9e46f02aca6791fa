"""The joints of the dataset that a config trains on."""

import pytest
from mmengine.config import Config

from pipeline.teachers.adapters.mmpose.config import scope
from pipeline.teachers.adapters.mmpose.dataset_joints import STOCK, dataset_joints

pytestmark = [pytest.mark.mm, pytest.mark.filterwarnings("ignore:The metainfo config file")]


def joints_of(**dataset) -> tuple[str, ...]:
    return dataset_joints(Config({"train_dataloader": {"dataset": dataset}}))


@pytest.mark.parametrize("name", STOCK)
def test_a_stock_dataset_has_the_joints_that_mmpose_says_it_has(name):
    from mmpose.datasets.datasets.utils import parse_pose_metainfo
    from mmpose.registry import DATASETS

    with scope("mmpose"):
        theirs = parse_pose_metainfo(DATASETS.get(name).METAINFO)["keypoint_id2name"]
    assert joints_of(type=name) == tuple(theirs[number] for number in range(len(theirs)))


def test_a_dataset_that_mmpose_has_besides_is_asked_itself():
    assert joints_of(type="MhpDataset")[:2] == ("right_ankle", "right_knee")


def test_the_configs_own_description_comes_before_its_datasets(tmp_path):
    described = "dataset_info = dict(keypoint_info={1: dict(name='tail'), 0: dict(name='snout')})"
    (tmp_path / "animal.py").write_text(described)
    assert joints_of(type="CocoDataset", metainfo={"from_file": str(tmp_path / "animal.py")}) == (
        "snout",
        "tail",
    )
    given = {"keypoint_info": {0: {"name": "paw"}}}
    assert joints_of(type="CocoDataset", metainfo=given) == ("paw",)
    stock = {"from_file": "configs/_base_/datasets/mpii.py"}
    assert joints_of(type="CocoDataset", metainfo=stock) == joints_of(type="MpiiDataset")


@pytest.mark.parametrize(
    "dataset",
    [{"type": "NoSuchDataset"}, {"type": "CocoDataset", "metainfo": {"from_file": "no_such_file.py"}}, {}],
)
def test_a_dataset_that_is_not_installed_tells_nothing(dataset):
    assert joints_of(**dataset) == ()


def test_a_config_without_training_data_tells_nothing():
    assert dataset_joints(Config({})) == ()
