"""Which stages of dvc.yaml run again when a setting changes."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.files.yaml_file import load_yaml

_ITEM = re.compile(r"\$\{(key|item)\}")


@dataclass(frozen=True)
class WatchingStages:
    """By stage (`extract@<name>` where it is a stage for each), the settings and sections in its `params`."""

    settings: dict[str, tuple[str, ...]]

    @classmethod
    def read(cls, dvc_file: Path) -> "WatchingStages":
        """Raises KDError where the file is not YAML."""
        return cls(dict(_stage(name, stage) for name, stage in load_yaml(dvc_file)["stages"].items()))

    def of(self, setting: str) -> list[str]:
        """The stages that list `setting`, or a section that it is in."""
        return [
            stage
            for stage, watched in self.settings.items()
            if any(f"{setting}.".startswith(f"{section}.") for section in watched)
        ]


def _stage(name: str, stage: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """A stage for each item has its settings under `do`, and the item's name in them."""
    every = "foreach" in stage
    params = (stage["do"] if every else stage).get("params", [])
    return f"{name}@<name>" if every else name, tuple(_ITEM.sub("<name>", setting) for setting in params)
