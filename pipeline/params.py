"""`params.yaml`: what a workspace is made of, checked once, on reading.

Each section is declared to DVC by the stages whose output it changes; `runtime` changes no output and is
declared by none.
"""

import re
import reprlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import KDError, did_you_mean, unknown_name
from pipeline.names import check_names
from pipeline.presets import check_preset, with_preset
from pipeline.recipes import check_recipe, with_recipe

PixelSize = tuple[Annotated[int, Field(ge=8, le=4096)], Annotated[int, Field(ge=8, le=4096)]]
Sigma = Annotated[float, Field(gt=0.0, le=12.0)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Hue = Annotated[int, Field(ge=0, le=90)]
Byte = Annotated[int, Field(ge=0, le=255)]
ModelName = Annotated[str, Field(pattern=r"^\w[\w .,=+-]*$")]
"""A name that can be a file's and a table row's: letters, digits, spaces and _ . , = + -"""
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{8,64}$")]
"""Of a file, in hexadecimal; its first 8 digits or more will do, as OpenMMLab's file names end in them."""


class Section(BaseModel):
    """Immutable; a key that nobody reads is an error, not a silent typo."""

    model_config = ConfigDict(frozen=True, extra="forbid")


SectionT = TypeVar("SectionT", bound=Section)


class DatasetParams(Section):
    """One dataset split: where it lies and how to read it. Paths are relative to the workspace."""

    format: Literal["coco", "mpii", "posetrack18", "images"]
    convention: str | None = None
    """Of the labels; format `images` needs none."""
    images: str
    annotations: str
    """Keypoint annotations; for format `images`, where labels are not read, detection results (COCO's) with
    file names, a COCO file with people in boxes, or a COCO list of the images that `boxes` are on."""
    boxes: str | None = None
    """Detection results that replace the annotated boxes, if any."""
    domain: str | None = None
    """Datasets of one domain look alike: what labels of one of them say of teachers holds for all (weightings
    `reliability` and those by calibration). None: a domain of its own."""
    min_box_score: Fraction = 0.0
    strip_prefix: str = ""
    """Leading part of the annotations' file names that `images` lacks (Human-Art: `HumanArt/images/`)."""
    origin: Literal[0, 1] = 0
    """What the annotations call the centre of the top-left pixel: 1 where they count from 1 (JHMDB)."""


class TeacherParams(Section):
    """One pretrained teacher. Its files belong in `teachers/<name>/`, where DVC watches them."""

    adapter: Literal["mmpose", "onnx"]
    checkpoint: str
    config: str
    """mmpose: `mmpose::body_2d_keypoint/...` or a path; onnx: the sidecar YAML."""
    sha256: Sha256 | None = None
    convention: str
    """What its joint names mean; their order is what the checkpoint or sidecar says."""
    flip_test: bool = True
    storage_size: PixelSize | None = None
    """(width, height) heatmaps are stored at; None: as the teacher makes them."""
    datasets: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Those of `cells.datasets` that it is run over; None: all of them. No stored answer depends on it."""


class CellsParams(Section):
    """What is extracted: every teacher named here over every dataset named here, but for what a teacher's own
    `datasets` leave out. Ask `Params.datasets_of` and `Params.teachers_of`."""

    teachers: tuple[str, ...] = Field(min_length=1)
    datasets: tuple[str, ...] = Field(min_length=1)


class ViewsParams(Section):
    """Augmented views of every crop that teachers answer too, besides the plain one."""

    count: int = Field(default=0, ge=0, le=32)
    """Of every crop; each costs as much time and space as the plain crop."""
    flip: Fraction = 0.0
    """How likely a view is mirrored. Training mirrors any view by itself, without loss; and of a flip-tested
    teacher the mirrored view's answer is the mirrored answer."""
    rotation_degrees: float = Field(default=30.0, ge=0.0, le=180.0)
    scale: float = Field(default=0.25, ge=0.0, lt=1.0)
    """The crop's side is multiplied by a factor from [1 - scale, 1 + scale]."""
    shift: Fraction = 0.05
    """Largest shift of the crop's centre, as a fraction of its side."""
    seed: int = Field(default=0, ge=0)


class ExtractParams(Section):
    """What is stored of teachers' answers, and how.

    A changed preset, step, floor or quiet makes stored maps stale; `views` adds rows; `shard_size` and
    `zstd_level` hold for new stores and leave those that are there as they are.
    """

    preset: Literal["compact", "balanced", "exact"] = "balanced"
    """balanced: bytes, no loud value off by more than 1/255 of its peak; compact: the same, less of the faint
    background, and slow to write; exact: float16, ten times the size."""
    step: Literal[1, 2] | None = None
    """Units of 1/255 of the peak to one step of a byte; None: as the preset says, like the two below."""
    floor: int | None = Field(default=None, ge=0, le=64)
    """Values under this many units are stored as one level, their mean."""
    quiet: float | None = Field(default=None, ge=0.0, le=100.0)
    """So are values under this many times the mean of their map."""
    zstd_level: int | None = Field(default=None, ge=1, le=22)
    shard_size: int = Field(default=1024, ge=1, le=65536)
    views: ViewsParams = ViewsParams()

    @model_validator(mode="after")
    def _exact_has_no_steps(self) -> "ExtractParams":
        given = [name for name in ("step", "floor", "quiet") if getattr(self, name) is not None]
        if self.preset == "exact" and given:
            message = f"the preset exact stores maps as float16, so {given[0]} has no meaning. Remove it, "
            raise _in("extract", KDError(message + "or choose the preset balanced."))
        return self


class SkeletonParams(Section):
    """The union skeleton. Without a list: the conventions of every dataset and teacher in `cells`."""

    conventions: tuple[str, ...] | None = None
    joints: tuple[str, ...] | None = None
    """Only these union joints; None: all that the conventions provide."""
    similar_weight: Fraction = 0.5
    """Weight of a relation `similar`; `same` weighs 1."""


PACKAGED_WEIGHTS = "imagenet"
"""What `student.init.backbone` calls an installed package's weights."""


INIT_SOURCES = ("rtmpose", "simple_baseline", "backbone", "student")


class InitParams(Section):
    """The weights that a student starts from, of one source at most; none: random ones. Paths are relative
    to the workspace."""

    rtmpose: str | None = None
    """A checkpoint (.pth) of RTMPose, as MMPose saves it; its joints are copied by name."""
    simple_baseline: str | None = None
    """A checkpoint (.pth) of MMPose's with SimpleBaseline's heatmap head (td-hm); its joints are copied by
    name."""
    backbone: str | None = None
    """A file with a backbone's weights; `imagenet`: an installed package's (efficientnet_lite0 only)."""
    student: str | None = None
    """The folder of another student; its joints are copied by name."""
    sha256: Sha256 | None = None
    """Of the checkpoint, the backbone's file or the folder's student.safetensors."""
    convention: str | None = None
    """What the joints of an MMPose checkpoint mean; None: what it says itself."""

    @model_validator(mode="after")
    def _one_source(self) -> "InitParams":
        given = [name for name in INIT_SOURCES if getattr(self, name) is not None]
        if len(given) > 1:
            raise _in("student.init", KDError(f"{' and '.join(given)} are both given. Keep one of them."))
        if self.sha256 and (not given or self.backbone == PACKAGED_WEIGHTS):
            raise _in(
                "student.init", KDError("sha256 is given, but no file that has it. Name one, or drop it.")
            )
        if self.convention and not (self.rtmpose or self.simple_baseline):
            message = "convention is of use only with rtmpose or simple_baseline. Remove it."
            raise _in("student.init", KDError(message))
        return self


class StudentParams(Section):
    """The network."""

    backbone: Literal[
        "mobilenet_v3_small",
        "mobilenet_v3_large",
        "resnet18_slim",
        "resnet18",
        "resnet34",
        "resnet50",
        "efficientnet_lite0",
        "cspnext_t",
        "cspnext_s",
        "cspnext_m",
    ] = "resnet18"
    output_stride: Literal[16, 32] = 32
    """Input pixels to a cell of the backbone's last map: 16 leaves the last stage out, for small inputs, or
    (resnet18_slim) dilates it."""
    frozen_stages: int = Field(default=0, ge=0, le=8)
    """Stages of the backbone, from the stem on, that keep their weights and statistics."""
    init: InitParams = InitParams()
    head: Literal["heatmap", "simcc", "rtmcc"] = "heatmap"
    """rtmcc: RTMPose's, SimCC with attention between joints."""
    input_size: PixelSize = (192, 256)
    padding: float = Field(default=1.25, ge=1.0, le=2.0)
    width: int = Field(default=128, ge=8, le=1024)
    """Channels of the head's hidden layers; those of rtmcc are RTMPose's."""
    sigma: Sigma | tuple[Sigma, Sigma] = 2.0
    """Standard deviation of a ground-truth Gaussian: map cells (heatmap), bins (SimCC); or two, along x and
    y."""
    simcc_split_ratio: float = Field(default=2.0, ge=0.5, le=4.0)

    @property
    def sigma_xy(self) -> tuple[float, float]:
        return self.sigma if isinstance(self.sigma, tuple) else (self.sigma, self.sigma)


class AugmentParams(Section):
    """Image augmentation in training."""

    distribution: Literal["uniform", "truncnorm"] = "uniform"
    """Of rotation, scale and shift within their ranges; truncnorm: a standard normal cut at -1 and 1, as in
    MMPose's `RandomBBoxTransform`."""
    flip: Fraction = 0.5
    rotation_degrees: float = Field(default=30.0, ge=0.0, le=180.0)
    scale: float = Field(default=0.25, ge=0.0, lt=1.0)
    """The crop's side is multiplied by a factor from [1 - scale, 1 + scale]."""
    shift: Fraction = 0.05
    """Largest shift of the crop's centre, as a fraction of its side."""
    shift_probability: Fraction = 1.0
    shift_of: Literal["box", "padded"] = "box"
    """Whose side: the person's box, or that times `student.padding` (MMPose's `bbox_scale`)."""
    half_body: Fraction = 0.1
    stored_views: Fraction = 0.5
    """Share of crops shown in one of their stored views (`extract.views`), to which teachers' own answers are
    known, instead of one drawn by the settings above. Nothing where no view is stored."""
    colour: Fraction = 0.2
    """Largest relative change of brightness, contrast and saturation."""
    hsv: tuple[Hue, Byte, Byte] = (0, 0, 0)
    """Largest change of hue (of 180), saturation and value, each added to every other crop, as
    `YOLOXHSVRandomAug` of MMDetection does (RTMPose: 5, 30, 30)."""
    blur: Fraction = 0.0
    """How likely a crop is averaged over squares of 3, 5 or 7 pixels."""
    median_blur: Fraction = 0.0
    """How likely it gets the median over such squares."""
    dropout: Fraction = 0.2
    """How likely one rectangle of the crop is painted over with one colour (coarse dropout)."""
    dropout_size: tuple[Fraction, Fraction] = (0.2, 0.4)
    """Least and largest side of that rectangle, as a share of the crop's."""
    dropout_colour: Literal["random", "black"] = "random"
    mask_distillation: bool = False
    """Teachers, who saw the whole crop, teach nothing of what lies under the rectangle; labels do."""

    @model_validator(mode="before")
    @classmethod
    def _erasing_is_dropout(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "erasing" in values:
            message = (
                "there is no setting erasing any more: a rectangle is painted over with the probability "
            )
            raise _in("train.augment", KDError(message + "`dropout`. Rename it (0 switches both off)."))
        return values

    @model_validator(mode="after")
    def _dropout_size_is_a_range(self) -> "AugmentParams":
        least, largest = self.dropout_size
        if least > largest:
            message = f"dropout_size is [{least:g}, {largest:g}], but the least side comes first. Swap them."
            raise _in("train.augment", KDError(message))
        return self


class LastEpochsParams(Section):
    """The end of a training, on pictures nearer to those of test time (RTMPose's `PipelineSwitchHook`)."""

    epochs: int = Field(ge=1, le=10000)
    augment: dict[str, Any]
    """Settings of `train.augment` that are others there."""


class ValidationParams(Section):
    """Labelled splits on which the averaged weights are scored while a student trains: a learning curve.
    The training is the same to the bit."""

    datasets: tuple[str, ...] = Field(min_length=1)
    every_epochs: int = Field(default=1, ge=1, le=10000)
    """And after the last epoch."""


class TrainParams(Section):
    """Stage two, the part that is not distillation."""

    recipe: Literal["rtmpose"] | None = None
    """Settings that a published network is trained with (`pipeline.recipes`); they cannot be changed beside
    it."""
    datasets: tuple[str, ...] = Field(min_length=1)
    epochs: int = Field(default=100, ge=1, le=10000)
    steps_per_epoch: int | None = Field(default=None, ge=1, le=10_000_000)
    """Batches an epoch, whatever the datasets' sizes; None: as many as there are crops for."""
    batch_size: int = Field(default=64, ge=1, le=8192)
    learning_rate: float = Field(default=1e-3, gt=0.0, le=1.0)
    schedule: Literal["cosine", "flat_cosine"] = "cosine"
    """flat_cosine: no decay in the first half of the training, as RTMPose."""
    weight_decay: float = Field(default=0.05, ge=0.0, le=1.0)
    warmup_epochs: float = Field(default=1.0, ge=0.0)
    warmup_steps: int | None = Field(default=None, ge=0)
    """The warm-up in steps, instead of `warmup_epochs`."""
    clip_grad_norm: float | None = Field(default=5.0, gt=0.0)
    """None: gradients are not clipped."""
    ema_decay: float = Field(default=0.999, ge=0.0, lt=1.0)
    ema_ramp: Literal["hyperbolic", "exponential"] = "hyperbolic"
    """How the average's decay grows up to `ema_decay`; exponential: as MMPose's `ExpMomentumEMA`."""
    sampling: Literal["proportional", "balanced", "temperature"] = "proportional"
    """Draws per dataset: in proportion to its size, all alike, or to size ** (1 / sampling_temperature)."""
    sampling_temperature: float | None = Field(default=None, ge=1.0, le=100.0)
    sampling_caps: dict[str, Annotated[int, Field(ge=1)]] = {}
    """Draws an epoch that a dataset has at most."""
    ground_truth_weight: float = Field(default=1.0, ge=0.0, le=100.0)
    label_beta: float | None = Field(default=None, gt=0.0, le=100.0)
    """Labels as the softmax of this times their Gaussian (RTMPose: 10); None: the Gaussian, normalised."""
    joint_weights: bool = True
    """Joints count by the weight that their convention gives them, for labels and teachers alike."""
    occluded_weight: Fraction = 1.0
    """Weight of labels marked as occluded."""
    calibrate_scores: tuple[str, ...] = ()
    """Labelled datasets on which scores are made probabilities after training: of a validation split, never
    of a test split, whose numbers would look better than they are. Empty: scores are as decoded."""
    validation: ValidationParams | None = None
    baselines: dict[str, dict[str, Any]] = {}
    """Students to compare with, trained after it: by name, the settings that are others there, as in an
    ablation's arm (`labels_only: {distill.weight: 0}`). They go to runs/baselines/<name>/."""
    amp: Literal["auto", "off", "bf16"] = "auto"
    seed: int = Field(default=0, ge=0)
    augment: AugmentParams = AugmentParams()
    last_epochs: LastEpochsParams | None = None

    @model_validator(mode="after")
    def _sampling_fits(self) -> "TrainParams":
        for name in self.sampling_caps:
            if name not in self.datasets:
                raise _in("train.sampling_caps", unknown_name("training dataset", name, self.datasets))
        if (self.sampling == "temperature") != (self.sampling_temperature is not None):
            raise _in("train", KDError(self._temperature_told()))
        wanted, most = (self.steps_per_epoch or 0) * self.batch_size, sum(self.sampling_caps.values())
        if wanted > most and all(name in self.sampling_caps for name in self.datasets):
            message = f"steps_per_epoch of batch_size need {wanted} draws, but sampling_caps allow {most}. "
            raise _in("train", KDError(message + "Lower steps_per_epoch, or leave a dataset without a cap."))
        return self

    @model_validator(mode="after")
    def _baselines_have_names(self) -> "TrainParams":
        try:
            check_names("baseline", self.baselines)
        except KDError as error:
            raise _in("train.baselines", error) from None
        return self

    @model_validator(mode="after")
    def _last_epochs_fit(self) -> "TrainParams":
        if self.last_epochs is not None and self.last_epochs.epochs > self.epochs:
            message = (
                f"{self.last_epochs.epochs} last epochs were asked for, but train.epochs is {self.epochs}. "
            )
            raise _in("train.last_epochs", KDError(message + "Lower the one or raise the other."))
        self.augment_from()
        return self

    @model_validator(mode="after")
    def _one_warmup(self) -> "TrainParams":
        usual = TrainParams.model_fields["warmup_epochs"].default
        if self.warmup_steps is not None and self.warmup_epochs != usual:
            message = f"warmup_steps is {self.warmup_steps}, so warmup_epochs {self.warmup_epochs:g} has no "
            raise _in("train", KDError(message + "meaning. Remove warmup_epochs."))
        return self

    def _temperature_told(self) -> str:
        if self.sampling == "temperature":
            return (
                "sampling is temperature, which needs sampling_temperature: 1 is proportional, 100 balanced."
            )
        return (
            f"sampling is {self.sampling}, so sampling_temperature has no meaning. Remove it, or set "
            "sampling: temperature."
        )

    def sampling_exponent(self) -> float:
        """Draws per dataset are in proportion to its size to this power."""
        return {"proportional": 1.0, "balanced": 0.0}.get(
            self.sampling, 1 / (self.sampling_temperature or 1.0)
        )

    def augment_from(self) -> dict[int, AugmentParams]:
        """The augmentation from each of these epochs on.

        Raises:
            KDError: `last_epochs.augment` has a setting that there is not, or one out of range.
        """
        if self.last_epochs is None:
            return {0: self.augment}
        values = self.augment.model_dump() | self.last_epochs.augment
        last = parse_section(AugmentParams, values, "params.yaml, train.last_epochs.augment")
        return {0: self.augment, self.epochs - self.last_epochs.epochs: last}


class DistillParams(Section):
    """The multi-teacher terms of the loss."""

    preset: Literal["paper", "paper-literal"] | None = None
    """Settings of arXiv 2405.20084 (`pipeline.presets`); what is written out beside it in `distill` wins."""
    weight: float = Field(default=1.0, ge=0.0, le=100.0)
    schedule: Literal["constant", "decay"] = "constant"
    """decay: the weight falls in a straight line towards 0 at the last epoch."""
    warmup_epochs: int = Field(default=0, ge=0)
    """Epochs in which the weight rises to its full value."""
    teachers: dict[str, Annotated[float, Field(ge=0.0, le=100.0)]] | None = None
    """Fixed weight per teacher; None: every teacher in `cells`, weight 1."""
    min_confidence: Fraction = 0.1
    """A joint in which its teacher's own confidence, as stored, is lower than this teaches nothing."""
    weighting: Literal["fixed", "confidence", "ca-mkd", "adaptive", "reliability"] = "fixed"
    """What the fixed weights are multiplied with, or how their sum is dealt out, per crop and joint."""
    reliability_power: float = Field(default=2.0, gt=0.0, le=8.0)
    """Of the share of right answers, for the weighting `reliability`."""
    share: Literal["joint", "teacher"] = "joint"
    """joint: the teachers of one joint share one weight, the mean of theirs; teacher: theirs add up."""
    where: Literal["everywhere", "unlabelled"] = "everywhere"
    """unlabelled: only joints that have no label in the crop are taught by teachers."""
    targets: Literal["maps", "keypoints"] = "maps"
    """keypoints: teachers' joints are taught as labels are (pseudo-labels), and no map is read."""
    drop_teachers: Fraction = 0.0
    """How likely a teacher is left out of a crop; never the one that the student is furthest from. The others
    take over its weight (UNIC, Sariyildiz et al., ECCV 2024)."""
    offsets: bool = False
    """Move joints that a convention marks elsewhere (`similar`) by the offset fitted from the stores."""
    calibration: str | None = None
    """A calibration.json to use as it is (`kd-pipeline calibrate --out`); None: one is fitted for the
    training."""
    loss: Literal["kl", "mse", "peak_mse"] = "kl"
    temperature: float = Field(default=1.0, ge=0.05, le=20.0)
    """Of the loss `kl`: above 1, faint positions count more."""
    coordinate_weight: float = Field(default=0.0, ge=0.0, le=100.0)
    """Of the loss on joints' mean places, relative to `weight`."""
    relation_weight: float = Field(default=0.0, ge=0.0, le=100.0)
    """Of the loss on distances between a person's joints, relative to `weight`."""
    original_sum: bool = False
    """Add the terms up as the code of arXiv 2405.20084 does, defects and all (for comparison only)."""

    @model_validator(mode="after")
    def _settings_have_a_meaning(self) -> "DistillParams":
        if self.loss != "kl" and self.temperature != 1.0:
            message = f"temperature is {self.temperature:g}, which has no meaning for loss {self.loss}. "
            raise _in("distill", KDError(message + "Remove it, or set loss: kl."))
        usual = {"loss": "kl", "temperature": 1.0, "weighting": "fixed"}
        usual |= {"coordinate_weight": 0.0, "relation_weight": 0.0}
        others = [name for name, value in usual.items() if getattr(self, name) != value]
        if self.original_sum and others:
            message = f"original_sum adds up ground truth and teachers alone, so {others[0]} must be "
            raise _in("distill", KDError(f"{message}{usual[others[0]]}. Remove it, or original_sum."))
        return self


class EvaluateParams(Section):
    """Evaluation of the student and of the teachers' stored keypoints."""

    datasets: tuple[str, ...] = Field(min_length=1)
    students: dict[ModelName, str] = {}
    """More students to compare with, `{labels only: runs/labels_only}`: name -> folder of one trained before,
    relative to the workspace. DVC watches the folder once it is among the deps of the stage evaluate."""
    flip_test: bool = True
    overlays: int = Field(default=8, ge=0, le=1000)
    """People drawn per dataset."""


class RuntimeParams(Section):
    """What changes speed but no output."""

    device: str = "auto"
    batch_size: int = Field(default=64, ge=1, le=8192)
    """Crops a teacher sees at once in extraction and evaluation."""
    workers: int | Literal["auto"] = Field(default="auto")
    checkpoint_steps: int | None = Field(default=None, ge=1)
    """A training is saved after every so many steps too, not only after every epoch."""


class Params(Section):
    """The whole of `params.yaml`."""

    cells: CellsParams
    datasets: dict[str, DatasetParams]
    teachers: dict[str, TeacherParams]
    skeleton: SkeletonParams = SkeletonParams()
    extract: ExtractParams = ExtractParams()
    student: StudentParams = StudentParams()
    train: TrainParams
    distill: DistillParams = DistillParams()
    evaluate: EvaluateParams
    runtime: RuntimeParams = RuntimeParams()

    @model_validator(mode="before")
    @classmethod
    def _names_are_usable(cls, values: Any) -> Any:
        for section, kind in (("datasets", "dataset"), ("teachers", "teacher")):
            found = values.get(section) if isinstance(values, Mapping) else None
            if isinstance(found, Mapping):
                try:
                    check_names(kind, found)
                except KDError as error:
                    raise _in(section, error) from None
        return values

    @model_validator(mode="after")
    def _something_is_taught(self) -> "Params":
        if self.distill.weight == 0 and self.train.ground_truth_weight == 0:
            message = "distill.weight and train.ground_truth_weight are both 0, so nothing is taught. "
            raise KDError(message + "Raise one of them.")
        return self

    @model_validator(mode="after")
    def _labels_have_a_convention(self) -> "Params":
        for name, dataset in self.datasets.items():
            if dataset.convention is None and dataset.format != "images":
                message = (
                    f"convention is missing, but format {dataset.format} has labels, whose joints it names. "
                    "Set it to a built-in one (coco17, mpii16, ...) or to the path of your own YAML; or set "
                    "format: images to leave the labels out."
                )
                raise _in(f"datasets.{name}", KDError(message))
        return self

    @model_validator(mode="after")
    def _recipe_and_preset_are_whole(self) -> "Params":
        train = self.train.model_dump()
        check_recipe(train, self.student.model_dump())
        check_preset(self.distill.model_dump(), train)
        return self

    @model_validator(mode="after")
    def _names_stand_once(self) -> "Params":
        for place, names in (*self._dataset_lists(), ("cells.teachers", self.cells.teachers)):
            twice = _first_twice(names)
            if twice is not None:
                raise _in(place, KDError(f"{twice!r} is listed twice. Keep one."))
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> "Params":
        for place, names in self._dataset_lists():
            for name in names:
                if name not in self.datasets:
                    raise _in(place, unknown_name("dataset", name, self.datasets))
        for place, names in (
            ("cells.teachers", self.cells.teachers),
            ("distill.teachers", self.distill.teachers or ()),
        ):
            for name in names:
                if name not in self.teachers:
                    raise _in(place, unknown_name("teacher", name, self.teachers))
        for name in self.distill.teachers or ():
            if name not in self.cells.teachers:
                raise _in("distill.teachers", unknown_name("extracted teacher", name, self.cells.teachers))
        return self

    def _dataset_lists(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Every list of datasets' names, with its place in the file."""
        yield "cells.datasets", self.cells.datasets
        yield "train.datasets", self.train.datasets
        yield "train.calibrate_scores", self.train.calibrate_scores
        yield "train.validation.datasets", self._validated()
        yield "evaluate.datasets", self.evaluate.datasets
        for teacher, own in self.teachers.items():
            yield f"teachers.{teacher}.datasets", own.datasets or ()

    def _validated(self) -> tuple[str, ...]:
        return self.train.validation.datasets if self.train.validation else ()

    @model_validator(mode="after")
    def _teachers_datasets_are_extracted(self) -> "Params":
        for teacher, own in self.teachers.items():
            for name in own.datasets or ():
                if name not in self.cells.datasets:
                    message = (
                        f"dataset {name} is not in cells.datasets ({', '.join(self.cells.datasets)}), which "
                        "this list selects from. Add it there, or remove it here."
                    )
                    raise _in(f"teachers.{teacher}.datasets", KDError(message))
        return self

    @model_validator(mode="after")
    def _students_are_judged_on_other_labels(self) -> "Params":
        for place, name in (
            *(("train.calibrate_scores", name) for name in self.train.calibrate_scores),
            *(("train.validation.datasets", name) for name in self._validated()),
        ):
            if self.datasets[name].format == "images":
                message = f"dataset {name} is of format images, which has no labels, but labels are needed. "
            elif name in self.train.datasets:
                message = (
                    f"dataset {name} is in train.datasets, on whose crops a student is right more often than "
                    "on others. "
                )
            else:
                continue
            message += "Name a labelled validation split, or none."
            raise _in(place, KDError(message))
        return self

    def datasets_of(self, teacher: str) -> tuple[str, ...]:
        """The datasets that this teacher is run over, in the order of `cells.datasets`."""
        own = self.teachers[teacher].datasets
        return tuple(name for name in self.cells.datasets if own is None or name in own)

    def teachers_of(self, dataset: str) -> tuple[str, ...]:
        """The teachers that are run over this dataset, in the order of `cells.teachers`."""
        return tuple(name for name in self.cells.teachers if dataset in self.datasets_of(name))

    def distill_weights(self) -> dict[str, float]:
        """Fixed weight of every teacher that takes part in distillation."""
        weights = self.distill.teachers
        return dict(weights) if weights is not None else dict.fromkeys(self.cells.teachers, 1.0)


def _first_twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)


def _in(place: str, error: KDError) -> KDError:
    return KDError(f"params.yaml, {place}: {error}")


def read_params(path: Path) -> Params:
    """Read and check a workspace's `params.yaml`.

    Raises:
        KDError: the file is missing, is not YAML, names something twice, has an unknown key, a value out
            of range, or a name that is not defined.
    """
    if not path.is_file():
        raise KDError(
            f"there is no {path}. Run this in a workspace (a folder with params.yaml and dvc.yaml), "
            "name one with --workspace, or make one: kd-pipeline init DIR --template quickstart"
        )
    return parse_params(load_yaml(path), str(path))


def parse_params(values: Mapping[str, Any], source: str) -> Params:
    """`values` as Params; `source` names their origin in errors."""
    return parse_section(Params, values, source)


def parse_section(section: type[SectionT], values: Mapping[str, Any], source: str) -> SectionT:
    """`values` as one kind of section; `source` names their origin in errors.

    Raises:
        KDError: an unknown key, a missing value, or one out of range.
    """
    try:
        return section.model_validate(with_recipe(with_preset(values)) if section is Params else values)
    except ValidationError as error:
        raise KDError(f"{source}: {_all_told(error.errors(), section)}") from None


def is_section(setting: str) -> bool:
    """Whether a dotted name (`train.augment`) is that of a section, not of a single setting, whose value can
    be a mapping too (`distill.teachers`)."""
    model: type[Section] | None = Params
    for part in setting.split("."):
        field = model.model_fields.get(part) if model else None
        model = section_in(field.annotation) if field else None
    return model is not None


def section_in(annotation: Any) -> type[Section] | None:
    """The section, perhaps an optional one, that a field of this type holds; None: it holds none."""
    parts = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    sections = [part for part in parts if isinstance(part, type) and issubclass(part, Section)]
    return sections[0] if sections else None


def _all_told(errors: Sequence[Mapping[str, Any]], section: type[Section]) -> str:
    """Those of one value (of which it may be this or that) together, and none that follows from another."""
    problems: dict[str, list[str]] = {}
    for error in errors:
        place = error["loc"]
        within = (other for other in errors if other["loc"][: len(place)] == place and other is not error)
        if error["type"] == "too_short" and any(within):
            continue  # what was refused is not counted
        subject, problem = _told(error, section)
        problems.setdefault(subject, []).append(problem)
    listed = [f"{subject}{', or '.join(found)}" for subject, found in problems.items()]
    more = len(listed) - MOST_TOLD
    return "; ".join(listed[:MOST_TOLD]) + (f"; and {more} more" if more > 0 else "")


def _told(error: Mapping[str, Any], section: type[Section]) -> tuple[str, str]:
    """What it is about, and what is wrong with it."""
    location = tuple(part for part in error["loc"] if not _ALTERNATIVE.fullmatch(str(part)))
    place = ".".join(str(part) for part in location) or "the file"
    model = _section_at(location[:-1], section)
    if error["type"] == "extra_forbidden":
        near = did_you_mean(str(location[-1]), model.model_fields if model else (), LIKENESS)
        return f"{place}: ", f"no such setting. {near or 'Remove it or correct its spelling'}"
    if error["type"] == "missing":
        return f"{place}: ", "missing, and it has no default"
    message, value = error["msg"][0].lower() + error["msg"][1:], error["input"]
    if error["type"] == "literal_error":
        choices = re.findall("'([^']*)'", error["ctx"]["expected"])
        near = did_you_mean(str(value), choices, LIKENESS)
        message += f". {near}" if near else ""
    if error["type"] == "string_type" and isinstance(value, bool | int | float | date):
        message += f" (YAML reads it as {type(value).__name__}; put it in quotes if it is a name)"
    return f"{place} is {_shortened(value)}, but ", f"{message}{_range(model, location)}"


def _shortened(value: Any) -> str:
    told = _REPR.repr(value)  # not all of it: aliases of aliases can stand for more than fits in memory
    return told if len(told) <= LONGEST_TOLD else f"{told[:LONGEST_TOLD]}..."


def _section_at(location: tuple[str | int, ...], section: type[Section]) -> type[Section] | None:
    model: type[Section] | None = section
    for part in location:
        field = model.model_fields.get(part) if model else None
        model = section_in(field.annotation) if field else None
    return model


def _range(model: type[Section] | None, location: tuple[str | int, ...]) -> str:
    """Both bounds of the setting at `location`, one of `model`; pydantic names only the one that was
    crossed."""
    if model is None or not location or location[-1] not in model.model_fields:
        return ""
    bounds = {
        name: value
        for constraint in model.model_fields[location[-1]].metadata
        for name in ("ge", "gt", "le", "lt")
        if (value := getattr(constraint, name, None)) is not None
    }
    words = {"ge": "{:g}", "gt": "above {:g}", "le": "to {:g}", "lt": "below {:g}"}
    told = [words[name].format(bounds[name]) for name in words if name in bounds]
    return f" (allowed: {' '.join(told)})" if told else ""


LIKENESS = 0.6
"""From which on a name is taken for a setting or choice misspelt."""
LONGEST_TOLD = 200
MOST_TOLD = 5
"""Mistakes that one message lists."""
_ALTERNATIVE = re.compile(r"(int|float|str|constrained-\w+|(literal|tuple|list|dict)\[.*|\[key\])", re.DOTALL)
"""What pydantic adds to a place where a value may be of several types, and to a key."""
_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxstring = 3, LONGEST_TOLD
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character of UTF-16: escapes can write one alone, and then it is none."""
_MERGE = "tag:yaml.org,2002:merge"


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML where a name given twice is an error; plain YAML lets the last one win. A merge key (`<<: *base`)
    may bring names that are also given: those that are given win."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._checked: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Puts what is merged beside what is given, after which nothing tells them apart any more."""
        if isinstance(node, yaml.MappingNode) and id(node) not in self._checked:
            self._checked.add(id(node))
            self._check_names(node)
        super().flatten_mapping(node)

    def _check_names(self, node: yaml.MappingNode) -> None:
        seen: set = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            line, key = key_node.start_mark.line + 1, self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise KDError(f"line {line}: a {type(key).__name__} is no name. Write text before the colon.")
            if key in seen:
                raise KDError(f"line {line}: {key!r} is defined twice. Give each its own name.")
            seen.add(key)

    def construct_scalar(self, node: yaml.ScalarNode) -> Any:
        """Raises KDError for text that no path, name or terminal takes: with NUL, or half a character."""
        value = super().construct_scalar(node)
        if isinstance(value, str) and ("\0" in value or _SURROGATE.search(value)):
            raise KDError(
                f"line {node.start_mark.line + 1}: {_shortened(value)} has a character that no name or path "
                "can have. Remove it."
            )
        return value

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Raises KDError for what looks like a date or has a tag (`!!bool x`), and is not one."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            kind, line = node.tag.rpartition(":")[2], node.start_mark.line + 1
            raise KDError(
                f"line {line}: {_shortened(node.value)} is read as YAML's {kind}, but is none "
                f"({type(error).__name__}: {error}). Put it in quotes if it is text."
            ) from None


def load_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping whose keys are unique.

    Raises:
        KDError: not there, not readable, not YAML, not a mapping, a key given twice, or something that holds
            itself.
    """
    if not path.is_file():
        raise KDError(f"there is no file {path}. Write it, or mend its name.")
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except KDError as error:
        raise KDError(f"{path}, {error}") from None
    except RecursionError:
        raise KDError(f"{path} is nested too deeply to be read. Remove some of its brackets.") from None
    except (yaml.YAMLError, ValueError, OSError) as error:  # ValueError: impossible dates, endless numbers
        raise KDError(
            f"{path} cannot be read as YAML: {error}. Mend the file at the place it names."
        ) from None
    if not isinstance(values, dict):
        raise KDError(f"{path} holds {type(values).__name__}, but a mapping of names to values was wanted.")
    if _holds_itself(values, set(), set()):
        raise KDError(f"{path}: an alias (*) stands inside of what it stands for. Write it out.")
    return values


def _holds_itself(value: Any, above: set[int], sound: set[int]) -> bool:
    """Whether a mapping or list stands somewhere inside of itself. What aliases name many times is looked at
    once (`sound`)."""
    if not isinstance(value, dict | list) or id(value) in sound:
        return False
    if id(value) in above:
        return True
    parts = value.values() if isinstance(value, dict) else value
    if any(_holds_itself(part, above | {id(value)}, sound) for part in parts):
        return True
    sound.add(id(value))
    return False
