"""The study's figures, on teachers of which they are known beforehand."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmarks.cases.cell_case import table_for, teacher_called
from benchmarks.cases.warp_study import CASES, MIRROR, OFFSET_CASES, Case, WarpStudy, total_variation
from benchmarks.warp import main, table
from pipeline.conventions.convention import Convention
from pipeline.datasets.crop_table import CropTable
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.teachers.maps import HeatmapOutput, Maps, SimCCOutput, TeacherOutput

EYES = np.array([[70.0, 60.0], [40.0, 66.0]])
"""Left eye (of a person who looks at us, so on the picture's right), right eye; image pixels."""


@dataclass
class EyeFinder:
    """Two bright dots in the crop are the eyes, the picture's right one the left eye, turned or mirrored as
    the crop may be. `off_px`: how far beside them, to the right, it says they are."""

    off_px: float = 0.0
    name: str = "eyes"
    convention: Convention = Convention(
        "eyes", ("left_eye", "right_eye"), (("left_eye", "right_eye"),), (0.02, 0.02), (1.0, 1.0), ()
    )
    crop: CropGeometry = CropGeometry((96, 128), 1.25)
    map: MapGeometry = MapGeometry("heatmap", (24, 32), (4.0, 4.0), (1.5, 1.5))
    beta: float | None = None

    def predict(self, images_BHW3: torch.Tensor) -> TeacherOutput:
        eyes_BK2 = np.stack([self._eyes(image_HW3) for image_HW3 in images_BHW3.numpy()])
        confidence_BK = np.ones(eyes_BK2.shape[:2], np.float32)
        return TeacherOutput(self.maps(eyes_BK2), eyes_BK2.astype(np.float32), confidence_BK)

    def maps(self, eyes_BK2: np.ndarray) -> Maps:
        cells_BK2 = torch.from_numpy((eyes_BK2 + [self.off_px, 0.0] - 1.5) / 4)
        x, y = (
            torch.exp(-((torch.arange(size) - cells_BK2[..., axis, None]) ** 2) / 8)
            for axis, size in enumerate(self.map.size)
        )
        return HeatmapOutput((y[..., :, None] * x[..., None, :]).float())

    @staticmethod
    def _eyes(image_HW3: np.ndarray) -> np.ndarray:
        """Centres of mass of the bright halves."""
        bright_HW = image_HW3[..., 0].astype(np.float64)
        row_N, column_N = np.nonzero(bright_HW)
        weight_N, place_N2 = bright_HW[row_N, column_N], np.stack([column_N, row_N], -1)
        right_N = column_N > np.average(column_N, weights=weight_N)
        return np.stack([np.average(place_N2[s], axis=0, weights=weight_N[s]) for s in (right_N, ~right_N)])


@pytest.fixture
def people(tmp_path: Path) -> CropTable:
    """One picture of two dots, looked at through three boxes."""
    y, x = np.mgrid[:140, :110]
    dots = sum(np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 12) for cx, cy in EYES)
    cv2.imwrite(
        str(tmp_path / "eyes.png"), np.repeat((250 * dots).round().astype(np.uint8)[..., None], 3, -1)
    )
    keypoints, visibility = np.zeros((3, 17, 2), np.float32), np.zeros((3, 17), np.uint8)
    keypoints[:, 1:3], visibility[:, 1:3] = EYES, 2
    sha256 = hashlib.sha256((tmp_path / "eyes.png").read_bytes()).hexdigest()
    return CropTable(
        dataset="eyes",
        convention="coco17",
        images_root=tmp_path,
        image=["eyes.png"] * 3,
        image_sha256=[sha256] * 3,
        image_size=np.array([[110, 140]] * 3, np.int32),
        image_id=np.zeros(3, np.int64),
        annotation_id=np.arange(3),
        crop_id=np.arange(3),
        bbox=np.array([[10.0, 10, 90, 110], [12, 4, 84, 122], [8, 14, 92, 106]]),
        box_score=np.ones(3, np.float32),
        keypoints=keypoints,
        visibility=visibility,
        area=np.ones(3),
        iscrowd=np.zeros(3, bool),
        labelled=np.ones(3, bool),
    )


def test_of_a_teacher_that_turns_with_the_picture_nothing_is_off(people):
    study = WarpStudy(EyeFinder(), people)
    for case in CASES[:-3] + CASES[-1:]:
        row = study.compare(case)
        assert row["joints"] == 6, case
        assert row["p90_px"] < 0.15, case
        assert abs(row["offset_x_px"]) < 0.05 and abs(row["offset_y_px"]) < 0.05, case
        assert row["warped_right"] == row["answer_right"] == 1.0
    assert study.compare(CASES[0])["total_variation"] < 1e-6


def test_a_joint_that_leaves_the_crop_is_not_compared(people):
    """A shift of 32 of 96 input pixels: one eye is left in every crop."""
    row = WarpStudy(EyeFinder(), people).compare(Case("shift", 32.0))
    assert row["joints"] == row["labels"] == 3
    assert row["answer_right"] == 1.0


def test_half_a_pixel_beside_the_joint_is_a_whole_one_between_a_crop_and_its_mirror_image(people):
    row = WarpStudy(EyeFinder(off_px=0.5), people).compare(MIRROR)
    assert row["offset_x_px"] == pytest.approx(-1.0, abs=0.03)
    assert row["offset_y_px"] == pytest.approx(0.0, abs=0.03)
    assert row["p50_px"] == pytest.approx(1.0, abs=0.05)


def test_an_offset_turns_with_the_crop(people):
    """Two pixels to the right of the joint; in a crop turned by 90 degrees, the warped two point upwards."""
    crop, square = CropGeometry((128, 128), 1.25), MapGeometry("heatmap", (32, 32), (4.0, 4.0), (1.5, 1.5))
    study = WarpStudy(EyeFinder(off_px=2.0, crop=crop, map=square), people)
    row = study.compare(Case("rotation", 30.0))
    angle = np.deg2rad(30)
    assert row["offset_x_px"] == pytest.approx(2 * np.cos(angle) - 2, abs=0.1)
    assert row["offset_y_px"] == pytest.approx(-2 * np.sin(angle), abs=0.1)


def test_a_teacher_far_from_the_labels_is_not_right(people):
    moved = dataclasses.replace(people, keypoints=people.keypoints + 30)
    row = WarpStudy(EyeFinder(), moved).compare(MIRROR)
    assert row["labels"] == 6 and row["warped_right"] == row["answer_right"] == 0.0


def test_total_variation_by_hand():
    one, other = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    one[0, :, 0, 0] = 4.0
    other[0, 0, 0, 0], other[0, 1, 1, 1] = 1.0, 1.0
    other[0, 2] = torch.tensor([[1.0, 1.0], [2.0, 4.0]])
    known = torch.tensor([[[True, True], [True, True]]])
    assert total_variation(one, other, known)[0].tolist() == pytest.approx([0.0, 1.0, 7 / 8])
    known[0, 1, 1] = False
    assert total_variation(one, other, known)[0, 2].item() == pytest.approx(3 / 4)


def test_the_table_has_the_mean_of_a_change_and_its_opposite():
    row = dict.fromkeys(
        ("p50_px", "p90_px", "jumped", "offset_x_px", "offset_y_px", "resampling_p90_px", "total_variation")
        + ("warped_right", "answer_right"),
        0.0,
    ) | {"mirrored": False}
    rows = [
        row | {"case": "rotation", "amount": 5.0, "joints": 10, "p50_px": 1.0},
        row | {"case": "rotation", "amount": -5.0, "joints": 20, "p50_px": 2.0},
        row | {"case": "rotation", "amount": 0.0, "mirrored": True, "joints": 0, "p50_px": None},
    ]
    lines = table(rows).splitlines()
    assert lines[2].startswith("| rotation ±5 | 15 | 1.50 |")
    assert lines[3].startswith("| rotation 0, mirrored | 0 | - |")
    assert len({line.count("|") for line in lines}) == 1


INPUT, CELLS = (96, 128), (24, 32)
CONVENTIONS = {
    "msra": (CropGeometry(INPUT, 1.25), MapGeometry("heatmap", CELLS, (4.0, 4.0))),
    "udp": (CropGeometry(INPUT, 1.25, udp=True), MapGeometry("heatmap", CELLS, (95 / 23, 127 / 31))),
    "simcc": (CropGeometry(INPUT, 1.25), MapGeometry("simcc", (192, 256), (0.5, 0.5))),
    "half_pixel": (CropGeometry(INPUT, 1.25), MapGeometry("heatmap", CELLS, (4.0, 4.0), (1.5, 1.5))),
    "top_left": (CropGeometry(INPUT, 1.25), MapGeometry("heatmap", (48, 64), (2.0, 2.0))),
}
"""What crops and maps of each kind say of themselves."""


@dataclass
class Encoder(EyeFinder):
    """Draws maps as teachers of one kind are trained to: by MMPose's codec, or by the formula of the kind."""

    kind: str = "msra"

    def maps(self, eyes_BK2: np.ndarray) -> Maps:
        if self.kind in ("half_pixel", "top_left"):
            size, stride = (CELLS, 4) if self.kind == "half_pixel" else ((48, 64), 2)
            cells_BK2 = (eyes_BK2 + 0.5) / stride - 0.5 if self.kind == "half_pixel" else eyes_BK2 / stride
            x, y = (
                np.exp(-((np.arange(size[axis]) - cells_BK2[..., axis, None]) ** 2) / 8) for axis in (0, 1)
            )
            return HeatmapOutput(torch.from_numpy(y[..., :, None] * x[..., None, :]).float())
        encoded = [self._codec().encode(eyes_K2[None].astype(np.float32)) for eyes_K2 in eyes_BK2]
        if self.kind == "simcc":
            x, y = (np.concatenate([e[f"keypoint_{axis}_labels"] for e in encoded]) for axis in "xy")
            return SimCCOutput(torch.from_numpy(x).float(), torch.from_numpy(y).float())
        return HeatmapOutput(torch.from_numpy(np.stack([e["heatmaps"] for e in encoded])).float())

    def _codec(self):
        from mmpose.codecs import MSRAHeatmap, SimCCLabel, UDPHeatmap

        if self.kind == "simcc":
            return SimCCLabel(INPUT, sigma=6.0, simcc_split_ratio=2.0, normalize=False)
        if self.kind == "udp":
            return UDPHeatmap(INPUT, CELLS, sigma=2)
        return MSRAHeatmap(INPUT, CELLS, sigma=2, unbiased=True)


def worst_offset(kind: str, declared: str | MapGeometry, people: CropTable) -> float:
    """Largest mean offset, in x or y, of any turned or mirrored crop of scale 1, input pixels."""
    crop, geometry = CONVENTIONS[kind]
    map_declared = CONVENTIONS[declared][1] if isinstance(declared, str) else declared
    study = WarpStudy(
        Encoder(kind=kind, crop=crop, map=map_declared, beta=10.0 if kind == "simcc" else None), people
    )
    rows = [study.compare(case) for case in OFFSET_CASES if case.kind == "rotation"]
    assert min(row["joints"] for row in rows) >= 4
    return max(abs(row[axis]) for row in rows for axis in ("offset_x_px", "offset_y_px"))


@pytest.mark.mm
@pytest.mark.parametrize("kind", CONVENTIONS)
def test_maps_of_every_pixel_convention_are_warped_without_an_offset(kind, people):
    assert worst_offset(kind, kind, people) < 0.25


@pytest.mark.mm
@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        ("msra", "half_pixel"),
        ("half_pixel", "msra"),
        ("udp", "msra"),
        ("simcc", MapGeometry("simcc", (192, 256), (0.5, 0.5), (0.25, 0.25))),
    ],
)
def test_a_convention_that_is_another_ones_shows_as_an_offset(kind, declared, people):
    assert worst_offset(kind, declared, people) > 0.4


@pytest.mark.slow
def test_without_real_data_the_command_measures_a_made_up_teacher(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_REALDATA", str(tmp_path / "none"))
    plot = tmp_path / "warp.png"
    result = CliRunner().invoke(main, ["--crops", "2", "--no-flip", "--json", "--plot", str(plot)])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.output)
    assert [row["amount"] for row in printed["teachers"]["synthetic"][:3]] == [0.0, 5.0, -5.0]
    assert cv2.imread(str(plot)) is not None


@pytest.mark.slow
@pytest.mark.mm
@pytest.mark.realdata
@pytest.mark.parametrize(("name", "cell_px"), [("td-hm", 4.0), ("rtmpose-t", 2.0)])
def test_a_real_teachers_warped_map_has_no_systematic_offset(realdata, monkeypatch, tmp_path, name, cell_px):
    """Shifts are whole cells: nothing is resampled. Teachers are drawn to the crop's middle, so only the mean
    of opposite shifts is an offset. A mirrored crop shows twice the offset of a flip-tested map; about
    MMPose's own axis it would be 1 pixel (td-hm) and half a pixel (rtmpose-t)."""
    monkeypatch.setenv("KD_REALDATA", str(realdata))
    study = WarpStudy(teacher_called(name, flip_test=True), table_for(name, 24, tmp_path))
    shifts = [study.compare(Case("shift", pixels)) for pixels in (8.0, -8.0)]
    assert min(row["joints"] for row in shifts) > 150
    assert max(row["resampling_p90_px"] for row in shifts) < 0.02
    for axis in ("offset_x_px", "offset_y_px"):
        assert abs(np.mean([row[axis] for row in shifts])) < 0.25 * cell_px
    mirrored = study.compare(MIRROR)
    assert mirrored["offset_x_px"] == pytest.approx(0.0, abs=0.05)
    assert mirrored["offset_y_px"] == pytest.approx(0.0, abs=0.05)
