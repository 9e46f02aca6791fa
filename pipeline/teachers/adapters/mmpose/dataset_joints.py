"""The joints of the dataset that a config trains on."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mmpose
from mmengine.config import Config
from mmpose.registry import DATASETS

from pipeline.teachers.adapters.mmpose.config import scope, type_name

STOCK = {
    "AicDataset": "aic",
    "CocoDataset": "coco",
    "CocoWholeBodyDataset": "coco_wholebody",
    "CrowdPoseDataset": "crowdpose",
    "HalpeDataset": "halpe",
    "HumanArt21Dataset": "humanart21",
    "HumanArtDataset": "humanart",
    "JhmdbDataset": "jhmdb",
    "MpiiDataset": "mpii",
    "OCHumanDataset": "ochuman",
    "PoseTrack18Dataset": "posetrack18",
}
"""MMPose's dataset classes, and the file in its configs/_base_/datasets that each describes itself by. To ask
the class takes as long as to load a teacher: it comes with all of MMPose's training."""


def dataset_joints(config: Config) -> tuple[str, ...]:
    """In the order of the network's outputs; () where the config has no dataset that is installed."""
    with warnings.catch_warnings(), scope("mmpose"):
        warnings.simplefilter("ignore")  # MMPose warns where it registers its datasets
        try:
            return _joints(_dataset_info(config.train_dataloader.dataset))
        except Exception:  # a user's dataset is a user's code
            return ()


def _dataset_info(dataset: Mapping[str, Any]) -> Mapping[str, Any]:
    name, info = type_name(dataset), dataset.get("metainfo")
    if not info and name in STOCK:
        info = {"from_file": f"{STOCK[name]}.py"}
    info = info or DATASETS.get(dataset["type"]).METAINFO
    return Config.fromfile(_file(info["from_file"])).dataset_info if "from_file" in info else info


def _file(named: str) -> Path:
    """As mmpose/datasets/datasets/utils.py finds it: at the path that is given, else among MMPose's own."""
    stock = Path(mmpose.__file__).parent / ".mim" / "configs" / "_base_" / "datasets" / Path(named).name
    return Path(named) if Path(named).is_file() else stock


def _joints(info: Mapping[str, Any]) -> tuple[str, ...]:
    described = {int(number): joint["name"] for number, joint in info["keypoint_info"].items()}
    return tuple(described[number] for number in sorted(described))
