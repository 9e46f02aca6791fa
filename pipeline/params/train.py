"""`train`: stage two, apart from distillation."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pipeline.errors import KDError, unknown_name
from pipeline.names import check_names
from pipeline.params.augment import AugmentParams, LastEpochsParams
from pipeline.params.parse import parse_section
from pipeline.params.section import Fraction, Section, in_place


class ValidationParams(Section):
    """Labelled splits on which the averaged weights are scored while a student trains: a learning curve.
    The training is the same to the bit."""

    datasets: tuple[str, ...] = Field(min_length=1)
    """Names from `datasets`, none of which is trained on."""
    every_epochs: int = Field(default=1, ge=1, le=10000)
    """And after the last epoch."""


class TrainParams(Section):
    """Stage two, the part that is not distillation."""

    recipe: Literal["rtmpose"] | None = None
    """Settings that a published network is trained with (`pipeline.recipes`); they cannot be changed
    beside it."""
    datasets: tuple[str, ...] = Field(min_length=1)
    """Names from `datasets` that are trained on, labelled or not."""
    epochs: int = Field(default=100, ge=1, le=10000)
    """Length of the training."""
    steps_per_epoch: int | None = Field(default=None, ge=1, le=10_000_000)
    """Batches an epoch, whatever the datasets' sizes; None: as many as there are crops for."""
    batch_size: int = Field(default=64, ge=1, le=8192)
    """Crops to a step."""
    learning_rate: float = Field(default=1e-3, gt=0.0, le=1.0)
    """The highest, reached at the end of the warm-up (AdamW)."""
    schedule: Literal["cosine", "flat_cosine"] = "cosine"
    """flat_cosine: no decay in the first half of the training, as RTMPose."""
    weight_decay: float = Field(default=0.05, ge=0.0, le=1.0)
    """Of AdamW."""
    warmup_epochs: float = Field(default=1.0, ge=0.0)
    """Epochs, or a part of one, in which the learning rate rises in a straight line."""
    warmup_steps: int | None = Field(default=None, ge=0)
    """The warm-up in steps, instead of `warmup_epochs`."""
    clip_grad_norm: float | None = Field(default=5.0, gt=0.0)
    """None: gradients are not clipped."""
    ema_decay: float = Field(default=0.999, ge=0.0, lt=1.0)
    """Of the averaged weights, which are the ones that are saved; 0: no average."""
    ema_ramp: Literal["hyperbolic", "exponential"] = "hyperbolic"
    """How the average's decay grows up to `ema_decay`; exponential: as MMPose's `ExpMomentumEMA`."""
    sampling: Literal["proportional", "balanced", "temperature"] = "proportional"
    """Draws per dataset: in proportion to its size, all alike, or to size ** (1 / sampling_temperature)."""
    sampling_temperature: float | None = Field(default=None, ge=1.0, le=100.0)
    """Of the sampling `temperature`: 1 is proportional, 100 nearly balanced."""
    sampling_caps: dict[str, Annotated[int, Field(ge=1)]] = {}
    """Draws an epoch that a dataset has at most."""
    ground_truth_weight: float = Field(default=1.0, ge=0.0, le=100.0)
    """Weight of the loss on labels; 0: teachers alone."""
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
    """Labelled splits that are scored while it trains; None: no learning curve."""
    baselines: dict[str, dict[str, Any]] = {}
    """Students to compare with, trained after it: by name, the settings that are others there, as in an
    ablation's arm (`labels_only: {distill.weight: 0}`). They go to runs/baselines/<name>/."""
    amp: Literal["auto", "off", "bf16"] = "auto"
    """bf16 arithmetic in the forward pass; auto: on CUDA."""
    seed: int = Field(default=0, ge=0)
    """Of first weights, sampling and augmentation."""
    augment: AugmentParams = AugmentParams()
    """What happens to the pictures."""
    last_epochs: LastEpochsParams | None = None
    """Another augmentation for the end of the training; None: the same throughout."""

    @model_validator(mode="after")
    def _sampling_fits(self) -> "TrainParams":
        for name in self.sampling_caps:
            if name not in self.datasets:
                raise in_place("train.sampling_caps", unknown_name("training dataset", name, self.datasets))
        if (self.sampling == "temperature") != (self.sampling_temperature is not None):
            raise in_place("train", KDError(self._temperature_problem()))
        wanted, most = (self.steps_per_epoch or 0) * self.batch_size, sum(self.sampling_caps.values())
        if wanted > most and all(name in self.sampling_caps for name in self.datasets):
            message = f"steps_per_epoch of batch_size need {wanted} draws, but sampling_caps allow {most}. "
            raise in_place(
                "train", KDError(message + "Lower steps_per_epoch, or leave a dataset without a cap.")
            )
        return self

    @model_validator(mode="after")
    def _baselines_have_names(self) -> "TrainParams":
        try:
            check_names("baseline", self.baselines)
        except KDError as error:
            raise in_place("train.baselines", error) from None
        return self

    @model_validator(mode="after")
    def _last_epochs_fit(self) -> "TrainParams":
        if self.last_epochs is not None and self.last_epochs.epochs > self.epochs:
            message = (
                f"{self.last_epochs.epochs} last epochs were asked for, but train.epochs is {self.epochs}. "
            )
            raise in_place("train.last_epochs", KDError(message + "Lower the one or raise the other."))
        self.augment_from()
        return self

    @model_validator(mode="after")
    def _one_warmup(self) -> "TrainParams":
        usual = TrainParams.model_fields["warmup_epochs"].default
        if self.warmup_steps is not None and self.warmup_epochs != usual:
            message = f"warmup_steps is {self.warmup_steps}, so warmup_epochs {self.warmup_epochs:g} has no "
            raise in_place("train", KDError(message + "meaning. Remove warmup_epochs."))
        return self

    def _temperature_problem(self) -> str:
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
