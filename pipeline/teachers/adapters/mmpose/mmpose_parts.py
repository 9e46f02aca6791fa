"""What an MMPose config says of crops and maps, and whether it is a kind of network that is supported."""

from typing import Any

from mmengine.config import Config
from torch import nn

from pipeline.errors import KDError
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.teachers.adapters.mmpose.config import type_name
from pipeline.teachers.normalise import Normalisation

_HEADS = {
    "HeatmapHead": ("MSRAHeatmap", "UDPHeatmap"),
    "ViPNASHead": ("MSRAHeatmap", "UDPHeatmap"),
    "CPMHead": ("MSRAHeatmap", "UDPHeatmap"),
    "RTMCCHead": ("SimCCLabel",),
    "SimCCHead": ("SimCCLabel",),
}
_STEPS = ("LoadImage", "GetBBoxCenterScale", "TopdownAffine", "PackPoseInputs")
SUPPORTED = (
    "Supported are TopdownPoseEstimator with a HeatmapHead, ViPNASHead or CPMHead (MSRAHeatmap, or "
    "UDPHeatmap of heatmap_type gaussian) or an RTMCCHead or SimCCHead (SimCCLabel)."
)


def check_supported(teacher: str, model: nn.Module) -> None:
    """Raises KDError for a network whose maps mean something else than those of `SUPPORTED`."""
    kind, head = type(model).__name__, getattr(model, "head", None)
    codec = getattr(head, "decoder", None)
    if kind != "TopdownPoseEstimator":
        raise _unsupported(teacher, f"a {kind}")
    if type(codec).__name__ not in _HEADS.get(type(head).__name__, ()):
        raise _unsupported(teacher, f"a {type(head).__name__} with the codec {type(codec).__name__}")
    if getattr(codec, "heatmap_type", "gaussian") != "gaussian":
        raise _unsupported(teacher, f"a UDPHeatmap of heatmap_type {codec.heatmap_type}")
    if getattr(codec, "use_dark", False):  # mmpose 1.3.2 raises in its own decoder
        raise _unsupported(teacher, "a SimCCLabel with use_dark")
    if model.test_cfg.get("flip_mode", "heatmap") != "heatmap":
        raise _unsupported(teacher, f"a test_cfg with flip_mode {model.test_cfg['flip_mode']}")
    if model.test_cfg.get("output_keypoint_indices") is not None:
        raise _unsupported(teacher, "a test_cfg with output_keypoint_indices, which leaves out joints")


def crop_geometry(teacher: str, config: Config) -> CropGeometry:
    """From the test pipeline, the one that `inference_topdown` runs.

    Raises:
        KDError: there is none, or it does more than load, crop and pack.
    """
    steps = {type_name(step): step for step in test_pipeline(teacher, config)}
    foreign = [name for name in steps if name not in _STEPS]
    if foreign or "TopdownAffine" not in steps:
        raise _unsupported(
            teacher, f"a test pipeline of {', '.join(steps)}", f"Wanted are {', '.join(_STEPS)}, and no more."
        )
    affine = steps["TopdownAffine"]
    padding = steps.get("GetBBoxCenterScale", {}).get("padding", 1.25)
    return CropGeometry(tuple(affine["input_size"]), float(padding), bool(affine.get("use_udp", False)))


def test_pipeline(teacher: str, config: Config) -> list[dict[str, Any]]:
    """Raises KDError where the config has none."""
    for loader in ("test_dataloader", "val_dataloader"):
        dataset = (config.get(loader) or {}).get("dataset") or {}
        if "pipeline" in dataset:
            return dataset["pipeline"]
    raise KDError(
        f"the config of teacher {teacher} has no test_dataloader.dataset.pipeline, which says how crops "
        "are cut. Name the whole config it was trained and tested with."
    )


def map_geometry(teacher: str, codec: Any, crop: CropGeometry) -> MapGeometry:
    """Of the network's own maps, as its codec encoded the targets it was trained on.

    Must equal the `encode` of mmpose/codecs/{msra_heatmap,udp_heatmap,simcc_label}.py.

    Raises:
        KDError: the codec is for another input size than the crop's.
    """
    if tuple(codec.input_size) != crop.input_size:
        raise KDError(
            f"the config of teacher {teacher} crops to {crop.input_size}, but its codec is for "
            f"{tuple(codec.input_size)}. Give both the size it was trained with."
        )
    (width, height), name = crop.input_size, type(codec).__name__
    if name == "SimCCLabel":
        ratio = float(codec.simcc_split_ratio)
        return MapGeometry("simcc", (int(width * ratio), int(height * ratio)), (1 / ratio, 1 / ratio))
    columns, rows = codec.heatmap_size
    if name == "UDPHeatmap":
        return MapGeometry(
            "heatmap", (columns, rows), ((width - 1) / (columns - 1), (height - 1) / (rows - 1))
        )
    return MapGeometry("heatmap", (columns, rows), (width / columns, height / rows))


def mmpose_mirror(model: nn.Module, made: MapGeometry) -> float:
    """Cell i of a crop is cell `mirror` - i of its mirror image in MMPose's flip test.

    `shift_heatmap` moves the mirrored heatmap by one cell; without that setting MMPose does not
    (mmpose/models/heads/heatmap_heads/heatmap_head.py, `predict`).
    """
    shifted = made.kind == "heatmap" and model.test_cfg.get("shift_heatmap", False)
    return float(made.size[0] if shifted else made.size[0] - 1)


def normalisation(teacher: str, config: dict[str, Any]) -> Normalisation:
    """From `model.data_preprocessor`; crops are BGR.

    Raises:
        KDError: it does more than swap channels, subtract the mean and divide by the deviation.
    """
    given = dict(config.get("data_preprocessor") or {})
    kind = type_name(given) if given else "missing"
    if kind not in ("PoseDataPreprocessor", "ImgDataPreprocessor") or given.get("pad_size_divisor", 1) != 1:
        raise _unsupported(
            teacher,
            f"the data_preprocessor {kind}",
            "Wanted is PoseDataPreprocessor, and pad_size_divisor 1.",
        )
    order = "RGB" if given.get("bgr_to_rgb") or given.get("rgb_to_bgr") else "BGR"
    if given.get("mean") is None:
        return Normalisation(order)
    mean, std = (tuple(map(float, given[key])) * (3 // len(given[key])) for key in ("mean", "std"))
    return Normalisation(order, mean, std)


def _unsupported(teacher: str, found: str, wanted: str = SUPPORTED) -> KDError:
    return KDError(f"teacher {teacher} has {found}, which is not supported. {wanted}")
