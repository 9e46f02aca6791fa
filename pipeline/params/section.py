"""What all sections of `params.yaml` have in common: types of values, and errors that name their place."""

from types import UnionType
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import KDError

PixelSize = tuple[Annotated[int, Field(ge=8, le=4096)], Annotated[int, Field(ge=8, le=4096)]]


Sigma = Annotated[float, Field(gt=0.0, le=12.0)]


Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


Hue = Annotated[int, Field(ge=0, le=90)]


Byte = Annotated[int, Field(ge=0, le=255)]


ModelName = Annotated[str, Field(pattern=r"^\w[\w .,=+-]*$")]
"""A name that can be a file's and a table row's: letters, digits, spaces and _ . , = + -"""


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{8,64}$")]
"""Of a file, in hexadecimal; its first 8 digits or more will do, as OpenMMLab's file names end in them."""


class Section(BaseModel):
    """Immutable; an unknown key is an error, not a silent typo."""

    model_config = ConfigDict(frozen=True, extra="forbid")


SectionT = TypeVar("SectionT", bound=Section)


def in_place(place: str, error: KDError) -> KDError:
    return KDError(f"params.yaml, {place}: {error}")


def section_in(annotation: Any) -> type[Section] | None:
    """The section, perhaps an optional one, that a field of this type holds; None: it holds none."""
    parts = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    sections = [part for part in parts if isinstance(part, type) and issubclass(part, Section)]
    return sections[0] if sections else None
