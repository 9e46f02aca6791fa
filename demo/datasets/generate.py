"""A synthetic dataset on disk."""

import json
import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from demo.datasets.coco_format import coco_annotations, coco_detections, coco_images
from demo.datasets.domain import DOMAINS, Domain, load_domain
from demo.datasets.labels import UNION
from demo.datasets.mpii_format import mpii_annotations
from demo.datasets.union_convention import union_convention_yaml
from demo.rendering.picture import Picture
from demo.rendering.scene import Person, encode_jpeg, render_scene
from pipeline.cores import usable_cores
from pipeline.errors import KDError
from pipeline.files.atomic import make_folder, write_atomically

SPLITS = {"train": 0, "val": 1_000_000, "unlabelled": 2_000_000}
"""The number of each split's first image."""
_LAST_IMAGE = 1_000_000
_MIN_VISIBLE_PIXELS = 150
_MIN_VISIBLE_JOINTS = 4
_PICTURES_AT_A_TIME = 8


def generate_domain(
    domain: str,
    out: Path,
    train_images: int,
    val_images: int,
    seed: int,
    image_size: tuple[int, int] = (320, 240),
    unlabelled_images: int = 0,
    progress: Callable[[int], None] = lambda images: None,
) -> None:
    """Render one of the synthetic domains and write its annotations in the domain's own format.

    `out` receives images/ (numbered from 0, of val from 1,000,000, unlabelled ones from 2,000,000),
    annotations/train.json and val.json; for the unlabelled ones annotations/unlabelled.json, a COCO image
    list, and unlabelled_boxes.json, people's boxes as COCO detection results; and annotations/val_union.json,
    which labels the joints of COCO and MPII together on the val images, as COCO JSON in the convention
    annotations/synth_union.yaml, so that joints the domain does not label can be measured.
    Each picture depends on the seed, the domain, the split and its own number alone: more images never change
    the ones there were. All usable cores render.

    Args:
        image_size: width and height.
        progress: called with the number of images done after each.

    Raises:
        KDError: no such domain, a number out of range, or a folder that cannot be written.
    """
    style = load_domain(domain)
    counts = {"train": train_images, "val": val_images, "unlabelled": unlabelled_images}
    _check(counts, seed, image_size)
    images = make_folder(out / "images")
    annotations = make_folder(out / "annotations")
    wanted = [(split, number) for split, count in counts.items() for number in range(count)]
    pictures: dict[str, list[Picture]] = {split: [] for split in counts}
    with _mapper(len(wanted)) as rendered:
        render = partial(_render, style, images, seed, image_size)
        for done, ((split, _), picture) in enumerate(
            zip(wanted, rendered(render, wanted), strict=True), start=1
        ):
            pictures[split].append(picture)
            progress(done)
    for split in ("train", "val"):
        _write(annotations / f"{split}.json", _annotated(style, pictures[split]))
    _write(annotations / "val_union.json", coco_annotations(pictures["val"], UNION))
    if unlabelled_images:
        _write(annotations / "unlabelled.json", coco_images(pictures["unlabelled"]))
        _write(annotations / "unlabelled_boxes.json", coco_detections(pictures["unlabelled"]))
    write_atomically(annotations / "synth_union.yaml", union_convention_yaml())


@contextmanager
def _mapper(tasks: int) -> Iterator[Callable[..., Iterator[Picture]]]:
    """What applies a function to every task, in their order, on all cores."""
    processes = min(usable_cores(), tasks // _PICTURES_AT_A_TIME)
    if processes < 2:
        yield map
        return
    # A child forked from a process with threads may wait for ever for a lock that one of them held.
    alone = sys.platform == "linux" and threading.active_count() == 1
    context = multiprocessing.get_context("fork" if alone else "spawn")
    with ProcessPoolExecutor(processes, context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield partial(pool.map, chunksize=_PICTURES_AT_A_TIME)


def _check(counts: Mapping[str, int], seed: int, image_size: tuple[int, int]) -> None:
    for name, value, low, high in (
        *(
            (f"number of {split} images", count, 0 if split == "unlabelled" else 1, _LAST_IMAGE)
            for split, count in counts.items()
        ),
        ("seed", seed, 0, 2**32 - 1),
        ("image width", image_size[0], 64, 4096),
        ("image height", image_size[1], 64, 4096),
    ):
        if not low <= value <= high:
            raise KDError(
                f"the {name} is {value}, but must lie between {low} and {high}. Choose one that does."
            )


def _render(
    style: Domain, images: Path, seed: int, size: tuple[int, int], wanted: tuple[str, int]
) -> Picture:
    """The picture of a split and a number."""
    split, number = wanted
    rng = np.random.default_rng([seed, list(DOMAINS).index(style.name), list(SPLITS).index(split), number])
    scene = render_scene(style, size, rng)
    picture = Picture(
        image_id=number + SPLITS[split],
        size=size,
        people=[person for person in scene.people if _is_recognisable(person)],
    )
    write_atomically(images / picture.file_name, encode_jpeg(scene, style, rng))
    return picture


def _is_recognisable(person: Person) -> bool:
    """Annotators skip whom they can hardly see."""
    visible = int((person.labels["coco17"].visibility == 2).sum())
    return person.visible_area >= _MIN_VISIBLE_PIXELS and visible >= _MIN_VISIBLE_JOINTS


def _annotated(style: Domain, pictures: list[Picture]) -> dict[str, Any] | list[dict[str, Any]]:
    if style.format == "mpii":
        return mpii_annotations(pictures)
    return coco_annotations(pictures, style.convention)


def _write(path: Path, values: dict[str, Any] | list[dict[str, Any]]) -> None:
    write_atomically(path, json.dumps(values))
