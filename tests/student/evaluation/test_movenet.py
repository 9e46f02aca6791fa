"""Our PCK is the pack's: MoveNet run as the pack's README says scores what the README says."""

import cv2
import numpy as np
import onnxruntime
import pytest

from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.image_files import read_image
from pipeline.datasets.index import index_dataset
from pipeline.params import DatasetParams
from student.evaluation.joint_mapping import teacher_joint_mapping
from student.evaluation.scores import evaluate_predictions

SIDE, STRIDE = 256, 4


@pytest.mark.realdata
@pytest.mark.slow
def test_movenet_has_the_pck_of_the_packs_readme(realdata, tmp_path):
    folder = realdata / "lspet"
    params = DatasetParams(
        format="coco",
        convention="lsp14",
        images=str(folder / "images"),
        annotations=str(folder / "annotations" / "val.json"),
    )
    table, _ = index_dataset("lspet", params, tmp_path)
    keypoints_NK2, scores_NK = movenet(realdata / "teachers" / "onnx" / "movenet_thunder.onnx", table)
    target = load_convention("lsp14")
    mapping = teacher_joint_mapping(load_convention("coco17"), target)
    flat = evaluate_predictions(table, target, mapping.apply(table.crop_id, keypoints_NK2, scores_NK)).flat()
    assert 100 * flat["PCK20_limbs"] == pytest.approx(83.4, abs=0.3)


def movenet(path, table: CropTable) -> tuple[np.ndarray, np.ndarray]:
    """Square crop of the box's longer side, argmax, a quarter cell towards the higher neighbour."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    keypoints, scores = [], []
    for row, (x, y, w, h) in enumerate(table.bbox):
        scale = SIDE / max(w, h)
        shift = (SIDE - 1) / 2 - scale * np.array([x + w / 2, y + h / 2])
        affine = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        crop = cv2.warpAffine(read_image(table.image_path(row)), affine, (SIDE, SIDE))[None, ..., ::-1]
        (heatmap,) = session.run(None, {"image": crop.astype(np.float32) / 127.5 - 1})
        cells = np.array([refined(map_HW) for map_HW in heatmap[0]])
        keypoints.append(((cells + 0.5) * STRIDE - 0.5 - shift) / scale)
        scores.append(heatmap[0].max(axis=(1, 2)))
    return np.array(keypoints, np.float32), np.array(scores, np.float32)


def refined(map_HW: np.ndarray) -> tuple[float, float]:
    y, x = np.unravel_index(map_HW.argmax(), map_HW.shape)
    padded = np.pad(map_HW, 1)
    right_left = padded[y + 1, x + 2] - padded[y + 1, x]
    down_up = padded[y + 2, x + 1] - padded[y, x + 1]
    return x + 0.25 * np.sign(right_left), y + 0.25 * np.sign(down_up)
