"""Networks of the package timm (Wightman, PyTorch Image Models): `student.backbone: timm:NAME`.

Those of which timm gives one feature map after another, each stage made from the one before: ResNets,
RegNets, ConvNeXts, MobileNets, EfficientNets and their like. Students see pictures normalised by ImageNet's
mean and deviation, whatever a network was trained with.

Legend: B crops, C channels, H and W rows and columns.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import ClassVar

from torch import Tensor, nn

from pipeline.errors import KDError, did_you_mean
from pipeline.registry import PROVIDED
from student.network.backbones.backbone import BATCH_NORM_MOMENTUM, Backbone

BLOCKS = "blocks"
"""Where EfficientNets and MobileNets keep their stages."""
PATCHES = "patch_embed"
"""What transformers that take pictures of one size begin with."""


class TimmBackbone(Backbone):
    """Stages up to the one that ends at the output stride. Parameters have timm's names, but that a stage's
    first dot is an underscore where timm has it so (`stages_0`)."""

    brings_weights: ClassVar[bool] = True

    @classmethod
    def of(cls, name: str, output_stride: int) -> Backbone:
        return cls(name.partition(PROVIDED)[2], output_stride)

    def __init__(self, name: str, output_stride: int) -> None:
        """`name`: timm's.

        Raises:
            KDError: timm is not installed, or has no such network, or none of this stride.
        """
        super().__init__()
        self._name, self.stride = name, output_stride
        network = _network(name)
        stages, strides = _stages(name, network), network.feature_info.reduction()
        if output_stride not in strides:
            raise KDError(
                f"student.output_stride is {output_stride}, but timm:{name} has feature maps at strides "
                f"{', '.join(map(str, strides))}. Choose another of them, or another backbone."
            )
        last = len(strides) - 1 - strides[::-1].index(output_stride)
        self.channels = network.feature_info.channels()[last]
        self._stage_names = stages[: last + 1]
        for part in (part for stage in self._stage_names for part in stage):
            parent, _, child = part.rpartition(".")
            if parent and parent not in self._modules:
                self.add_module(parent, nn.Module())
            self.get_submodule(parent).add_module(child, network.get_submodule(part))
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = BATCH_NORM_MOMENTUM

    @property
    def stages(self) -> Sequence[nn.Module]:
        """One ends where timm gives a feature map."""
        return [nn.Sequential(*map(self.get_submodule, stage)) for stage in self._stage_names]

    def load_packaged_weights(self) -> None:
        """timm's own for this network, from its cache, or downloaded into it.

        Raises:
            KDError: they are neither here nor to be had.
        """
        try:
            trained = _timm().create_model(self._name, pretrained=True, features_only=True)
        except Exception as error:  # of whichever library was to fetch them
            raise KDError(
                f"student.init.backbone is imagenet, but timm has no weights of {self._name} at hand: "
                f"{str(error).splitlines()[0]}. Fetch them where there is a network (timm keeps them in the "
                "cache of huggingface_hub), name a file with them, or leave student.init out."
            ) from None
        found = trained.state_dict()
        self.load_state_dict({name: found[name] for name in self.state_dict()})

    def by_own_names(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Left out is what comes after the stages: a classifier, and the convolution before it."""
        own = self.state_dict().keys()
        renamed = {_underscored(name) if name not in own else name: value for name, value in tensors.items()}
        return {name: value for name, value in renamed.items() if name in own}


def _timm() -> ModuleType:
    try:
        import timm
    except ImportError:
        raise KDError(
            "student.backbone is one of timm's, but the package timm is not installed. Install it: "
            "pip install 'kd-pipeline[timm]'; or choose another backbone."
        ) from None
    return timm


def _network(name: str) -> nn.Module:
    timm = _timm()
    if not timm.is_model(name.partition(".")[0]):  # after a dot: which of its weights
        near = did_you_mean(name, timm.list_models(), likeness=0.5)
        raise KDError(f"timm has no network {name!r}. {near or 'timm.list_models() lists those it has.'}")
    try:
        return timm.create_model(name, pretrained=False, features_only=True)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise _no_stages(name, str(error).splitlines()[0] if str(error) else type(error).__name__) from None


def _stages(name: str, network: nn.Module) -> list[list[str]]:
    """Names of the modules that are applied one after another, by the feature map that they lead to."""
    parts = list(network._modules)
    ends = getattr(network, "return_layers", None)
    if ends is None and parts[-1] == BLOCKS:
        parts = [*parts[:-1], *(f"{BLOCKS}.{block}" for block in network.blocks._modules)]
        ends = {info["module"] for info in network.feature_info.info}
    if (
        ends is None
        or PATCHES in parts
        or len(set(parts) & set(ends)) != len(network.feature_info.reduction())
    ):
        raise _no_stages(name, "its feature maps are not made one from another, of crops of any size")
    stages: list[list[str]] = [[]]
    for part in parts:
        stages[-1].append(part)
        if part in ends:
            stages.append([])
    return stages[:-1]


def _no_stages(name: str, cause: str) -> KDError:
    return KDError(
        f"timm:{name} cannot be a student's backbone: {cause}. Choose a convolutional network of timm's with "
        "stages (resnet18, convnext_atto, mobilenetv3_small_100, ...), or one of our own."
    )


def _underscored(name: str) -> str:
    return name.replace(".", "_", 1)
