"""Real teachers' maps lead to their joints after storing, at the promised fidelity."""

import numpy as np
import pytest
import torch

from pipeline.datasets.index import index_dataset
from pipeline.extraction.extract import extract_cell
from pipeline.geometry import apply
from pipeline.params import DatasetParams, ExtractParams, RuntimeParams, TeacherParams
from pipeline.store.read.reader import StoreReader
from pipeline.teachers.adapters.registry import build_teacher

ONNX = "teachers/onnx/cpm"
STOCK = "mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-t_8xb256-420e_coco-256x192.py"
CPM = TeacherParams(adapter="onnx", checkpoint=f"{ONNX}.onnx", config=f"{ONNX}.yaml", convention="aic14")
RTMPOSE = TeacherParams(
    adapter="mmpose",
    checkpoint="teachers/mmpose/rtmpose-t_coco-256x192_pseudo-thunder.pth",
    config=STOCK,
    convention="coco17",
    flip_test=False,  # with it, MMPose decodes joints from maps that are not quite the stored ones
)


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize(
    ("params", "reach"),
    [(CPM, 2.0), pytest.param(RTMPOSE, 0.5, marks=pytest.mark.mm)],
    ids=["cpm", "rtmpose-t"],
)
def test_the_largest_stored_cell_is_at_the_teachers_joint(realdata, tmp_path, params, reach):
    """`reach`: how far a teacher's decoder moves a joint from the largest cell, in cells."""
    coco_tiny = DatasetParams(
        format="coco",
        convention="coco17",
        images="coco_tiny/images",
        annotations=str(next((realdata / "coco_tiny/annotations").glob("*val*.json"))),
    )
    table, _ = index_dataset("coco_tiny", coco_tiny, realdata)
    teacher = build_teacher("real", params, realdata, torch.device("cpu"))
    path = tmp_path / "cell.zarr"
    runtime = RuntimeParams(device="cpu", batch_size=16, workers=0)
    extract_cell(teacher, table, path, ExtractParams(shard_size=64), runtime)

    reader = StoreReader(path)
    stored = reader.read(np.arange(len(table)))
    if reader.attributes["map_geometry"]["kind"] == "heatmap":
        top = stored.maps.map_BKHW.reshape(*stored.maps.map_BKHW.shape[:2], -1).argmax(-1)
        cells = np.stack([top % stored.maps.map_BKHW.shape[3], top // stored.maps.map_BKHW.shape[3]], -1)
    else:
        # What is stored of a vector is the difference of each bin to the one before.
        vectors = (np.cumsum(v, axis=-1, dtype=np.uint8) for v in (stored.maps.x_BKW, stored.maps.y_BKW))
        cells = np.stack([vector.argmax(-1) for vector in vectors], -1)
    joints = apply(stored.affine_B23, stored.keypoints_BK2)
    assert np.abs(joints - cells).max() <= reach
    fidelity = reader.attributes["fidelity"]
    assert fidelity["joints_measured"] > 100
    assert fidelity["drift_p99_px"] <= 0.1
