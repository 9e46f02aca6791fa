"""Person boxes from an MMDetection config and checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from mmcv.transforms import Compose
from mmdet.apis import inference_detector
from mmdet.registry import MODELS
from mmdet.utils import get_test_pipeline_cfg

from pipeline.errors import KDError
from pipeline.teachers.adapters.mmpose.config import built_from, load_config, network_config, scope
from pipeline.teachers.adapters.mmpose.weights import load_weights
from pipeline.teachers.checkpoints import (
    checked_file,
    dataset_meta_of,
    load_checkpoint,
    meta_of,
    state_dict_of,
)


class PersonDetector:
    """A detector of which only the class `person` counts."""

    def __init__(
        self,
        config: str,
        checkpoint: Path,
        device: torch.device,
        sha256: str | None = None,
        root: Path = Path(),
    ) -> None:
        """Paths start at `root`; `config` may be a stock one, `mmdet::...`.

        Raises:
            KDError: a file is missing, unsafe or not the one that was meant; checkpoint and config do not
                fit each other; the detector knows no class `person`.
        """
        path = root / checkpoint
        settings = load_config(config, root)
        checked_file(path, "the person detector", sha256)
        loaded = load_checkpoint(path)
        self._model = built_from(
            f"the detector's config {config}", "mmdet", MODELS.build, network_config(settings)
        ).to(device)
        load_weights(self._model, state_dict_of(loaded, path), f"{path} and {config}")
        self._person = _person_label(loaded, path)
        steps = get_test_pipeline_cfg(settings.copy())
        steps[0].type = "mmdet.LoadImageFromNDArray"
        with scope("mmdet"):
            self._pipeline = Compose(steps)
        self._model.cfg = settings  # inference_detector looks there

    def __call__(
        self, image_bgr: UInt8[np.ndarray, "H W 3"]
    ) -> tuple[Float32[np.ndarray, "n 4"], Float32[np.ndarray, " n"]]:
        """Boxes (x1, y1, x2, y2) in image pixels, and scores 0..1, by descending score."""
        with scope("mmdet"), torch.inference_mode():
            found = inference_detector(self._model, image_bgr, self._pipeline).pred_instances.cpu().numpy()
        people = np.flatnonzero(found.labels == self._person)
        people = people[np.argsort(-found.scores[people], kind="stable")]
        return found.bboxes[people].astype(np.float32), found.scores[people].astype(np.float32)


def _person_label(checkpoint: Mapping[str, Any], path: Path) -> int:
    """The number of the class `person`: 0, as in COCO, where the checkpoint does not list its classes.

    Raises:
        KDError: its classes have no person.
    """
    meta = dataset_meta_of(checkpoint) or meta_of(checkpoint)
    lowercase_meta = {str(key).lower(): value for key, value in meta.items()}
    classes = lowercase_meta.get("classes") or ("person",)
    classes = tuple(map(str, classes)) if isinstance(classes, list | tuple | dict) else (str(classes),)
    if "person" not in classes:
        shown = ", ".join(classes[:5])
        raise KDError(
            f"the detector {path} knows no class 'person', but {shown}{', ...' if len(classes) > 5 else ''}. "
            "Name a detector of people, such as one trained on COCO."
        )
    return classes.index("person")
