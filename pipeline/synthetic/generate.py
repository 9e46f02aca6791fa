"""A synthetic dataset on disk."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import KDError
from pipeline.synthetic.coco_format import coco_annotations
from pipeline.synthetic.domain import DOMAINS, Domain, load_domain
from pipeline.synthetic.labels import UNION
from pipeline.synthetic.mpii_format import mpii_annotations
from pipeline.synthetic.picture import Picture
from pipeline.synthetic.scene import Person, encode_jpeg, render_scene
from pipeline.synthetic.union_convention import union_convention_yaml
from pipeline.workspace import make_folder

SPLITS = ("train", "val")
_FIRST_VAL_IMAGE = 1_000_000
_MIN_VISIBLE_PIXELS = 150
_MIN_VISIBLE_JOINTS = 4


def generate_domain(
    domain: str,
    out: Path,
    train_images: int,
    val_images: int,
    seed: int,
    image_size: tuple[int, int] = (320, 240),
    progress: Callable[[int], None] = lambda images: None,
) -> None:
    """Render one of the synthetic domains and write its annotations in the domain's own format.

    `out` receives images/ (train numbered from 0, val from 1,000,000), annotations/train.json and val.json;
    annotations/val_union.json labels the joints of COCO and MPII together on the val images, as COCO JSON in
    the convention annotations/synth_union.yaml, so that joints the domain does not label can be measured.
    Each picture depends on the seed, the domain, the split and its own number alone: more images never change
    the ones there were.

    Args:
        image_size: width and height.
        progress: told the number of images done after each.

    Raises:
        KDError: no such domain, a number out of range, or a folder that cannot be written.
    """
    style = load_domain(domain)
    _check(train_images, val_images, seed, image_size)
    images = make_folder(out / "images")
    annotations = make_folder(out / "annotations")
    done = 0
    for split, count in zip(SPLITS, (train_images, val_images), strict=True):
        pictures = []
        for number in range(count):
            pictures.append(_render(style, images, split, number, seed, image_size))
            progress(done := done + 1)
        _write(annotations / f"{split}.json", _annotated(style, pictures))
        if split == "val":
            _write(annotations / "val_union.json", coco_annotations(pictures, UNION))
    (annotations / "synth_union.yaml").write_text(union_convention_yaml(), encoding="utf-8")


def _check(train_images: int, val_images: int, seed: int, image_size: tuple[int, int]) -> None:
    for name, value, low, high in (
        ("number of train images", train_images, 1, _FIRST_VAL_IMAGE),
        ("number of val images", val_images, 1, _FIRST_VAL_IMAGE),
        ("seed", seed, 0, 2**32 - 1),
        ("image width", image_size[0], 64, 4096),
        ("image height", image_size[1], 64, 4096),
    ):
        if not low <= value <= high:
            raise KDError(
                f"the {name} is {value}, but must lie between {low} and {high}. Choose one that does."
            )


def _render(
    style: Domain, images: Path, split: str, number: int, seed: int, size: tuple[int, int]
) -> Picture:
    rng = np.random.default_rng([seed, list(DOMAINS).index(style.name), SPLITS.index(split), number])
    scene = render_scene(style, size, rng)
    picture = Picture(
        image_id=number + (_FIRST_VAL_IMAGE if split == "val" else 0),
        size=size,
        people=[person for person in scene.people if _is_recognisable(person)],
    )
    (images / picture.file_name).write_bytes(encode_jpeg(scene, style, rng))
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
    path.write_text(json.dumps(values), encoding="utf-8")
