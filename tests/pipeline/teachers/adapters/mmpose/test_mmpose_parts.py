import numpy as np
import pytest
import torch

from pipeline.errors import KDError
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.teachers.decode import decode_subcell

pytestmark = pytest.mark.mm

CROP = CropGeometry((192, 256), 1.25)
POINTS = np.array([[[10.0, 20.0], [95.3, 127.8], [150.9, 200.1]]], dtype=np.float32)


@pytest.mark.parametrize(
    ("codec", "expected"),
    [
        (
            {"type": "MSRAHeatmap", "heatmap_size": (48, 64), "sigma": 2, "unbiased": True},
            MapGeometry("heatmap", (48, 64), (4.0, 4.0)),
        ),
        (
            {"type": "UDPHeatmap", "heatmap_size": (48, 64), "sigma": 2},
            MapGeometry("heatmap", (48, 64), (191 / 47, 255 / 63)),
        ),
    ],
)
def test_a_heatmaps_geometry_is_where_mmpose_draws_its_training_targets(codec, expected):
    from mmpose.registry import KEYPOINT_CODECS

    from pipeline.teachers.adapters.mmpose.mmpose_parts import map_geometry

    built = KEYPOINT_CODECS.build(codec | {"input_size": CROP.input_size})
    geometry = map_geometry("t", built, CROP)
    assert geometry == expected
    heatmaps = torch.from_numpy(built.encode(POINTS)["heatmaps"])[None]
    cells = decode_subcell(heatmaps)[0].double().numpy()
    # UDP draws a cell-centred Gaussian at the rounded cell and shifts it; both tops lie within a hundredth
    # of a cell.
    np.testing.assert_allclose(geometry.to_input(cells), POINTS[0], atol=0.05)


def test_a_simcc_geometry_is_where_mmpose_draws_its_training_targets():
    from mmpose.codecs import SimCCLabel

    from pipeline.teachers.adapters.mmpose.mmpose_parts import map_geometry

    codec = SimCCLabel(input_size=CROP.input_size, sigma=6.0, simcc_split_ratio=2.0)
    geometry = map_geometry("t", codec, CROP)
    assert geometry == MapGeometry("simcc", (384, 512), (0.5, 0.5))
    encoded = codec.encode(POINTS)
    bins = [encoded[f"keypoint_{axis}_labels"][0].argmax(axis=1) for axis in "xy"]
    np.testing.assert_allclose(geometry.to_input(np.stack(bins, axis=1).astype(float)), POINTS[0], atol=0.26)


def test_a_codec_for_another_input_than_the_crops_is_an_error():
    from mmpose.codecs import SimCCLabel

    from pipeline.teachers.adapters.mmpose.mmpose_parts import map_geometry

    with pytest.raises(KDError, match=r"crops to \(192, 256\), but its codec is for \(256, 256\)"):
        map_geometry("t", SimCCLabel(input_size=(256, 256)), CROP)


@pytest.mark.parametrize(
    ("given", "order", "mean", "std"),
    [
        ({"mean": [1, 2, 3], "std": [4, 5, 6], "bgr_to_rgb": True}, "RGB", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
        ({"mean": [7], "std": [8]}, "BGR", (7.0, 7.0, 7.0), (8.0, 8.0, 8.0)),
        ({}, "BGR", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    ],
)
def test_normalisation_equals_the_data_preprocessors(given, order, mean, std):
    from mmpose.models import PoseDataPreprocessor
    from mmpose.structures import PoseDataSample

    from pipeline.teachers.adapters.mmpose.mmpose_parts import normalisation

    ours = normalisation("t", {"data_preprocessor": {"type": "PoseDataPreprocessor", **given}})
    assert (ours.channel_order, ours.mean, ours.std) == (order, mean, std)
    images = torch.randint(0, 256, (2, 8, 6, 3), dtype=torch.uint8)
    batch = {"inputs": list(images.permute(0, 3, 1, 2)), "data_samples": [PoseDataSample(), PoseDataSample()]}
    torch.testing.assert_close(ours(images), PoseDataPreprocessor(**given)(batch)["inputs"], rtol=0, atol=0)


def test_a_preprocessor_that_pads_is_refused():
    from pipeline.teachers.adapters.mmpose.mmpose_parts import normalisation

    with pytest.raises(KDError, match="pad_size_divisor 1"):
        normalisation("t", {"data_preprocessor": {"type": "PoseDataPreprocessor", "pad_size_divisor": 32}})


def test_a_config_without_a_test_pipeline_is_refused():
    from mmengine.config import Config

    from pipeline.teachers.adapters.mmpose.mmpose_parts import crop_geometry

    with pytest.raises(KDError, match=r"has no test_dataloader\.dataset\.pipeline"):
        crop_geometry("t", Config({"model": {}}))
