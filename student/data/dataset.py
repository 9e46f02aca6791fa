"""Training batches, read from disk as they are needed."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from torch.utils.data import Dataset

from pipeline.params import AugmentParams
from student.data.batch import TeacherBatch, TrainingBatch, WantedCrop, read_teacher
from student.data.crops import CropMaker, TrainingCrop
from student.data.sampler import Draw
from student.data.split import TrainingSplit
from student.network.config import StudentConfig
from student.targets.teacher_spec import TeacherSpec, warp_plane


class TrainingSet(Dataset[TrainingBatch]):
    """Several splits end to end. A loader asks for whole batches, so that a store is read once for each.

    Holds crop tables, but neither images nor maps: memory does not grow with what has been read. Stores are
    opened at the first read, that is, in each worker.
    """

    def __init__(
        self,
        splits: Sequence[TrainingSplit],
        student: StudentConfig,
        augment: AugmentParams | Mapping[int, AugmentParams],
        seed: int,
        occluded_weight: float = 1.0,
        teacher_specs: Sequence[TeacherSpec] = (),
        label_offsets: Mapping[str, Float32[np.ndarray, "u 2"]] | None = None,
    ) -> None:
        """`augment` may change: a mapping has the augmentation from each of its epochs on, 0 among them.

        `occluded_weight`: of labels marked as occluded; `label_offsets`: by dataset, where the union has
        joints that its labels mark elsewhere.
        """
        self.splits = tuple(splits)
        moved = label_offsets or {}
        self._makers = [
            CropMaker(split, student, occluded_weight, moved.get(split.table.dataset))
            for split in self.splits
        ]
        self._augment_from = {0: augment} if isinstance(augment, AugmentParams) else dict(augment)
        self._teachings = tuple(teacher_specs)
        self._plane = warp_plane(student)
        self._seed = seed
        self._ends = np.cumsum([len(split) for split in self.splits])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, draws: Sequence[Draw]) -> TrainingBatch:
        """The batch of these draws.

        Raises:
            KDError: an image or a shard is lost or damaged.
        """
        places = [self._place(draw.index) for draw in draws]
        crop_ids = [int(self.splits[split].table.crop_id[row]) for split, row in places]
        crops = [
            self._makers[split].make(
                row,
                self._augment_in(draw.epoch),
                np.random.default_rng([self._seed, draw.epoch, draw.repeat, crop_id]),
            )
            for draw, (split, row), crop_id in zip(draws, places, crop_ids, strict=True)
        ]
        wanted = [
            WantedCrop(*place, crop.affine_23, crop.view) for place, crop in zip(places, crops, strict=True)
        ]
        return TrainingBatch(
            **_stacked(crops),
            crop_id_B=torch.tensor(crop_ids),
            dataset_B=torch.tensor([split for split, _ in places]),
            dropped_B4=self._masked_patches(draws, crops),
            teachers=self.teacher_batches(wanted),
        )

    def teacher_batches(self, wanted: Sequence[WantedCrop]) -> dict[str, TeacherBatch]:
        """What every teacher that was run on any of the crops has in store for them."""
        found = {t.name: read_teacher(t, self.splits, wanted, self._plane) for t in self._teachings}
        return {name: answer for name, answer in found.items() if answer is not None}

    def _masked_patches(
        self, draws: Sequence[Draw], crops: Sequence[TrainingCrop]
    ) -> Float32[Tensor, "b 4"] | None:
        if not any(self._augment_in(draw.epoch).mask_distillation for draw in draws):
            return None
        return torch.from_numpy(np.stack([crop.dropped_4 for crop in crops]))

    def _augment_in(self, epoch: int) -> AugmentParams:
        return self._augment_from[max(first for first in self._augment_from if first <= epoch)]

    def _place(self, index: int) -> tuple[int, int]:
        """Which split, and which row of its table."""
        split = int(np.searchsorted(self._ends, index, side="right"))
        start = int(self._ends[split]) - len(self.splits[split])
        return split, int(self.splits[split].row_N[index - start])


def _stacked(crops: Sequence[TrainingCrop]) -> dict[str, torch.Tensor]:
    return {
        "image_BHW3": torch.from_numpy(np.stack([crop.image_HW3 for crop in crops])),
        "keypoint_BU2": torch.from_numpy(np.stack([crop.keypoint_U2 for crop in crops])),
        "weight_BU": torch.from_numpy(np.stack([crop.weight_U for crop in crops])),
        "flipped_B": torch.tensor([crop.flipped for crop in crops]),
        "body_B": torch.tensor([crop.body for crop in crops], dtype=torch.float32),
    }
