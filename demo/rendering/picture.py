"""A rendered picture as an annotation file refers to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from demo.rendering.scene import Person


@dataclass(frozen=True)
class Picture:
    image_id: int
    size: tuple[int, int]
    """Width and height."""
    people: Sequence[Person]
    """Those an annotator would label."""

    @property
    def file_name(self) -> str:
        """The image's number and nothing else: MMPose reads MPII's image ids from the file names."""
        return f"{self.image_id:07d}.jpg"
