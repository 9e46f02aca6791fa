"""The sums over an epoch's steps, however often it is interrupted."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from student.losses.term import LossTerm


class EpochTally:
    """Sums over the steps of one epoch so far. Values stay on their device until they are asked for."""

    def __init__(self) -> None:
        self.steps = 0
        self.crops = 0
        self._values: dict[str, Float[Tensor, ""]] = {}
        self._weighted: dict[str, Float[Tensor, ""]] = {}
        self._weights: dict[str, tuple[float, float]] = {}
        self._earlier_seconds = 0.0
        self._started = time.perf_counter()

    def add(self, terms: Sequence[LossTerm], crops: int) -> None:
        """One more step, on a batch of so many crops."""
        for term in terms:
            value = term.value.detach()
            self._values[term.name] = self._values.get(term.name, 0.0) + value
            self._weighted[term.name] = self._weighted.get(term.name, 0.0) + value * term.weight
            low, high = self._weights.get(term.name, (term.weight, term.weight))
            self._weights[term.name] = min(low, term.weight), max(high, term.weight)
        self.steps += 1
        self.crops += crops

    def row(self) -> dict[str, float]:
        """The numbers by the names they are logged under: means over the steps, and crops per second.

        A weight that changed within the epoch is logged as the one that makes the total the sum of losses
        times weights: its mean, in which a step counts by its loss.
        """
        losses = {name: float(value) / self.steps for name, value in self._values.items()}
        weights = {name: self._weight(name, loss) for name, loss in losses.items()}
        return {
            "train/loss/total": sum(loss * weights[name] for name, loss in losses.items()),
            **{f"train/loss/{name}": loss for name, loss in losses.items()},
            **{f"train/weight/{name}": weight for name, weight in weights.items()},
            "train/crops_per_second": self.crops / self._seconds(),
        }

    def _weight(self, name: str, loss: float) -> float:
        low, high = self._weights[name]
        if low == high or loss == 0:
            return high
        return float(self._weighted[name]) / self.steps / loss

    def _seconds(self) -> float:
        return self._earlier_seconds + time.perf_counter() - self._started

    def state_dict(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "crops": self.crops,
            "values": dict(self._values),
            "weighted": dict(self._weighted),
            "weights": dict(self._weights),
            "seconds": self._seconds(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.steps, self.crops = state["steps"], state["crops"]
        self._values, self._weighted = dict(state["values"]), dict(state["weighted"])
        self._weights = dict(state["weights"])
        self._earlier_seconds, self._started = state["seconds"], time.perf_counter()
