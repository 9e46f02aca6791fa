"""Teachers from an MMPose config and checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import nn

from pipeline.conventions.convention import Convention
from pipeline.errors import KDError
from pipeline.geometry import MapGeometry
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.mmpose.config import built_from, load_config, network_config, sha256_of_parts
from pipeline.teachers.adapters.mmpose.dataset_joints import dataset_joints
from pipeline.teachers.adapters.mmpose.mmpose_network import MMPoseNetwork
from pipeline.teachers.adapters.mmpose.mmpose_parts import (
    check_supported,
    crop_geometry,
    map_geometry,
    mmpose_mirror,
    normalisation,
    test_pipeline,
)
from pipeline.teachers.adapters.mmpose.networks import build_pose_estimator
from pipeline.teachers.adapters.mmpose.weights import load_weights
from pipeline.teachers.checkpoints import checked_file, joints_of, load_checkpoint, state_dict_of
from pipeline.teachers.joints import teacher_convention
from pipeline.teachers.maps import HeatmapOutput
from pipeline.teachers.reduce import reduced_geometry
from pipeline.teachers.topdown import Origin, TopDownTeacher

ADAPTER_VERSION = 1


def build_mmpose_teacher(
    name: str, params: TeacherParams, root: Path, meaning: Convention, device: torch.device
) -> TopDownTeacher:
    """The MMPose teacher that `params` describes, with paths from `root`; `meaning` is its convention.

    Raises:
        KDError: a file is missing, unsafe or not the one that was meant; a kind of network that is not
            supported; checkpoint, config and convention do not fit each other.
    """
    path = root / params.checkpoint
    config = load_config(params.config, root)
    sha256 = checked_file(path, f"teacher {name}", params.sha256)
    checkpoint = load_checkpoint(path)
    settings = network_config(config)
    model = built_from(f"the config of teacher {name}", "mmpose", build_pose_estimator, settings)
    check_supported(name, model)
    load_weights(model, state_dict_of(checkpoint, path), f"{path} and {params.config}")

    crop = crop_geometry(name, config)
    made = map_geometry(name, model.head.decoder, crop)
    normalise = normalisation(name, settings)
    network = MMPoseNetwork(model, normalise, crop, made, device)
    channels = _channels(name, network, made, crop.input_size)
    config_sha256 = sha256_of_parts(settings, test_pipeline(name, config))
    return TopDownTeacher(
        name=name,
        network=network,
        convention=teacher_convention(name, meaning, _named_joints(checkpoint, path, config), channels),
        crop=crop,
        made=made,
        map=reduced_geometry(name, made, params.storage_size),
        own_mirror=mmpose_mirror(model, made),
        flip_test=params.flip_test,
        beta=_beta(model, made),
        normalisation=normalise,
        origin=Origin("mmpose", ADAPTER_VERSION, sha256, config_sha256),
    )


@torch.inference_mode()
def _channels(name: str, network: MMPoseNetwork, made: MapGeometry, input_size: tuple[int, int]) -> int:
    """Joints in the network's maps, after one look at a black crop.

    Raises:
        KDError: the maps are not of the size the codec is for.
    """
    width, height = input_size
    maps = network(torch.zeros(1, height, width, 3, dtype=torch.uint8))
    if isinstance(maps, HeatmapOutput):
        _, channels, rows, columns = maps.heatmap_BKHW.shape
    else:
        (_, channels, columns), rows = maps.x_BKW.shape, maps.y_BKW.shape[2]
    if (columns, rows) != made.size:
        raise KDError(
            f"teacher {name} makes maps of {(columns, rows)} (width, height), but the codec in its config "
            f"is for {made.size}. Correct the config's codec."
        )
    return channels


def _beta(model: nn.Module, made: MapGeometry) -> float | None:
    """Sharpness of the softmax in MMPose's KLDiscretLoss."""
    return float(getattr(model.head.loss_module, "beta", 1.0)) if made.kind == "simcc" else None


def _named_joints(checkpoint: Mapping[str, Any], path: Path, config: Config) -> dict[str, tuple[str, ...]]:
    """Joint names by the file that has them, for those that do."""
    joints = {"the checkpoint": joints_of(checkpoint, path), "the config": dataset_joints(config)}
    return {source: names for source, names in joints.items() if names}
