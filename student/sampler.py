"""Which crops a training sees, in which order."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int64
from torch.utils.data import Sampler


class Draw(NamedTuple):
    """One crop to be read: the `repeat`-th time (from 0) that `epoch` draws the crop `index`.

    Augmentation is seeded with all of it, so it depends neither on the number of workers nor on the order.
    """

    epoch: int
    repeat: int
    index: int


class EpochSampler(Sampler[list[Draw]]):
    """Batches of one epoch over several datasets laid end to end; an epoch draws as many crops as there are.

    `proportional` draws every crop once; `balanced` draws from each dataset equally often, so a small one
    repeats. The order depends on seed and epoch alone: an epoch is all that a resume needs to know. A last,
    incomplete batch is left out (its crops come in other epochs), unless it is the only one.
    """

    def __init__(
        self, sizes: Sequence[int], batch_size: int, strategy: Literal["proportional", "balanced"], seed: int
    ) -> None:
        self.sizes = tuple(sizes)
        self.batch_size = min(batch_size, sum(sizes))
        self.strategy = strategy
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return sum(self.sizes) // self.batch_size

    def __iter__(self) -> Iterator[list[Draw]]:
        index_N, repeat_N = self._epoch_order()
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            rows = slice(start, start + self.batch_size)
            yield [
                Draw(self.epoch, repeat, index)
                for repeat, index in zip(repeat_N[rows].tolist(), index_N[rows].tolist(), strict=True)
            ]

    def _epoch_order(self) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """Indices in the order of the epoch, and how often each was drawn before."""
        rng = np.random.default_rng([self.seed, self.epoch])
        starts = np.cumsum([0, *self.sizes[:-1]])
        drawn = [
            self._dataset_draws(rng, size, quota)
            for size, quota in zip(self.sizes, self._quotas(), strict=True)
        ]
        index_N = np.concatenate([start + index for start, (index, _) in zip(starts, drawn, strict=True)])
        repeat_N = np.concatenate([repeat for _, repeat in drawn])
        order_N = rng.permutation(len(index_N))
        return index_N[order_N], repeat_N[order_N]

    def _quotas(self) -> list[int]:
        """Draws per dataset; what does not divide evenly goes to the first ones."""
        if self.strategy == "proportional":
            return list(self.sizes)
        share, rest = divmod(sum(self.sizes), len(self.sizes))
        return [share + (position < rest) for position in range(len(self.sizes))]

    @staticmethod
    def _dataset_draws(
        rng: np.random.Generator, size: int, quota: int
    ) -> tuple[Int64[np.ndarray, " q"], Int64[np.ndarray, " q"]]:
        """Whole shuffles of the dataset, one after another, up to the quota."""
        rounds = -(-quota // size)
        index = np.concatenate([rng.permutation(size) for _ in range(rounds)])[:quota]
        return index.astype(np.int64), np.arange(quota, dtype=np.int64) // size
