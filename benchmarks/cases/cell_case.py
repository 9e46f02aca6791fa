"""Teachers and crops to measure with: the real-data pack's, or made up where there is none."""

import hashlib
import os
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torchvision
from torch import Tensor, nn

from demo.datasets.generate import generate_domain
from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.index import index_dataset
from pipeline.errors import KDError
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.params import DatasetParams, TeacherParams
from pipeline.teachers.adapters.registry import build_teacher
from pipeline.teachers.maps import HeatmapOutput, TeacherOutput
from pipeline.teachers.teacher import Teacher

SYNTHETIC = "synthetic"
RENDERED_SEED = 20_000
_STOCK = "mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-t_8xb256-420e_coco-256x192.py"
_SLIM = "teachers/mmpose/td-hm_cspnext-t_slim_mpii-256x256"

REAL: dict[str, TeacherParams] = {
    "rtmpose-t": TeacherParams(
        adapter="mmpose",
        checkpoint="teachers/mmpose/rtmpose-t_coco-256x192_pseudo-thunder.pth",
        config=_STOCK,
        convention="coco17",
    ),
    "td-hm": TeacherParams(
        adapter="mmpose",
        checkpoint=f"{_SLIM}_pseudo-efficientpose.pth",
        config=f"{_SLIM}.py",
        convention="mpii16",
    ),
    **{
        name: TeacherParams(
            adapter="onnx",
            checkpoint=f"teachers/onnx/{name}.onnx",
            config=f"teachers/onnx/{name}.yaml",
            convention=convention,
        )
        for name, convention in (
            ("movenet_thunder", "coco17"),
            ("cpm", "aic14"),
            ("efficientpose_I", "mpii16"),
        )
    },
}
REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = {
    name: TeacherParams(
        adapter="mmpose",
        checkpoint=f"teachers/{name}/{name}.pth",
        config=f"teachers/{name}/{name}.py",
        convention=convention,
    )
    for name, convention in (("heatmap_coco", "coco17"), ("udp_aic", "aic14"), ("simcc_mpii", "mpii16"))
}
"""The repository's own: MSRA and UDP heatmaps and SimCC, of rendered people."""
TEACHERS = (SYNTHETIC, *REAL, *DEMO)


def pack() -> Path:
    """The real-data pack: KD_REALDATA, else beside the repository."""
    folder = Path(os.environ.get("KD_REALDATA", "../shared/realdata"))
    if not (folder / "README.md").is_file():
        raise KDError(
            f"there is no real-data pack at {folder}. Set KD_REALDATA, or measure --teacher {SYNTHETIC}."
        )
    return folder.resolve()


def teacher_called(name: str, flip_test: bool) -> Teacher:
    if name == SYNTHETIC:
        return ResNetTeacher(flip_test=flip_test)
    params, root = (DEMO[name], REPOSITORY) if name in DEMO else (REAL[name], pack())
    params = params.model_copy(update={"flip_test": flip_test})
    return build_teacher(name, params, root, torch.device("cpu"))


def table_for(name: str, num_crops: int, folder: Path) -> CropTable:
    """Real teachers look at lspet's training photographs; other pictures are written to `folder`: noise, or
    people of the domain that a demo teacher has learned."""
    if name == SYNTHETIC:
        return _noise_table(num_crops, folder)
    if name in DEMO:
        return _rendered_table(name, num_crops, folder)
    params = DatasetParams(
        format="coco",
        convention="lsp14",
        images="lspet/images",
        annotations=next(str(f) for f in (pack() / "lspet/annotations").glob("*train*.json")),
    )
    table, _ = index_dataset("lspet", params, pack())
    if len(table) < num_crops:
        raise KDError(f"lspet's train split has {len(table)} crops, not {num_crops}. Lower --crops.")
    return first_rows(table, num_crops)


def first_rows(table: CropTable, count: int) -> CropTable:
    per_row = {f.name: getattr(table, f.name) for f in fields(table) if f.name not in _WHOLE}
    return replace(table, **{name: values[:count] for name, values in per_row.items()})


_WHOLE = ("dataset", "convention", "images_root", "joints", "sources")


def _rendered_table(name: str, num_crops: int, folder: Path) -> CropTable:
    """Pictures that no teacher was trained on, of one person or several."""
    domain = f"synth_{name.rpartition('_')[2]}"
    generate_domain(domain, folder, num_crops, 1, seed=RENDERED_SEED)
    params = DatasetParams(
        format="mpii" if name == "simcc_mpii" else "coco",
        convention=DEMO[name].convention,
        images="images",
        annotations="annotations/train.json",
    )
    table, _ = index_dataset(domain, params, folder)
    return first_rows(table, num_crops)


def _noise_table(num_crops: int, folder: Path) -> CropTable:
    """Photograph-sized JPEGs, two crops to an image."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{row // 2:05d}.jpg" for row in range(num_crops)]
    for name in sorted(set(names)):
        noise = np.random.default_rng(int(name[:5])).integers(0, 256, (60, 80, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / name), cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC))
    rows = np.arange(num_crops, dtype=np.int64)
    return CropTable(
        dataset="noise",
        convention="coco17",
        images_root=folder,
        image=names,
        image_sha256=[hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names],
        image_size=np.tile(np.array([[640, 480]], dtype=np.int32), (num_crops, 1)),
        image_id=rows // 2,
        annotation_id=rows,
        crop_id=rows,
        bbox=np.tile(np.array([[100.0, 40.0, 200.0, 400.0]]), (num_crops, 1)),
        box_score=np.ones(num_crops, dtype=np.float32),
        keypoints=np.zeros((num_crops, 17, 2), dtype=np.float32),
        visibility=np.zeros((num_crops, 17), dtype=np.uint8),
        area=np.ones(num_crops),
        iscrowd=np.zeros(num_crops, dtype=bool),
        labelled=np.zeros(num_crops, dtype=bool),
    )


def _network() -> nn.Module:
    """ResNet-18 with three deconvolutions: SimpleBaseline (arXiv 1804.06208) with random weights."""
    torch.manual_seed(0)
    body = nn.Sequential(*list(torchvision.models.resnet18(weights=None).children())[:-2])
    widths = (512, 128, 128, 128)
    up = [nn.ConvTranspose2d(i, o, 4, 2, 1) for i, o in zip(widths, widths[1:], strict=False)]
    return nn.Sequential(body, *up, nn.Conv2d(128, 17, 1), nn.Sigmoid()).eval()


@dataclass
class ResNetTeacher:
    """Costs what a small heatmap teacher costs; its answers mean nothing."""

    flip_test: bool = True
    name: str = SYNTHETIC
    beta: float | None = None
    crop: CropGeometry = CropGeometry((192, 256), 1.25)
    map: MapGeometry = MapGeometry("heatmap", (48, 64), (4.0, 4.0))
    provenance: dict[str, Any] = field(default_factory=lambda: {"weights": "random, seed 0"})
    network: nn.Module = field(default_factory=_network)

    @property
    def convention(self) -> Any:
        return load_convention("coco17")

    @torch.inference_mode()
    def predict(self, images_BHW3: Tensor) -> TeacherOutput:
        inputs_B3HW = images_BHW3.permute(0, 3, 1, 2).float() / 255
        heatmap_BKHW = self.network(inputs_B3HW)
        if self.flip_test:
            heatmap_BKHW = (heatmap_BKHW + self.network(inputs_B3HW.flip(3)).flip(3)) / 2
        peak_BK, top_BK = heatmap_BKHW.flatten(2).max(-1)
        keypoints_BK2 = torch.stack([top_BK % 48, top_BK // 48], -1).float() * 4
        return TeacherOutput(HeatmapOutput(heatmap_BKHW), keypoints_BK2.numpy(), peak_BK.numpy())

    def storage_fidelity(self, images_BHW3: Tensor) -> None:
        return None
