"""From a dataset's files to its crop table and the list of what was refused."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention
from pipeline.datasets.annotations import Annotations, AnnotationSource, Person
from pipeline.datasets.crop_rows import CropRows
from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.formats.detections import read_detections
from pipeline.datasets.formats.json_file import read_json
from pipeline.datasets.image_files import ImageFacts, inspect_images
from pipeline.datasets.refusal import Refusal, Refused, nothing_left
from pipeline.datasets.screening import screen
from pipeline.errors import KDError
from pipeline.extensions import FORMATS
from pipeline.files.hashes import known_sha256
from pipeline.params import DatasetParams


def index_dataset(
    name: str,
    params: DatasetParams,
    root: Path,
    *,
    keep_unlabelled: bool = False,
    known: dict[str, ImageFacts | Refused] | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[CropTable, list[Refusal]]:
    """The crops of one dataset split, and every sample that did not become one.

    `root` is what relative paths in `params` start from. With `keep_unlabelled`, people annotated without any
    labelled joint (and crowds) stay as rows with `labelled` False; see `index_people`. `known` caches what
    calls for the same split have found about its images. `progress` gets the images checked and their total.

    Raises:
        KDError: the convention, the images folder or an annotation file as a whole is wrong, or not one
            sample can be used (with the most frequent reasons).
    """
    convention = load_convention(params.convention, root) if params.convention else None
    images_root = _images_folder(name, params, root)
    sources = sources_of(params, root)  # before they are read: what changes meanwhile is found later
    annotations = _read(AnnotationSource(name, params, root, convention))
    known = {} if known is None else known
    names = sorted({person.image.file_name for person in annotations.people} - known.keys())
    known |= inspect_images(images_root, names, workers, progress)
    rows, refusals = _screen_all(annotations.people, known, convention, keep_unlabelled)
    refusals = annotations.refused + refusals
    if not rows:
        raise nothing_left(name, root / (params.boxes or params.annotations), refusals)
    table = CropTable(
        dataset=name,
        convention=params.convention,
        images_root=images_root,
        joints=convention.joints if convention else (),
        sources=sources,
        **rows.columns(),
    )
    return table, refusals


def index_people(
    name: str, params: DatasetParams, root: Path, known: dict[str, ImageFacts | Refused] | None = None
) -> CropTable | None:
    """Everyone the annotations know, also where crops come from detections: the truth to evaluate against.

    People without a labelled joint and crowds are rows too: COCO's rules ignore a detection that falls on
    them. None for format `images`, which has no annotations. `known` as in `index_dataset`.

    Raises:
        KDError: as `index_dataset`.
    """
    if not params.has_labels:
        return None
    annotated = params.model_copy(update={"boxes": None})
    return index_dataset(name, annotated, root, keep_unlabelled=True, known=known)[0]


def _images_folder(name: str, params: DatasetParams, root: Path) -> Path:
    folder = root / params.images
    if not folder.is_dir():
        raise KDError(
            f"dataset {name!r}: the images folder {folder} does not exist. "
            "Put the images there, or correct `images` in params.yaml."
        )
    return folder


def _read(source: AnnotationSource) -> Annotations:
    """The people of the annotations, or of the detections that stand in for them."""
    annotations = FORMATS.load(source.params.format)(source)
    if source.boxes is None or not source.params.has_labels:  # pictures without labels have their boxes so
        return annotations
    return read_detections(read_json(source.boxes), source.boxes, source.params, annotations.images)


def _screen_all(
    people: list[Person],
    facts: Mapping[str, ImageFacts | Refused],
    convention: Convention | None,
    keep_unlabelled: bool,
) -> tuple[CropRows, list[Refusal]]:
    """Empties `people`: the entries need not be kept beside the rows made of them."""
    rows = CropRows(convention.num_joints if convention else 0)
    refusals: list[Refusal] = []
    people.reverse()
    while people:
        person = people.pop()
        try:
            image = facts[person.image.file_name]
            if isinstance(image, Refused):
                raise image
            rows.add(screen(person, image, convention, keep_unlabelled))
        except Refused as refused:
            refusals.append(refused.of(person.image.file_name, person.annotation_id))
    return rows, refusals


def sources_of(params: DatasetParams, root: Path) -> dict[str, str]:
    """SHA-256 of the files that a split's people come from, by their paths in params.yaml; those that are
    there. Of a folder (PoseTrack18), of the JSON files in it.

    Raises:
        KDError: a file cannot be read.
    """
    found = {}
    for name in (name for name in (params.annotations, params.boxes) if name is not None):
        path = root / name
        try:
            in_folder = path.is_dir()
            files = sorted(path.glob("*.json")) if in_folder else [path]
            hashes = [known_sha256(file) for file in files]
        except (FileNotFoundError, ValueError):  # not there, or a name that no file can have
            continue
        except OSError as error:
            raise KDError(
                f"{path} cannot be read: {error.strerror}. Make it readable for this user, then run the same "
                "command again."
            ) from None
        listing = "".join(f"{file.name}\0{sha256}\0" for file, sha256 in zip(files, hashes, strict=True))
        found[name] = hashlib.sha256(listing.encode()).hexdigest() if in_folder else hashes[0]
    return found
