"""One training, put together from a workspace: it can be stepped, saved and resumed."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from pipeline.errors import KDError
from pipeline.files.hashes import sha256_of_json
from pipeline.params import Params, TrainParams
from student.data.dataset import TrainingSet
from student.data.loader import BatchLoader, worker_count
from student.data.sampler import EpochSampler
from student.data.split import TrainingSplit
from student.data.training_data import TrainingData
from student.losses.distillation import DistillationLoss, LossWeights
from student.losses.position_loss import LossSettings, position_loss
from student.network.init.initial_student import initial_student
from student.targets.batch_targets import TargetMaker, TargetSettings
from student.training.checkpoint import changes, load_training_state
from student.training.distillation_schedule import distillation_factor
from student.training.epoch_tally import EpochTally
from student.training.trainer import Trainer
from student.training.validation import Validation
from student.weighting.build import build_weighting

IDENTITY_SECTIONS = ("skeleton", "student", "train", "distill")
"""Sections of params.yaml that a training depends on; with any of them changed, a checkpoint is another's."""
BESIDE_THE_STUDENT = {"validation", "baselines"}
"""Settings of `train` that change nothing of the student."""
LISTED_CHANGES = 5


def training_settings(params: Params) -> dict[str, Any]:
    """By section of params.yaml, all that changes something of the student."""
    return {
        **{name: getattr(params, name).model_dump(mode="json") for name in IDENTITY_SECTIONS},
        # Calibrating scores comes after training: another split for it does not train again.
        "train": params.train.model_dump(mode="json", exclude=BESIDE_THE_STUDENT | {"calibrate_scores"}),
    }


def settings_sha256(params: Params) -> dict[str, str]:
    """Hashes of `training_settings`."""
    return {name: sha256_of_json(settings) for name, settings in training_settings(params).items()}


class TrainingRun:
    """Data, trainer, the rows of the epochs that are over and the tally of the one that is not."""

    def __init__(
        self,
        params: Params,
        training_data: TrainingData,
        device: torch.device,
        root: Path,
        validation: Validation | None = None,
    ) -> None:
        """Fresh weights from `train.seed`, and those of `student.init` over them; its paths start at `root`.

        Raises:
            KDError: `student.init` asks for weights that are not there, or not for this student; a batch
                has too little to be normalised over.
        """
        self.identity = {
            "data": training_data.identity,
            "joints": list(training_data.student.skeleton.joints),
            **training_settings(params),
        }
        self.dataset = TrainingSet(
            training_data.splits,
            training_data.student,
            params.train.augment_from(),
            params.train.seed,
            params.train.occluded_weight,
            training_data.teacher_specs,
            training_data.label_offsets,
        )
        self.loader = BatchLoader(
            self.dataset,
            _sampler(params.train, training_data.splits),
            worker_count(params.runtime.workers, device),
            device,
        )
        _check_normalised(params, self.loader.sampler)
        torch.manual_seed(params.train.seed)
        self.start = initial_student(training_data.student, params.student, root)
        self.identity["init"] = self.start.identity
        student = self.start.student
        self.trainer = Trainer(
            student,
            _loss(params, training_data, student.backbone.channels),
            params.train,
            steps_per_epoch=len(self.loader),
            device=device,
            distill_factor=partial(
                distillation_factor,
                epochs=params.train.epochs,
                schedule=params.distill.schedule,
                warmup_epochs=params.distill.warmup_epochs,
            ),
        )
        self.validation = validation
        self.history: list[dict[str, float]] = []
        self._tally = EpochTally()

    @property
    def epoch(self) -> int:
        """Epochs finished; the one that comes next, from 0."""
        return len(self.history)

    def run_epoch(self, on_step: Callable[[int, int], Any]) -> dict[str, float]:
        """Train one epoch, or what is left of it, and validate where that is due; its numbers, as logged.

        `on_step` gets the steps done, and those of the whole training; what `state_dict` says then is
        whole.

        Raises:
            KDError: the loss is not finite; `Validation`.
        """
        self.loader.sampler.epoch, self.loader.sampler.start = self.epoch, self._tally.steps
        for batch in self.loader:
            self._tally.add(self.trainer.learn(batch), len(batch))
            on_step(self.trainer.step, self.trainer.steps)
        row = self._tally.row() | {"train/learning_rate": self.trainer.learning_rate}
        if self.validation is not None and self.validation.is_due(self.epoch + 1):
            row |= self.validation(self.trainer.average.model)
        self.history.append(row)
        self._tally = EpochTally()
        return self.history[-1]

    def state_dict(self) -> dict[str, Any]:
        """All that changes in training, and what it depends on."""
        return {
            "identity": self.identity,
            "history": self.history,
            "tally": self._tally.state_dict(),
            "trainer": self.trainer.state_dict(),
        }

    def resume(self, path: Path) -> str:
        """Resume from a checkpoint of this very training. Returns why not, or "" (also for no checkpoint).

        Raises:
            KDError: it is of this training by all it says, but what it holds does not fit.
        """
        if not path.exists():
            return ""
        state = load_training_state(path)
        if state is None:
            return f"{path} cannot be read (damaged, or of another version): training started afresh."
        changed = changes(state.get("identity"), self.identity)
        if changed:
            listed = "; ".join(changed[:LISTED_CHANGES]) + ("; ..." if len(changed) > LISTED_CHANGES else "")
            return f"{path} is of another training ({listed}): training started afresh."
        try:
            self._load_state_dict(state)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
            raise KDError(
                f"{path} says that it is of this training, but its content does not fit "
                f"({type(error).__name__}: {str(error).splitlines()[0]}), so another version or program "
                "wrote it. Move it away, or start from the beginning: kd-pipeline train-student --fresh"
            ) from None
        return ""

    def _load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.trainer.load_state_dict(state["trainer"])
        self.history = [dict(row) for row in state["history"]]
        self._tally.load_state_dict(state["tally"])


def _sampler(params: TrainParams, splits: Sequence[TrainingSplit]) -> EpochSampler:
    return EpochSampler(
        [len(split) for split in splits],
        params.batch_size,
        params.seed,
        exponent=params.sampling_exponent(),
        caps=[params.sampling_caps.get(split.table.dataset) for split in splits],
        steps=params.steps_per_epoch,
    )


def _check_normalised(params: Params, sampler: EpochSampler) -> None:
    """Batch normalisation takes the mean over a batch's cells. Raises KDError where a batch has one."""
    stride, (width, height) = params.student.output_stride, params.student.input_size
    if sampler.batch_size * (width // stride) * (height // stride) == 1:
        raise KDError(
            f"a batch has one crop (train.batch_size is {params.train.batch_size}, and the crops to train on "
            f"are {sum(sampler.sizes)}), and one of {width}x{height} pixels is a single cell of the "
            "backbone's last map: batch normalisation has nothing to take the mean over. Raise "
            "train.batch_size or student.input_size, or train on more crops."
        )


def _loss(params: Params, training_data: TrainingData, channels: int) -> DistillationLoss:
    distill, train = params.distill, params.train
    return DistillationLoss(
        targets=TargetMaker(
            student=training_data.student,
            teacher_specs=training_data.teacher_specs,
            weighting=build_weighting(params, training_data, channels),
            domains=[split.domain for split in training_data.splits],
            settings=TargetSettings(train.label_beta, train.joint_weights, distill.share, distill.where),
        ),
        weights=LossWeights(
            ground_truth=train.ground_truth_weight,
            distill=distill.weight,
            coordinate=distill.coordinate_weight,
            pairwise=distill.relation_weight,
        ),
        teacher_loss=position_loss(
            distill.loss, LossSettings(distill.temperature, training_data.student.target_sigma)
        ),
        drop_teachers=distill.drop_teachers,
        original=distill.original_sum,
    )
