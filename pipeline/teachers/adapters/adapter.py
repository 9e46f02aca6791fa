"""What makes teachers of one kind of file."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pipeline.conventions.convention import Convention
from pipeline.params import TeacherParams
from pipeline.teachers.teacher import Teacher


class Adapter(ABC):
    """Its module is imported in training too, to ask whether stores are current: a package that runs networks
    is imported in `build`."""

    @abstractmethod
    def build(
        self, name: str, params: TeacherParams, root: Path, meaning: Convention, device: torch.device
    ) -> Teacher:
        """The teacher called `name`, on `device`, in eval mode. Paths in `params` start at `root`; `meaning`
        is its convention.

        Raises:
            KDError: a file is missing, unsafe or not the one that was meant; checkpoint, configuration and
                convention do not fit each other; a kind of network that is not supported.
        """

    def known_provenance(
        self, params: TeacherParams, root: Path, stored: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Entries of the provenance that teachers of this kind alone have, or that their configuration file
        decides, as the files would make them now: what can be read without building the teacher. `stored` is
        the provenance that a store has."""
        return {}
