"""Which crops a training sees, in which order.

Legend: D datasets, E epochs, N draws of one epoch, Q draws from one dataset.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64
from torch.utils.data import Sampler

from student.data.shares import draw_shares

_QUOTA, _SHUFFLE, _ORDER = range(3)
"""Which random numbers a seed is for."""


class Draw(NamedTuple):
    """One crop to be read: in `epoch`, after the training has drawn this very crop `repeat` times before.

    Augmentation is seeded with all of it, so it depends neither on the number of workers nor on the order.
    """

    epoch: int
    repeat: int
    index: int


class EpochSampler(Sampler[list[Draw]]):
    """Batches of one epoch over several datasets laid end to end.

    Every dataset is an endless row of shuffles of its crops, and each epoch takes up where the one before
    ended: how often two crops of a dataset were drawn never differs by more than one. The draws of an epoch
    and their order depend on seed and epoch alone, so an epoch and a number of batches are all that a resume
    needs to know: the first `start` batches of the epoch are left out.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        batch_size: int,
        seed: int,
        exponent: float = 1.0,
        caps: Sequence[int | None] | None = None,
        steps: int | None = None,
    ) -> None:
        """Draws are shared out in proportion to size ** exponent, at most `caps` an epoch (None: any number).

        An epoch has `steps` batches; None: as many full ones as there are crops, or draws up to the caps. One
        at least: it is smaller than `batch_size` where that is more than one epoch's crops.
        """
        self.sizes = tuple(sizes)
        caps = caps if caps is not None else [None] * len(sizes)
        crops = sum(size if cap is None else min(size, cap) for size, cap in zip(sizes, caps, strict=True))
        self.batch_size = batch_size if steps else min(batch_size, crops)
        self.steps = steps or crops // self.batch_size
        self.seed = seed
        self.epoch = 0
        self.start = 0
        self._share_D = draw_shares(sizes, self.steps * self.batch_size, exponent, caps)

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return self.steps

    def __iter__(self) -> Iterator[list[Draw]]:
        index_N, repeat_N = self._epoch_order()
        for number in range(self.start, self.steps):
            rows = slice(number * self.batch_size, (number + 1) * self.batch_size)
            yield [
                Draw(self.epoch, repeat, index)
                for repeat, index in zip(repeat_N[rows].tolist(), index_N[rows].tolist(), strict=True)
            ]

    def quotas(self) -> Int64[np.ndarray, "e d"]:
        """Draws per dataset in every epoch up to this one; each row's sum is that of the draws of an epoch.

        A share of 10.3 draws is 10 in some epochs and 11 in others, at random: systematic rounding (Madow
        1949) keeps both the sum and, over the epochs, every dataset's mean.
        """
        start_E = np.random.default_rng([self.seed, _QUOTA]).random(self.epoch + 1)
        edge_D = np.concatenate([[0.0], self._share_D.cumsum().round(6)])
        return np.diff(np.floor(start_E[:, None] + edge_D), axis=1).astype(np.int64)

    def _epoch_order(self) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """Indices in the order of the epoch, and how often each was drawn before."""
        quota_ED = self.quotas()
        first_D, quota_D = quota_ED[:-1].sum(0), quota_ED[-1]
        starts = np.cumsum([0, *self.sizes[:-1]])
        drawn = [self._draws(d, int(first_D[d]), int(quota_D[d])) for d in range(len(self.sizes))]
        index_N = np.concatenate([start + index for start, (index, _) in zip(starts, drawn, strict=True)])
        repeat_N = np.concatenate([repeat for _, repeat in drawn])
        order_N = np.random.default_rng([self.seed, _ORDER, self.epoch]).permutation(len(index_N))
        return index_N[order_N], repeat_N[order_N]

    def _draws(
        self, dataset: int, first: int, quota: int
    ) -> tuple[Int64[np.ndarray, " q"], Int64[np.ndarray, " q"]]:
        """Places `first` to `first + quota` of a dataset's row of shuffles, and the shuffles' numbers."""
        size = self.sizes[dataset]
        place_Q = np.arange(first, first + quota)
        shuffles = {
            number: np.random.default_rng([self.seed, _SHUFFLE, dataset, number]).permutation(size)
            for number in range(first // size, -(-(first + quota) // size))
        }
        rows = [shuffle[place_Q[place_Q // size == number] % size] for number, shuffle in shuffles.items()]
        return np.concatenate([*rows, place_Q[:0]]), place_Q // size
