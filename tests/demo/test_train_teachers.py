"""The committed teachers are what demo/train_teachers.py says they are."""

from pathlib import Path

import pytest
import torch

TEACHERS = ("heatmap_coco", "simcc_mpii", "udp_aic")
pytestmark = pytest.mark.mm


def _files(repository: Path, name: str) -> tuple[Path, Path]:
    folder = repository / "teachers" / name
    return folder / f"{name}.py", folder / f"{name}.pth"


@pytest.mark.parametrize("name", TEACHERS)
def test_a_checkpoint_was_trained_by_the_config_that_lies_beside_it(repository: Path, name: str):
    from mmengine.config import Config

    config, checkpoint = _files(repository, name)
    meta = torch.load(checkpoint, weights_only=True)["meta"]
    assert meta["cfg"] == Config.fromfile(config).pretty_text
    assert meta["config"] == config.name


@pytest.mark.parametrize("name", TEACHERS)
def test_a_teacher_is_good_on_its_own_domain(repository: Path, name: str):
    _, checkpoint = _files(repository, name)
    assert torch.load(checkpoint, weights_only=True)["meta"]["pck_own_domain"] > 65


@pytest.mark.parametrize("name", TEACHERS)
def test_mmpose_itself_opens_a_teacher(repository: Path, name: str):
    from pipeline.teachers.adapters.mmpose.ext import install_mmcv_ext

    install_mmcv_ext()
    from mmpose.apis import init_model

    config, checkpoint = _files(repository, name)
    model = init_model(str(config), str(checkpoint), device="cpu")
    stored = torch.load(checkpoint, weights_only=True)["state_dict"]
    loaded = model.state_dict()
    assert loaded.keys() == stored.keys()
    for key, value in loaded.items():
        assert value.dtype in (torch.float32, torch.int64)
        torch.testing.assert_close(value, stored[key].to(value.dtype), rtol=0, atol=0)


def test_the_checkpoints_are_a_few_megabytes_in_all(repository: Path):
    assert sum(_files(repository, name)[1].stat().st_size for name in TEACHERS) < 6e6
