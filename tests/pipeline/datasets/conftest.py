"""A tiny COCO dataset on disk, made to be spoiled, and the parameters of every dataset of the real pack."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.index import index_dataset
from pipeline.datasets.refusal import Refusal
from pipeline.params import DatasetParams

WIDTH, HEIGHT = 64, 48


class TinyDataset:
    """Two images, three people with all 17 joints at (20 + j, 10 + j); `value` is the JSON to come."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images = root / "images"
        self.images.mkdir()
        self.annotations = root / "people.json"
        self.add_image("a.jpg")
        self.add_image("b.png")
        self.value: Any = {
            "images": [
                {"id": 1, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT},
                {"id": 2, "file_name": "b.png", "width": WIDTH, "height": HEIGHT},
            ],
            "annotations": [self.person(7, 2), self.person(5, 1), self.person(6, 1)],
            "categories": [{"id": 1, "name": "person"}],
        }

    def add_image(self, name: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
        path = self.images / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = np.random.default_rng(len(name)).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        assert cv2.imwrite(str(path), picture)
        return path

    @staticmethod
    def person(annotation_id: int, image_id: int, num_joints: int = 17, **changes: Any) -> dict[str, Any]:
        keypoints = [number for joint in range(num_joints) for number in (20 + joint, 10 + joint, 2)]
        person = {"id": annotation_id, "image_id": image_id, "category_id": 1, "iscrowd": 0, "area": 300.0}
        return person | {"bbox": [10, 5, 40, 30], "num_keypoints": 17, "keypoints": keypoints} | changes

    def write(self) -> None:
        self.annotations.write_text(json.dumps(self.value))

    def params(self, **changes: Any) -> DatasetParams:
        values = {"format": "coco", "convention": "coco17", "images": "images", "annotations": "people.json"}
        return DatasetParams(**(values | changes))

    def index(self, **changes: Any) -> tuple[CropTable, list[Refusal]]:
        self.write()
        return index_dataset("tiny", self.params(**changes), self.root)


@pytest.fixture
def tiny(tmp_path: Path) -> TinyDataset:
    return TinyDataset(tmp_path)


def _sample(name: str, annotations: str, convention: str, **more: Any) -> dict[str, Any]:
    values = {"format": "coco", "convention": convention, "images": f"samples/{name}"}
    return values | {"annotations": f"samples/{name}/{annotations}"} | more


def _split(name: str, split: str, convention: str) -> dict[str, Any]:
    files = {"images": f"{name}/images", "annotations": f"{name}/annotations/{split}.json"}
    return {"format": "coco", "convention": convention} | files


@pytest.fixture(scope="session")
def pack() -> dict[str, DatasetParams]:
    """How a user would set up each dataset of the real pack."""
    human_art = {"strip_prefix": "HumanArt/images/"}
    posetrack18 = {"format": "posetrack18"}
    values = {
        "lspet-train": _split("lspet", "train", "lsp14"),
        "lspet-val": _split("lspet", "val", "lsp14"),
        "coco_tiny-train": _split("coco_tiny", "train", "coco17"),
        "coco_tiny-val": _split("coco_tiny", "val", "coco17"),
        "mpii": _sample("mpii", "test_mpii.json", "mpii16", format="mpii"),
        "aic": _sample("aic", "test_aic.json", "aic14"),
        "crowdpose": _sample("crowdpose", "test_crowdpose.json", "crowdpose14"),
        "jhmdb": _sample("jhmdb", "test_jhmdb_sub1.json", "jhmdb15", origin=1),
        "ochuman": _sample("ochuman", "test_ochuman.json", "ochuman17"),
        "posetrack18": _sample(
            "posetrack18", "annotations/test_posetrack18_val.json", "posetrack18", **posetrack18
        ),
        "posetrack18-videos": _sample("posetrack18", "annotations/val", "posetrack18", **posetrack18),
        "halpe": _sample("halpe", "test_halpe.json", "halpe26"),
        "humanart17": _sample("humanart", "test_humanart.json", "humanart17", **human_art),
        "humanart21": _sample("humanart", "test_humanart.json", "humanart21", **human_art),
    }
    return {name: DatasetParams(**entry) for name, entry in values.items()}
