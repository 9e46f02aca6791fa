"""Small MMPose teachers with random weights."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

INPUT = (96, 128)

CODECS = {
    "msra": f"dict(type='MSRAHeatmap', input_size={INPUT}, heatmap_size=(24, 32), sigma=2)",
    "dark": f"dict(type='MSRAHeatmap', input_size={INPUT}, heatmap_size=(24, 32), sigma=2, unbiased=True)",
    "udp": f"dict(type='UDPHeatmap', input_size={INPUT}, heatmap_size=(24, 32), sigma=2)",
    "udp_combined": (
        f"dict(type='UDPHeatmap', input_size={INPUT}, heatmap_size=(24, 32), heatmap_type='combined')"
    ),
    "simcc": f"dict(type='SimCCLabel', input_size={INPUT}, sigma=(4.9, 5.66), simcc_split_ratio=2.0)",
    "simcc_dark": f"dict(type='SimCCLabel', input_size={INPUT}, sigma=6.0, use_dark=True)",
    "regression": f"dict(type='RegressionLabel', input_size={INPUT})",
}

_HEATMAP_HEAD = """dict(
    type='HeatmapHead', in_channels=128, out_channels={joints}, deconv_out_channels=(32, 32, 32),
    deconv_kernel_sizes=(4, 4, 4), loss=dict(type='KeypointMSELoss'), decoder=codec)"""
_RTMCC_HEAD = f"""dict(
    type='RTMCCHead', in_channels=128, out_channels=17, input_size={INPUT}, in_featuremap_size=(3, 4),
    gau_cfg=dict(hidden_dims=32, s=16, expansion_factor=2, dropout_rate=0., drop_path=0., act_fn='SiLU',
                 use_rel_bias=False, pos_enc=False),
    loss=dict(type='KLDiscretLoss', beta=10.0, label_softmax=True), decoder=codec)"""
_SIMCC_HEAD = f"""dict(
    type='SimCCHead', in_channels=128, out_channels=17, input_size={INPUT}, in_featuremap_size=(3, 4),
    deconv_out_channels=None, loss=dict(type='KLDiscretLoss'), decoder=codec)"""
_REGRESSION_HEAD = """dict(
    type='RegressionHead', in_channels=128, num_joints=17, loss=dict(type='SmoothL1Loss'), decoder=codec)"""

_CONFIG = """
default_scope = 'mmpose'
codec = {codec}
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53],
                           std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(
        _scope_='mmdet', type='CSPNeXt', arch='P5', expand_ratio=0.5, deepen_factor=0.167, widen_factor=0.125,
        out_indices=(4, ), channel_attention=True, norm_cfg=dict(type='SyncBN'), act_cfg=dict(type='SiLU'),
        init_cfg=dict(type='Pretrained', checkpoint='https://example.invalid/never-fetched.pth')),
    {neck}
    head={head},
    test_cfg=dict({test_cfg}))
pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale', padding={padding}),
    dict(type='TopdownAffine', input_size=codec['input_size'], use_udp={udp}),
    {extra}
    dict(type='PackPoseInputs')]
train_dataloader = dict(dataset=dict(type='{dataset}', pipeline=pipeline))
test_dataloader = dict(dataset=dict(type='{dataset}', pipeline=pipeline))
"""


def config_text(codec: str = "msra", **changes: str) -> str:
    """A whole config; `changes` replace its parts."""
    heads = {"simcc": _RTMCC_HEAD, "simcc_dark": _RTMCC_HEAD, "regression": _REGRESSION_HEAD}
    parts = {
        "codec": CODECS[codec],
        "head": heads.get(codec, _HEATMAP_HEAD.format(joints=51 if codec == "udp_combined" else 17)),
        "neck": "neck=dict(type='GlobalAveragePooling')," if codec == "regression" else "",
        "test_cfg": "flip_test=True, flip_mode='heatmap', shift_heatmap=True",
        "padding": "1.25",
        "udp": "False",
        "extra": "",
        "dataset": "CocoDataset",
    }
    return _CONFIG.format(**(parts | changes))


@pytest.fixture(autouse=True)
def _openmmlab_everywhere(openmmlab: None) -> None:
    """Every test here may import MMPose and MMDetection."""


@pytest.fixture
def write_config(tmp_path: Path) -> Callable[..., Path]:
    """Write a config into the test's folder."""

    def write(codec: str = "msra", **changes: str) -> Path:
        path = tmp_path / "config.py"
        path.write_text(config_text(codec, **changes))
        return path

    return write


@pytest.fixture
def simcc_head() -> str:
    """The head of SimCC's paper, in place of RTMPose's."""
    return _SIMCC_HEAD


@pytest.fixture
def write_checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """Random weights for a config, with maps spread so that decoding them means something."""

    def write(config: Path, meta: dict | None = None) -> Path:
        from mmpose.models.builder import build_pose_estimator

        from pipeline.teachers.adapters.mmpose.config import load_config, network_config, scope

        torch.manual_seed(0)
        with scope("mmpose"):
            model = build_pose_estimator(network_config(load_config(str(config))))
        _spread(model)
        path = tmp_path / "checkpoint.pth"
        torch.save({"state_dict": model.state_dict(), "meta": meta or {}}, path)
        return path

    return write


@torch.no_grad()
def _spread(model: torch.nn.Module) -> None:
    """Last weights as if trained: maps mostly positive, of height about 1 on the noise that tests use."""
    width, height = INPUT
    noise = torch.randn(8, 3, height // 4, width // 4)
    images = torch.nn.functional.interpolate(noise, scale_factor=4, mode="bicubic")
    maps = model.eval().head.forward(model.extract_feat(images))
    layers = [layer for layer in model.head.modules() if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)]
    for layer, one in zip(
        reversed(layers), reversed(maps) if isinstance(maps, tuple) else [maps], strict=False
    ):
        layer.weight /= 4 * one.flatten(2).std(-1).mean()  # without the spread between joints
        if layer.bias is not None:
            layer.bias[:] = 0.5
