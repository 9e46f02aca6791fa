"""What readers of our own files have in common."""

from pathlib import Path


class OverOurFiles:
    """Nothing is written for them, and nothing is left open."""

    @classmethod
    def write(cls, store: Path, folder: Path) -> None:
        """The store is there."""

    @classmethod
    def files(cls, store: Path, folder: Path) -> list[Path]:
        return sorted((store / "map").glob("c.*"))

    def close(self) -> None:
        pass
