"""What a store's attributes have to be before a file is looked for by them.

Their hash says that they are as they were written, not that this program wrote them: a store may come from
anywhere.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.store.format.layout import num_shards

MOST_SHARDS = 2**20
"""A file of each array for every one of them."""

Count = Annotated[int, Field(ge=1, le=2**31)]
Side = Annotated[int, Field(ge=1, le=65536)]
Pair = Annotated[list[float], Field(min_length=2, max_length=2)]
Size = Annotated[list[Side], Field(min_length=2, max_length=2)]


class _Part(BaseModel):
    """Entries that are not used are not checked."""

    model_config = ConfigDict(strict=True)


class _Convention(_Part):
    name: str
    joints: list[str] = Field(min_length=1, max_length=65536)


class _Crop(_Part):
    input_size: Size
    padding: float
    udp: bool


class _Map(_Part):
    kind: Literal["heatmap", "simcc"]
    size: Size
    scale: Pair
    offset: Pair


class _Codec(_Part):
    dtype: Literal["uint8", "float16"]
    zstd_level: Annotated[int, Field(ge=1, le=22)]
    shard_size: Side


class _Fidelity(_Part):
    joints_measured: int
    drift_p50_px: float | None = None
    drift_p99_px: float | None = None
    max_error: float | None = None
    bytes_per_crop: dict[str, float]


class _Attributes(_Part):
    teacher: str
    dataset: str
    segments: list[Count] = Field(min_length=1)
    crops: int
    convention: _Convention
    crop_geometry: _Crop
    map_geometry: _Map
    flip_test: bool
    beta: float | None
    codec: _Codec
    views: dict[str, Any]
    provenance: dict[str, Any]
    provenance_sha256: str
    created_at: str
    fidelity: _Fidelity | None = None


def absurdity(attributes: dict[str, Any]) -> str | None:
    """What is wrong with the attributes, in words; None where nothing is."""
    try:
        found = _Attributes.model_validate(attributes)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    shards = num_shards(found.segments, found.codec.shard_size)
    if shards > MOST_SHARDS:
        return f"segments: {shards} shards, but {MOST_SHARDS} are the most"
    return None
