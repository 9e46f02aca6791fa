"""A crop's permanent id: it depends on the crop alone, not on its neighbours in the file."""

import hashlib

import numpy as np
from jaxtyping import Float64


def crop_id_of(image: str, annotation_id: int | None, bbox: Float64[np.ndarray, "4"]) -> int:
    """First 63 bits of SHA-256 over the image's file name and the annotation id, or, where there is none that
    stays, the box as written.

    So adding, removing or reordering other people never changes it, and stored maps stay with their crops.
    """
    which = (
        f"id {annotation_id}".encode()
        if annotation_id is not None
        else b"box " + bbox.astype("<f8").tobytes()
    )
    digest = hashlib.sha256(image.encode() + b"\0" + which).digest()
    return int.from_bytes(digest[:8], "big") >> 1
