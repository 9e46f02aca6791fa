"""Format `images`: people with a box and without labels."""

from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Annotations, AnnotationSource
from pipeline.datasets.formats.coco import read_coco_boxes, read_coco_images
from pipeline.datasets.formats.detections import read_detections
from pipeline.datasets.formats.json_file import is_image_list, looks_like, read_json
from pipeline.errors import KDError


def read(source: AnnotationSource) -> Annotations:
    """Format `images`: the people of a dataset, from one of three:

    - `annotations` are detection results with file names;
    - `annotations` are a COCO file with `images`, and `boxes` detection results on them;
    - `annotations` are a COCO file with annotated people, whose labels are left out.

    Raises:
        KDError: they are none of these.
    """
    params, path, boxes = source.params, source.path, source.boxes
    value = read_json(path)
    if not is_image_list(value):
        if boxes is not None:
            raise _no_image_list(source.dataset, path, value)
        return read_detections(value, path, params, None)
    if boxes is not None:
        images = read_coco_images(value, params.strip_prefix).images
        return read_detections(read_json(boxes), boxes, params, images)
    if not isinstance(value.get("annotations"), list):
        raise KDError(
            f"dataset {source.dataset!r}: {path} is {looks_like(value)}, so it has no boxes. Name detection "
            "results for these images as the dataset's `boxes`. To find people: kd-pipeline detect-people"
        )
    return read_coco_boxes(value, params)


def _no_image_list(name: str, path: Path, value: Any) -> KDError:
    return KDError(
        f"dataset {name!r}, of format images, has `boxes`, so `annotations` should be a COCO file that lists "
        f"the images, but {path} looks like {looks_like(value)}. Remove `boxes`, or name such a list."
    )
