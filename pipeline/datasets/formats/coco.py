"""COCO-style keypoint annotations in any convention."""

from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.conventions.convention import Convention
from pipeline.datasets.annotations import (
    NO_ANNOTATION,
    Annotations,
    AnnotationSource,
    ImageEntry,
    Person,
    file_name_of,
    flag_of,
    integer_of,
    number_of,
    object_of,
)
from pipeline.datasets.formats.detections import PERSON, people_category
from pipeline.datasets.formats.joint_order import check_joint_order
from pipeline.datasets.formats.json_file import COCO, read_json, wrong_format
from pipeline.datasets.refusal import Reason, Refused
from pipeline.params import DatasetParams

HALPE_JOINTS = 136
"""Halpe's files hold body, face and hands; the first 26 are the convention halpe26."""


def read(source: AnnotationSource) -> Annotations:
    """Format `coco`: `read_coco` of the source's file."""
    return read_coco(read_json(source.path), source.path, source.convention, source.params)


def read_coco(value: Any, source: Path, convention: Convention, params: DatasetParams) -> Annotations:
    """The images and people of one parsed COCO-style file.

    Raises:
        KDError: the value is no COCO-style keypoint file, or its category's joints contradict the convention.
    """
    if not _is_coco_keypoints(value):
        raise wrong_format(source, COCO, value)
    people = _people_categories(value.get("categories"), convention)
    check_joint_order(people, convention, source)
    ids = _ids(people)
    if not any(_is_person(entry, ids) for entry in value["annotations"]):
        ids = frozenset()  # its list of categories is not about its annotations
    return _read_people(value, value["annotations"], ids, convention, params)


def read_coco_boxes(value: Mapping[str, Any], params: DatasetParams) -> Annotations:
    """The annotated people of a parsed COCO file (`images` and `annotations`) by their boxes alone: labels
    are ignored. So are annotations of other things than people (`_people_categories`)."""
    people = people_category(value["annotations"])
    ids = _ids(_people_categories(value.get("categories"), None) or [{"id": people}])
    entries = [entry for entry in value["annotations"] if _is_person(entry, ids)]
    return _read_people(value, entries, ids, None, params)


def read_coco_images(value: Mapping[str, Any], strip_prefix: str) -> Annotations:
    """The images of a parsed COCO file, and those that could not be read; without people."""
    annotations = Annotations()
    _read_images(value["images"], annotations, strip_prefix)
    return annotations


def _people_categories(categories: Any, convention: Convention | None) -> list[Mapping[str, Any]]:
    """Those of the file's categories that are people.

    Of several: those called person; else those with keypoints, as many as the convention has where some have
    as many (animals have joints too); else COCO's category 1. A single one is what the file is about.
    """
    listed = [
        entry
        for entry in (categories if isinstance(categories, list) else ())
        if _is_object(entry) and isinstance(entry.get("id"), int | str)
    ]
    if len({str(entry.get("id")) for entry in listed}) <= 1:
        return listed
    named = [entry for entry in listed if str(entry.get("name")).strip().lower() == "person"]
    jointed = [entry for entry in listed if entry.get("keypoints")]
    fitting = [entry for entry in jointed if convention and _joints(entry) == convention.num_joints]
    return named or fitting or jointed or [entry for entry in listed if entry.get("id") == PERSON]


def _is_object(entry: Any) -> bool:
    return isinstance(entry, Mapping)


def _joints(category: Mapping[str, Any]) -> int:
    names = category.get("keypoints")
    return len(names) if isinstance(names, list) else 0


def _ids(categories: list[Mapping[str, Any]]) -> frozenset[str]:
    """As text: some files have their numbers in quotes."""
    return frozenset(str(category["id"]) for category in categories)


def _is_person(entry: Any, people: frozenset[str]) -> bool:
    """Of no category, or of one with these ids. Where the file lists none, and of what is no annotation,
    it is unknown."""
    if not people or not _is_object(entry) or entry.get("category_id") is None:
        return True
    return str(entry["category_id"]) in people


def _read_people(
    value: Mapping[str, Any],
    entries: list,
    people: frozenset[str],
    convention: Convention | None,
    params: DatasetParams,
) -> Annotations:
    """Without a convention, people are read without their labels."""
    annotations = Annotations()
    ambiguous = _read_images(value["images"], annotations, params.strip_prefix)
    seen: set[int] = set()
    for entry in entries:
        image = _image_of(entry, annotations)
        try:
            if not _is_person(entry, people):
                raise Refused(Reason.OTHER_CATEGORY, _named_category(entry, value.get("categories")))
            annotations.people.append(_person(object_of(entry), image, convention, params, seen, ambiguous))
        except Refused as refused:
            annotations.refused.append(refused.of(image and image.file_name, _id_or_none(entry)))
    return annotations


def _is_coco_keypoints(value: Any) -> bool:
    """An empty list of annotations passes here: that is a file without people, which is reported later."""
    if not isinstance(value, Mapping):
        return False
    images, entries = value.get("images"), value.get("annotations")
    if not isinstance(images, list) or not isinstance(entries, list):
        return False
    return not entries or any(isinstance(entry, Mapping) and "keypoints" in entry for entry in entries)


def _read_images(entries: list, annotations: Annotations, strip_prefix: str) -> set[int]:
    """Fill `annotations.images`; returns the ids that two different files claim."""
    ambiguous: set[int] = set()
    for entry in entries:
        try:
            image = _image_entry(object_of(entry), strip_prefix)
        except Refused as refused:
            name = entry.get("file_name") if isinstance(entry, Mapping) else None
            annotations.refused.append(refused.of(name if isinstance(name, str) else None, None))
            continue
        known = annotations.images.setdefault(image.image_id, image)
        if known.file_name != image.file_name:
            ambiguous.add(image.image_id)
    return ambiguous


def _image_entry(entry: Mapping[str, Any], strip_prefix: str) -> ImageEntry:
    size = [number_of(entry.get(side)) for side in ("width", "height")]
    claimed = all(side is not None and 0 < side < 2**31 for side in size)
    return ImageEntry(
        image_id=integer_of(entry, "id"),
        file_name=file_name_of(entry, "file_name", strip_prefix),
        size=(int(size[0]), int(size[1])) if claimed else None,
    )


def _image_of(entry: Any, annotations: Annotations) -> ImageEntry | None:
    image_id = _id_or_none(entry, "image_id")
    return None if image_id is None else annotations.images.get(image_id)


def _id_or_none(entry: Any, key: str = "id") -> int | None:
    try:
        return integer_of(object_of(entry), key)
    except Refused:
        return None


def _named_category(entry: Mapping[str, Any], categories: list) -> str:
    found = str(entry["category_id"])
    names = [c.get("name") for c in categories if _is_object(c) and str(c.get("id")) == found]
    return f"category {found}" + (f" ({names[0]})" if names else ", which the file does not list")


def _person(
    entry: Mapping[str, Any],
    image: ImageEntry | None,
    convention: Convention | None,
    params: DatasetParams,
    seen: set[int],
    ambiguous: set[int],
) -> Person:
    annotation_id = integer_of(entry, "id") if "id" in entry else NO_ANNOTATION
    if image is None:
        raise Refused(
            Reason.UNKNOWN_IMAGE, f"image_id {entry.get('image_id')!r} is not among the file's images"
        )
    if image.image_id in ambiguous:
        raise Refused(Reason.DUPLICATE, f"image id {image.image_id} names two different files")
    if annotation_id in seen:
        raise Refused(Reason.DUPLICATE, f"annotation id {annotation_id} occurs twice; the first is kept")
    if "id" in entry:
        seen.add(annotation_id)
    for key in ("bbox", "keypoints") if convention else ("bbox",):
        if key not in entry:
            raise Refused(Reason.MALFORMED, f"it has no {key}")
    crowd = flag_of(entry, "iscrowd")
    if convention is None and crowd:
        raise Refused(Reason.CROWD)
    return Person(
        image=image,
        annotation_id=annotation_id,
        bbox=entry["bbox"],
        keypoints=_keypoints(entry, convention) if convention else None,
        area=entry.get("area"),
        iscrowd=crowd,
        has_stable_id="id" in entry,
        origin=params.origin,
    )


def _keypoints(entry: Mapping[str, Any], convention: Convention) -> Any:
    """The field that holds this convention's joints.

    Human-Art keeps 17 joints in `keypoints` and 21 in `keypoints_21`, as MMPose's HumanArt21Dataset reads
    them.
    """
    keypoints = entry["keypoints"]
    count = len(keypoints) if isinstance(keypoints, list | array) else 0
    if convention.name == "halpe26" and count == 3 * HALPE_JOINTS:
        return keypoints[: 3 * convention.num_joints]
    if count != 3 * convention.num_joints:
        return entry.get(f"keypoints_{convention.num_joints}", keypoints)
    return keypoints
