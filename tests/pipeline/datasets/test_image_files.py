"""Image files: whole or refused, inside their folder or refused, read as MMPose reads them."""

import hashlib
import io
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.datasets import image_files
from pipeline.datasets.image_files import ImageFacts, inspect_image, inspect_images, locate, read_image
from pipeline.datasets.refusal import Reason, Refused
from pipeline.errors import KDError


def encoded(kind: str, size: tuple[int, int] = (160, 120), **options) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, kind, **options)
    return buffer.getvalue()


KINDS = {
    "jpeg": encoded("JPEG"),
    "progressive jpeg": encoded("JPEG", progressive=True),
    "png": encoded("PNG"),
    "webp": encoded("WEBP"),
    "bmp": encoded("BMP"),
}


def refusal_of(path: Path) -> Refused:
    with pytest.raises(Refused) as caught:
        inspect_image(path)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_gives_its_hash_and_size(tmp_path, kind):
    path = tmp_path / "image"
    path.write_bytes(KINDS[kind])
    assert inspect_image(path) == ImageFacts(hashlib.sha256(KINDS[kind]).hexdigest(), (160, 120))


@pytest.mark.parametrize("kept", [0.999, 0.9, 0.5, 0.1, 0.01])
@pytest.mark.parametrize("kind", KINDS)
def test_a_torn_file_is_refused(tmp_path, kind, kept):
    path = tmp_path / "image"
    path.write_bytes(KINDS[kind][: int(len(KINDS[kind]) * kept)])
    assert refusal_of(path).reason == Reason.BROKEN_IMAGE


def test_a_file_torn_at_its_last_byte_is_refused(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(KINDS["jpeg"][:-1])
    assert refusal_of(path).reason == Reason.BROKEN_IMAGE


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"not an image at all", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_refused(tmp_path, content):
    path = tmp_path / "image.jpg"
    path.write_bytes(content)
    assert refusal_of(path).reason == Reason.BROKEN_IMAGE


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert refusal_of(tmp_path / "nowhere.jpg").reason == Reason.MISSING_IMAGE
    assert refusal_of(tmp_path).reason == Reason.MISSING_IMAGE


def test_the_size_is_of_the_image_as_exif_turns_it(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    path.write_bytes(encoded("JPEG", exif=exif))
    assert inspect_image(path).size == (120, 160)
    assert read_image(path).shape == (160, 120, 3)


@pytest.mark.mm
def test_pixels_are_those_of_mmpose(tmp_path):
    from pipeline.teachers.adapters.mmpose.ext import install_mmcv_ext

    install_mmcv_ext()
    from mmpose.datasets.transforms import LoadImage

    exif = Image.Exif()
    exif[0x0112] = 6
    grey = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save(grey, "PNG")
    for content in (*KINDS.values(), encoded("JPEG", exif=exif), grey.getvalue()):
        path = tmp_path / "image"
        path.write_bytes(content)
        theirs = LoadImage()({"img_path": str(path)})["img"]
        np.testing.assert_array_equal(read_image(path), theirs)


def test_reading_a_missing_or_broken_image_says_what_to_do(tmp_path):
    with pytest.raises(KDError, match="nowhere.jpg cannot be read: No such file.*index again"):
        read_image(tmp_path / "nowhere.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"no")
    with pytest.raises(KDError, match="broken.jpg cannot be decoded"):
        read_image(tmp_path / "broken.jpg")


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "images"
    (images / "sub").mkdir(parents=True)
    (images / "a.jpg").write_bytes(KINDS["jpeg"])
    (tmp_path / "secret.jpg").write_bytes(KINDS["jpeg"])
    (images / "file-link.jpg").symlink_to(tmp_path / "secret.jpg")
    (images / "folder-link").symlink_to(tmp_path)
    (images / "inner-link.jpg").symlink_to("a.jpg")
    (images / "loop.jpg").symlink_to("loop.jpg")
    return images


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../secret.jpg",
        "sub/../../secret.jpg",
        "folder-link/../../secret.jpg",
        "C:\\images\\a.jpg",
        "a\0.jpg",
    ],
)
def test_a_name_that_leaves_the_folder_is_refused(folder, name):
    with pytest.raises(Refused) as caught:
        locate(folder.resolve(), name)
    assert caught.value.reason == Reason.OUTSIDE_FOLDER


@pytest.mark.parametrize("name", ["\ud800.jpg", "sub/caf\udce9.jpg"])
def test_a_name_that_is_no_text_is_refused(folder, name):
    with pytest.raises(Refused) as caught:
        locate(folder.resolve(), name)
    assert caught.value.reason == Reason.FILE_NAME


def test_an_absolute_path_into_the_folder_is_refused_too(folder):
    with pytest.raises(Refused, match="absolute"):
        locate(folder.resolve(), str(folder / "a.jpg"))


@pytest.mark.parametrize("name", ["a.jpg", "./a.jpg", "sub/../a.jpg", "inner-link.jpg"])
def test_a_name_that_stays_in_the_folder_is_found(folder, name):
    assert locate(folder.resolve(), name) == folder.resolve() / "a.jpg"


@pytest.mark.parametrize("name", ["a.jpg", "file-link.jpg", "sub/../file-link.jpg", "folder-link/secret.jpg"])
def test_the_images_folder_a_folder_in_it_and_an_image_may_be_links(folder, tmp_path, name):
    """DVC links what it checks out where `cache.type` says so, and users link one by one or by folder."""
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert isinstance(inspect_images(link, [name])[name], ImageFacts)


@pytest.mark.parametrize("name", ["", ".", "./", "sub/.."])
def test_a_name_of_the_folder_itself_is_no_image(folder, name):
    assert isinstance(inspect_images(folder, [name])[name], Refused)


def test_a_link_to_itself_is_refused(folder):
    assert isinstance(inspect_images(folder, ["loop.jpg"])["loop.jpg"], Refused)


def test_a_name_too_long_for_the_file_system_is_refused(folder):
    name = "x" * 5000 + ".jpg"
    assert isinstance(inspect_images(folder, [name])[name], Refused)


def test_at_most_as_many_images_are_open_as_there_are_workers(folder, monkeypatch):
    lock, running, most = threading.Lock(), 0, 0

    def slow(path: Path) -> ImageFacts:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        return ImageFacts("0", (1, 1))

    monkeypatch.setattr(image_files, "inspect_image", slow)
    monkeypatch.setattr(image_files, "BATCH", 16)
    heard = []
    found = inspect_images(folder, [f"{i}.jpg" for i in range(40)], 3, lambda *done: heard.append(done))
    assert len(found) == 40 and most == 3
    assert heard == [(16, 40), (32, 40), (40, 40)]


@pytest.mark.slow
def test_a_whole_picture_of_16000_by_12000_is_no_broken_one(tmp_path):
    """Pillow by itself takes one of over 179 million pixels for an attack."""
    path = tmp_path / "large.png"
    Image.new("1", (16_000, 12_000)).save(path)
    assert inspect_image(path).size == (16_000, 12_000)
