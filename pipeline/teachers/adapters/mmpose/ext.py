"""A stand-in for `mmcv._ext`, MMCV's compiled operators, which do not build against today's PyTorch.

`mmcv.ops` looks its operators up in `mmcv._ext` on import, so without that module neither `mmpose.models` nor
`mmdet.models` can be imported, although top-down pose networks call none of them. Person detectors call NMS,
which torchvision has.
"""

import importlib
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType

from jaxtyping import Float, Int64
from torch import Tensor

from pipeline.errors import KDError

_NAME = "mmcv._ext"


def install_mmcv_ext() -> None:
    """Make `mmcv.ops` importable: with MMCV's own operators where they are, else with the stand-in.

    Raises:
        KDError: MMCV is missing, or its compiled operators are there and do not load.
    """
    if _NAME in sys.modules:
        return
    try:
        importlib.import_module(_NAME)
    except ModuleNotFoundError as error:
        if error.name != _NAME:
            raise KDError(
                f"{error.name} is not installed, but a teacher or detector of OpenMMLab was asked for. "
                "Install kd-pipeline with its dependencies (see the README's first command)."
            ) from None
        sys.modules[_NAME] = _StandIn()
    except ImportError as error:
        raise KDError(
            f"the installed mmcv has compiled operators that do not load: {error}. "
            "Install an mmcv built for this PyTorch, or replace it: pip uninstall mmcv; pip install "
            "mmcv-lite==2.1.0"
        ) from None


def openmmlab_versions() -> str:
    """Versions of what teachers and detectors need, once it all imports, and whose operators are used.

    Raises:
        KDError: as `install_mmcv_ext`.
    """
    install_mmcv_ext()
    packages = [
        importlib.import_module(name) for name in ("mmpose.models", "mmdet.models", "mmengine", "mmcv")
    ]
    names = [package.__name__.split(".")[0] for package in packages]
    versions = [f"{name} {sys.modules[name].__version__}" for name in names]
    stand_in = isinstance(sys.modules[_NAME], _StandIn)
    return f"{', '.join(versions)}, {'operators: stand-in (NMS only)' if stand_in else 'compiled operators'}"


class _StandIn(ModuleType):
    """Has every operator by name; all but NMS raise when called."""

    def __init__(self) -> None:
        super().__init__(_NAME, doc=__doc__)
        self.__spec__ = ModuleSpec(_NAME, loader=None, origin=__file__)
        self.nms = _nms

    def __getattr__(self, name: str) -> Callable:
        if name.startswith("__"):
            raise AttributeError(name)
        return _missing_operator(name)


def _missing_operator(name: str) -> Callable:
    def operator(*_args: object, **_kwargs: object) -> None:
        raise KDError(
            f"this network calls mmcv's compiled operator {name!r}, which mmcv-lite does not have. "
            "Install a full mmcv 2.x built for this PyTorch, or choose a network without it."
        )

    operator.__name__ = name
    return operator


def _nms(
    bboxes: Float[Tensor, "n 4"], scores: Float[Tensor, " n"], iou_threshold: float, offset: int
) -> Int64[Tensor, " kept"]:
    """Indices of the boxes (x1, y1, x2, y2) that are kept, by descending score.

    `offset` is what `mmcv.ops.nms` calls so: 1 where a box includes its last pixel.
    """
    from torchvision.ops import nms as torchvision_nms  # seconds to import, and pose networks never call NMS

    far_corner = bboxes.new_tensor([0.0, 0.0, offset, offset])
    return torchvision_nms(bboxes + far_corner, scores, iou_threshold)
