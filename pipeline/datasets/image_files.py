"""Image files: where they may lie, whether they are whole, and reading them."""

import hashlib
import io
import os
import posixpath
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pipeline.datasets.refusal import Reason, Refused
from pipeline.datasets.same_looks import SameLooks
from pipeline.errors import KDError

Image.MAX_IMAGE_PIXELS = None  # a large picture is no attack here: its owner named it

BATCH = 1024
"""Images handed to the thread pool at a time, so that a million names do not queue as a million futures."""


@dataclass(frozen=True)
class ImageFacts:
    """What the file itself says: SHA-256 of its bytes, and (width, height) of the decoded picture."""

    sha256: str
    size: tuple[int, int]
    name_on_disk: str | None = None
    """Where it differs, in bytes alone, from the name in the annotations: é is one character or two."""


def read_image(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """The picture in BGR, turned as its EXIF orientation says: what MMPose's LoadImage gives.

    Raises:
        KDError: missing or unreadable.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KDError(
            f"the image {path} cannot be read: {error.strerror}. Put it back, or index again."
        ) from None
    return decode_image(data, path)


def decode_image(data: bytes, path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """The same of the bytes of the file at `path`.

    Raises:
        KDError: they are no picture.
    """
    image = _decode(data)
    if image is None:
        raise KDError(f"the image {path} cannot be decoded. Replace it, or index again to have it refused.")
    return image


def _decode(data: bytes) -> UInt8[np.ndarray, "H W 3"] | None:
    """As mmcv.imfrombytes(data, flag='color') with its cv2 backend."""
    try:
        return cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None


def locate(images_root: Path, name: str) -> Path:
    """The file that `name`, of an annotation file, means. `images_root` must be resolved.

    The name may not lead out of the folder. A link in it may: it was made on purpose, as DVC's are with
    `cache.type symlink`, and what it points to is meant.

    Raises:
        Refused: the name is not text, is absolute, leads out of the folder by `..`, or is no file name.
    """
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive:
        raise Refused(Reason.OUTSIDE_FOLDER, f"{name!r} is an absolute path")
    if not _is_text(name):
        raise Refused(
            Reason.FILE_NAME,
            f"{ascii(name)} has bytes that are not UTF-8 (of latin-1, perhaps). Rename the file",
        )
    plain = posixpath.normpath(name)
    if PurePosixPath(plain).parts[:1] == ("..",):
        raise Refused(Reason.OUTSIDE_FOLDER, f"{name!r} leads out of the images folder by '..'")
    try:
        return (images_root / plain).resolve()
    except (OSError, RuntimeError, ValueError):
        raise Refused(Reason.OUTSIDE_FOLDER, f"{name!r} is no usable file name") from None


def _is_text(name: str) -> bool:
    """Python has bytes of a file name that are not UTF-8 as halves of characters, which no table can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def inspect_image(path: Path) -> ImageFacts:
    """Hash and decode one file, completely.

    What OpenCV makes of a torn file depends on its version and on how it is read: sometimes a picture with a
    grey rest. Pillow refuses one. Its draft mode reads every bit of a JPEG but paints an eighth of each side.

    Raises:
        Refused: missing, truncated, or no image.
    """
    try:
        if not path.is_file():
            raise Refused(Reason.MISSING_IMAGE, f"there is no file {path}")
        data = path.read_bytes()
    except OSError as error:
        raise Refused(Reason.BROKEN_IMAGE, f"{path}: {error.strerror}") from None
    _check_whole(data, path)
    image = _decode(data)
    if image is None:
        raise Refused(Reason.BROKEN_IMAGE, f"{path}: OpenCV cannot decode it")
    return ImageFacts(hashlib.sha256(data).hexdigest(), (image.shape[1], image.shape[0]))


def _check_whole(data: bytes, path: Path) -> None:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.draft(None, (1, 1))
            image.load()
    except Exception as error:  # Pillow's plugins raise whatever a broken header leads them into
        raise Refused(Reason.BROKEN_IMAGE, f"{path}: {error or type(error).__name__}") from None


def inspect_images(
    images_root: Path,
    names: Sequence[str],
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Mapping[str, ImageFacts | Refused]:
    """Each name's facts or its refusal, by as many threads as there are cores, or `workers`.

    Threads do, since Pillow, OpenCV and hashlib let go of the interpreter's lock; each holds one image at a
    time. `progress` gets the names done and their total.
    """
    root = images_root.resolve()

    same_looks = SameLooks(root)

    def look(name: str) -> ImageFacts | Refused:
        try:
            path = locate(root, name)
            found = None if name.isascii() or path.is_file() else same_looks.find(name)
            if found is None:
                return inspect_image(path)
            return replace(inspect_image(locate(root, found)), name_on_disk=found)
        except Refused as refused:
            return refused

    found: dict[str, ImageFacts | Refused] = {}
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            found.update(zip(batch, pool.map(look, batch), strict=True))
            progress(len(found), len(names))
    return found
