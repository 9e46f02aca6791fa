"""A file with a backbone's weights as initial weights."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from pipeline.errors import KDError
from pipeline.params import InitParams
from pipeline.teachers.checkpoints import checked_file, load_checkpoint, state_dict_of
from student.network.backbones.registry import build_backbone
from student.network.init.weights import BACKBONE, InitialWeights
from student.network.pose_student import PoseStudent

CLASSIFIERS = ("fc.", "classifier.", "head.")


def read_backbone(params: InitParams, root: Path, student: PoseStudent) -> InitialWeights:
    """The weights in the file `params.backbone`, for the student's backbone.

    Their names may be the backbone's own, which for torchvision's are torchvision's, with or without
    `backbone.` before them (as OpenMMLab has them, and a saved student). Left out are a classifier or head,
    and the stages that a student with an output stride of 16 does without.

    Raises:
        KDError: it is missing, unsafe, damaged or not the one that was meant.
    """
    path = root / params.backbone
    sha256 = checked_file(path, "student.init.backbone", params.sha256)
    own = student.backbone
    with torch.device("meta"):
        whole = build_backbone(student.config.backbone)
    tensors = whole.by_own_names(_bare(_read(path)))
    beyond = whole.state_dict().keys() - own.state_dict().keys()
    kept = {f"{BACKBONE}{name}": tensor for name, tensor in tensors.items() if name not in beyond}
    return InitialWeights(f"the backbone file {path}", sha256, kept, part=BACKBONE)


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix != ".safetensors":
        return dict(state_dict_of(load_checkpoint(path), path))
    try:
        return load_file(path)
    except SafetensorError as error:
        raise KDError(f"{path} cannot be read as safetensors: {error}. Fetch it again.") from None


def _bare(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those of the backbone alone, by its own names."""
    prefixed = {n.removeprefix(BACKBONE): t for n, t in tensors.items() if n.startswith(BACKBONE)}
    return prefixed or {name: t for name, t in tensors.items() if not name.startswith(CLASSIFIERS)}
