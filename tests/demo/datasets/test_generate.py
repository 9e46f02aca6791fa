import json
from pathlib import Path

import numpy as np
import pytest

from demo.datasets.domain import DOMAINS
from demo.datasets.generate import generate_domain
from pipeline.conventions.registry import load_convention
from pipeline.datasets.index import index_dataset
from pipeline.errors import KDError
from pipeline.params import DatasetParams

SIZE = (160, 120)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """All three domains, small."""
    root = tmp_path_factory.mktemp("data")
    for domain in DOMAINS:
        generate_domain(domain, root / domain, train_images=4, val_images=3, seed=1, image_size=SIZE)
    return root


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _crops(data: Path, domain: str, annotations: str, convention: str, form: str):
    params = DatasetParams(
        format=form,
        convention=convention,
        images=f"{domain}/images",
        annotations=f"{domain}/annotations/{annotations}",
    )
    return index_dataset(domain, params, data)


def test_the_same_seed_gives_the_same_bytes(data: Path, tmp_path: Path):
    generate_domain("synth_coco", tmp_path, train_images=4, val_images=3, seed=1, image_size=SIZE)
    assert _bytes(tmp_path) == _bytes(data / "synth_coco")


def test_another_seed_gives_other_pictures(data: Path, tmp_path: Path):
    generate_domain("synth_coco", tmp_path, train_images=4, val_images=3, seed=2, image_size=SIZE)
    ours, theirs = (_bytes(folder / "images") for folder in (tmp_path, data / "synth_coco"))
    assert ours.keys() == theirs.keys()
    assert not set(ours.values()) & set(theirs.values())


def test_more_pictures_leave_the_earlier_ones_as_they_were(data: Path, tmp_path: Path):
    generate_domain("synth_coco", tmp_path, train_images=6, val_images=3, seed=1, image_size=SIZE)
    more, fewer = (_bytes(folder / "images") for folder in (tmp_path, data / "synth_coco"))
    assert {name: more[name] for name in fewer} == fewer
    assert len(more) == len(fewer) + 2


def test_train_and_val_share_no_picture(data: Path):
    images = _bytes(data / "synth_mpii" / "images")
    assert len(set(images.values())) == len(images) == 7


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("split", ["train", "val"])
def test_indexing_refuses_nobody(data: Path, domain: str, split: str):
    style = DOMAINS[domain]
    table, refused = _crops(data, domain, f"{split}.json", style.convention, style.format)
    assert not refused
    assert len(table) >= 3 and table.labelled.all()
    labelled = table.keypoints[table.visibility > 0]
    assert (labelled >= -0.5).all() and (labelled <= np.array(SIZE) - 0.5).all()


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_union_truth_labels_the_same_people_with_all_21_joints(data: Path, domain: str):
    style = DOMAINS[domain]
    own, _ = _crops(data, domain, "val.json", style.convention, style.format)
    union, _ = _crops(data, domain, "val_union.json", f"{domain}/annotations/synth_union.yaml", "coco")
    assert union.keypoints.shape == (len(own), 21, 2)
    names = load_convention("synth_coco/annotations/synth_union.yaml", data).joints
    knees = [names.index("left_knee"), load_convention(style.convention).joints.index("left_knee")]
    order = {name: row for row, name in enumerate(zip(own.image, own.keypoints[:, knees[1], 0], strict=True))}
    for row, name in enumerate(union.image):
        assert (name, union.keypoints[row, knees[0], 0]) in order


def test_the_mpii_box_holds_the_persons_labelled_joints(data: Path):
    table, _ = _crops(data, "synth_mpii", "train.json", "mpii16", "mpii")
    low, size = table.bbox[:, None, :2], table.bbox[:, None, 2:]
    np.testing.assert_allclose(size[..., 0], size[..., 1])
    inside = ((table.keypoints >= low - 1) & (table.keypoints <= low + size + 1)).all(-1)
    assert inside[table.visibility > 0].all()


def test_coco_marks_hidden_joints_with_one_and_absent_ones_with_zeros(data: Path):
    annotations = json.loads((data / "synth_coco" / "annotations" / "train.json").read_text())["annotations"]
    rows = np.concatenate([np.reshape(a["keypoints"], (-1, 3)) for a in annotations])
    assert {1.0, 2.0} <= set(rows[:, 2])
    assert (rows[rows[:, 2] == 0] == 0).all()
    assert all(a["num_keypoints"] == np.count_nonzero(a["keypoints"][2::3]) for a in annotations)


@pytest.mark.mm
@pytest.mark.parametrize(
    ("domain", "dataset"),
    [("synth_coco", "CocoDataset"), ("synth_mpii", "MpiiDataset"), ("synth_aic", "AicDataset")],
)
def test_mmpose_reads_the_same_people_as_our_index(data: Path, domain: str, dataset: str):
    from pipeline.teachers.adapters.mmpose.ext import install_mmcv_ext

    install_mmcv_ext()
    import mmpose.datasets.datasets.body as body

    style = DOMAINS[domain]
    theirs = getattr(body, dataset)(
        data_root=str(data / domain),
        ann_file="annotations/train.json",
        data_prefix={"img": "images/"},
        test_mode=True,
    )
    ours, _ = _crops(data, domain, "train.json", style.convention, style.format)
    entries = [theirs[i] for i in range(len(theirs))]
    assert len(entries) == len(ours)

    def ordered(images: list[str], keypoints: np.ndarray, visible: np.ndarray) -> list[tuple]:
        rows = zip(images, keypoints, visible, strict=True)
        return sorted((Path(i).name, np.round(k[v > 0], 2).tolist()) for i, k, v in rows)

    expected = ordered(
        [entry["img_path"] for entry in entries],
        np.concatenate([entry["keypoints"] for entry in entries]),
        np.concatenate([entry["keypoints_visible"] for entry in entries]),
    )
    assert ordered(ours.image, ours.keypoints.astype(float), ours.visibility) == [
        (name, pytest.approx(np.array(k), abs=0.01)) for name, k in expected
    ]


def test_an_unknown_domain_is_refused_with_the_nearest_known_one(tmp_path: Path):
    with pytest.raises(KDError, match="no synthetic domain 'synth_cocoa'. Did you mean 'synth_coco'"):
        generate_domain("synth_cocoa", tmp_path / "out", 1, 1, 0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_images": 0}, "number of train images is 0, but must lie between 1 and"),
        ({"val_images": -1}, "number of val images is -1"),
        ({"seed": -1}, "seed is -1, but must lie between 0"),
        ({"image_size": (32, 240)}, "image width is 32, but must lie between 64 and 4096"),
    ],
)
def test_a_number_out_of_range_is_refused_with_the_range_before_anything_is_written(
    tmp_path: Path, changes: dict, message: str
):
    settings = {"train_images": 1, "val_images": 1, "seed": 0, "image_size": SIZE, **changes}
    with pytest.raises(KDError, match=message):
        generate_domain("synth_coco", tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_unlabelled_pictures_come_as_an_image_list_and_boxes_and_change_no_other(data: Path, tmp_path: Path):
    generate_domain(
        "synth_mpii", tmp_path, train_images=4, val_images=3, seed=1, image_size=SIZE, unlabelled_images=5
    )
    more, fewer = _bytes(tmp_path), _bytes(data / "synth_mpii")
    assert {name: more[name] for name in fewer} == fewer
    listed = json.loads(more["annotations/unlabelled.json"])
    assert [image["id"] for image in listed["images"]] == [2_000_000 + number for number in range(5)]
    assert "annotations" not in listed
    boxes = json.loads(more["annotations/unlabelled_boxes.json"])
    assert {box["image_id"] for box in boxes} <= {image["id"] for image in listed["images"]}
    assert boxes and all(box.keys() == {"image_id", "category_id", "bbox", "score"} for box in boxes)


def test_the_number_of_cores_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for cores in (1, 2):
        monkeypatch.setattr("demo.datasets.generate.usable_cores", lambda cores=cores: cores)
        generate_domain("synth_aic", tmp_path / str(cores), 17, 1, seed=3, image_size=(64, 64))
    assert _bytes(tmp_path / "1") == _bytes(tmp_path / "2")
