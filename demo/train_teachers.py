"""Train the quickstart's small MMPose teachers, each on its own synthetic domain and nothing else.

    python demo/train_teachers.py                          # all of them: about 40 minutes of one core
    python demo/train_teachers.py --teacher simcc_mpii

Everything that makes a teacher is in its MMPose config; this is MMPose's data pipeline, codec, network and
loss in a loop. The training pictures have another seed than the quickstart's, so no teacher has seen those.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch
from torch import Tensor, nn

from demo.datasets.generate import generate_domain
from pipeline.teachers.adapters.mmpose.ext import install_mmcv_ext

install_mmcv_ext()

import mmpose  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.dataset import pseudo_collate  # noqa: E402
from mmengine.logging import MMLogger  # noqa: E402
from mmengine.optim import build_optim_wrapper  # noqa: E402
from mmpose.registry import DATASETS, MODELS  # noqa: E402
from mmpose.utils import register_all_modules  # noqa: E402

TEACHERS = ("heatmap_coco", "simcc_mpii", "udp_aic")
TRAINING_SEED = 7_000_000
EMA_DECAY = 0.998


class SeededSamples(torch.utils.data.Dataset):
    """Augmentation that depends on epoch and sample alone, not on which worker draws it."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict:
        seed = (self.epoch * 1_000_003 + index) % 2**32
        random.seed(seed)
        np.random.seed(seed)
        return self.dataset[index]


@click.command()
@click.option("--teacher", "names", multiple=True, type=click.Choice(TEACHERS), default=TEACHERS)
@click.option("--root", type=click.Path(path_type=Path), default=Path("teachers"), show_default=True)
@click.option(
    "--data", type=click.Path(path_type=Path), default=Path("build/teacher_data"), show_default=True
)
@click.option("--images", default=4000, show_default=True, help="Training pictures per domain.")
@click.option("--epochs", type=int, help="Instead of the config's.")
@click.option("--workers", default=1, show_default=True)
@click.option("--threads", default=1, show_default=True, help="Threads of PyTorch; changes rounding.")
def main(
    names: tuple[str, ...],
    root: Path,
    data: Path,
    images: int,
    epochs: int | None,
    workers: int,
    threads: int,
) -> None:
    """Render the training pictures, where they are missing, and train the teachers on them."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    torch.use_deterministic_algorithms(True)
    register_all_modules()
    MMLogger.get_instance("mmengine", log_level="ERROR")
    for name in names:
        config = Config.fromfile(root / name / f"{name}.py")
        if epochs is not None:
            config.max_epochs = config.train_cfg.max_epochs = epochs
        _render_once(Path(config.data_root).name, data, images)
        model = train(config, data, workers)
        accuracy = pck(model, config, data)
        click.echo(f"{name}: PCK@0.2 (torso) {accuracy:.1f} on its own domain")
        save(model, config, root / name / f"{name}.pth", accuracy)


def _render_once(domain: str, data: Path, images: int) -> None:
    if not (data / domain / "annotations" / "val_union.json").is_file():
        click.echo(f"rendering {images} training pictures of {domain}")
        generate_domain(domain, data / domain, images, 200, TRAINING_SEED)


def train(config: Config, data: Path, workers: int) -> nn.Module:
    """The exponential moving average of the network's weights over the training that `config` describes."""
    torch.manual_seed(config.randomness.seed)
    random.seed(config.randomness.seed)
    np.random.seed(config.randomness.seed)
    model = MODELS.build(config.model).to(memory_format=torch.channels_last)
    model.init_weights()
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=_ema, use_buffers=True)
    optimiser = build_optim_wrapper(model, config.optim_wrapper)
    samples = SeededSamples(_dataset(config.train_dataloader.dataset, data))
    batches = len(samples) // config.train_dataloader.batch_size
    total = batches * config.train_cfg.max_epochs
    for step, batch in enumerate(_batches(samples, config, workers)):
        _set_learning_rate(optimiser, config, step, total)
        losses = _training_step(model, batch, optimiser)
        average.update_parameters(model)
        if (step + 1) % 100 == 0 or step + 1 == total:
            click.echo(f"step {step + 1}/{total} " + " ".join(f"{k} {v:.4f}" for k, v in losses.items()))
    return average.module.eval()


def _dataset(config: Any, data: Path) -> Any:
    domain = Path(config.data_root).name
    return DATASETS.build({**config, "data_root": str(data / domain)})


@torch.no_grad()
def _ema(averages: list[Tensor], values: list[Tensor], updates: Tensor) -> None:
    """Averages over the last few steps at first: the early weights are worth nothing."""
    decay = min(EMA_DECAY, (1 + int(updates)) / (10 + int(updates)))
    for average, value in zip(averages, values, strict=True):
        if average.is_floating_point():
            average.lerp_(value, 1 - decay)
        else:
            average.copy_(value)


def _batches(samples: SeededSamples, config: Config, workers: int) -> Iterator[dict]:
    order = torch.Generator().manual_seed(config.randomness.seed)
    loader = torch.utils.data.DataLoader(
        samples,
        batch_size=config.train_dataloader.batch_size,
        shuffle=True,
        drop_last=True,
        generator=order,
        num_workers=workers,
        collate_fn=pseudo_collate,
    )
    for epoch in range(config.train_cfg.max_epochs):
        samples.epoch = epoch
        yield from loader


def _set_learning_rate(optimiser: Any, config: Config, step: int, total: int) -> None:
    """config.param_scheduler, closed form: a linear warm-up, then half a cosine, both by iteration."""
    warmup, cosine = config.param_scheduler
    rising = min(1.0, warmup.start_factor + (1 - warmup.start_factor) * step / warmup.end)
    floor = cosine.eta_min / config.base_lr
    falling = floor + (1 - floor) * 0.5 * (1 + np.cos(np.pi * step / total))
    for group in optimiser.param_groups:
        group["lr"] = config.base_lr * rising * falling


def _training_step(model: nn.Module, batch: dict, optimiser: Any) -> dict[str, float]:
    batch = model.data_preprocessor(batch, training=True)
    batch["inputs"] = batch["inputs"].contiguous(memory_format=torch.channels_last)
    losses = model.loss(batch["inputs"], batch["data_samples"])
    optimiser.update_params(sum(value for name, value in losses.items() if "loss" in name))
    return {name: float(value) for name, value in losses.items()}


@torch.no_grad()
def pck(model: nn.Module, config: Config, data: Path) -> float:
    """Percentage of labelled joints within a fifth of the torso, on the domain's own validation pictures.

    The torso is the longer shoulder-to-opposite-hip diagonal; who lacks one is left out.
    """
    dataset = _dataset(config.val_dataloader.dataset, data)
    names = [dataset.metainfo["keypoint_id2name"][k] for k in range(dataset.metainfo["num_keypoints"])]
    corners = [names.index(f"{side}_{part}") for part in ("shoulder", "hip") for side in ("left", "right")]
    hits: list[np.ndarray] = []
    for start in range(0, len(dataset), 64):
        batch = pseudo_collate([dataset[i] for i in range(start, min(start + 64, len(dataset)))])
        for sample in model.test_step(batch):
            hits.append(_hits(sample, corners))
    return 100 * float(np.concatenate(hits).mean())


def _hits(sample: Any, corners: list[int]) -> np.ndarray:
    truth, labelled = sample.gt_instances.keypoints[0], sample.gt_instances.keypoints_visible[0] > 0
    predicted = sample.pred_instances.keypoints[0]
    left_shoulder, right_shoulder, left_hip, right_hip = corners
    diagonals = [
        np.linalg.norm(truth[a] - truth[b])
        for a, b in ((left_shoulder, right_hip), (right_shoulder, left_hip))
        if labelled[a] and labelled[b]
    ]
    if not diagonals:
        return np.zeros(0)
    distance = np.linalg.norm(predicted - truth, axis=1)[labelled]
    return (distance <= 0.2 * max(diagonals)).astype(float)


def save(model: nn.Module, config: Config, path: Path, accuracy: float) -> None:
    """A checkpoint in MMPose's format, weights in half precision: networks cast them when they load them."""
    dataset_meta = {key: _plain(value) for key, value in _metainfo(config).items()}
    meta = {
        "mmpose_version": mmpose.__version__,
        "cfg": config.pretty_text,
        "config": path.with_suffix(".py").name,
        "dataset_meta": dataset_meta,
        "epoch": config.train_cfg.max_epochs,
        "seed": config.randomness.seed,
        "pck_own_domain": round(accuracy, 2),
    }
    state = {
        name: value.half().contiguous() if value.is_floating_point() else value.clone()
        for name, value in model.state_dict().items()
    }
    torch.save({"meta": meta, "state_dict": state}, path)


def _metainfo(config: Config) -> dict[str, Any]:
    dataset = DATASETS.get(config.dataset_type)
    return mmpose.datasets.datasets.utils.parse_pose_metainfo(dataset.METAINFO)


def _plain(value: Any) -> Any:
    """Without numpy, so that the file loads with weights_only=True."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(entry) for entry in value]
    return value


if __name__ == "__main__":
    main()
