"""Rows of a crop table before they are in order."""

import numpy as np
import pytest

from pipeline.datasets.annotations import ImageEntry, Person
from pipeline.datasets.crop_rows import CropRows
from pipeline.datasets.image_files import ImageFacts
from pipeline.datasets.refusal import Refused
from pipeline.datasets.screening import Crop


def crop(crop_id: int, image: str, annotation_id: int = -1, score: float = 1.0) -> Crop:
    """Of one joint, at `crop_id`."""
    return Crop(
        crop_id=crop_id,
        person=Person(ImageEntry(7, image), annotation_id, None, box_score=score),
        facts=ImageFacts(f"sha of {image}", (64, 48)),
        bbox=np.full(4, crop_id, np.float64),
        keypoints=np.full((1, 2), crop_id, np.float32),
        visibility=np.array([crop_id % 2], np.uint8),
        area=float(crop_id),
    )


def test_rows_stand_by_image_then_annotation_then_falling_score_then_crop_id():
    rows = CropRows(1)
    for one in (
        crop(6, "b", score=0.5),
        crop(5, "b", score=0.5),
        crop(4, "b", score=0.9),
        crop(3, "a", 20),
        crop(2, "a", 3),
        crop(1, "B", 50),
    ):
        rows.add(one)
    columns = rows.columns()
    assert columns["crop_id"].tolist() == [1, 2, 3, 4, 5, 6]
    assert columns["image"] == ["B", "a", "a", "b", "b", "b"]
    assert columns["image_sha256"] == [f"sha of {name}" for name in columns["image"]]
    assert columns["annotation_id"].tolist() == [50, 3, 20, -1, -1, -1]
    assert columns["bbox"][:, 0].tolist() == columns["keypoints"][:, 0, 1].tolist() == [1, 2, 3, 4, 5, 6]
    assert columns["labelled"].tolist() == [True, False, True, False, True, False]
    assert columns["area"].tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("image", "message"), [("a", "the same person or box"), ("b", "by chance that of a person in a")]
)
def test_a_crop_id_that_is_there_is_refused_and_the_first_row_stays(image, message):
    rows = CropRows(1)
    rows.add(crop(1, "a", 1))
    with pytest.raises(Refused, match=message):
        rows.add(crop(1, image, 2))
    assert len(rows) == 1 and rows.columns()["annotation_id"].tolist() == [1]
