import json

import cv2
import numpy as np
import pytest
import torch

from pipeline.conventions.registry import load_convention
from pipeline.errors import KDError
from pipeline.geometry import apply, crop_affine, invert, warp_crop
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.registry import build_teacher
from pipeline.teachers.flip import mean, unflip
from pipeline.teachers.forward_passes import FORWARD_PASSES
from pipeline.teachers.maps import HeatmapOutput, SimCCOutput
from pipeline.teachers.teacher import Teacher

pytestmark = [pytest.mark.mm]

CPU = torch.device("cpu")
STOCK_RTMPOSE = "mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-t_8xb256-420e_coco-256x192.py"
RTMPOSE = "rtmpose-t_coco-256x192_pseudo-thunder.pth"
RTMPOSE_NUMPY_META = "rtmpose-t_coco-256x192_pseudo-thunder_numpy-meta.pth"
HEATMAP = "td-hm_cspnext-t_slim_mpii-256x256_pseudo-efficientpose.pth"
HEATMAP_CONFIG = "td-hm_cspnext-t_slim_mpii-256x256.py"
BOXES = np.array([[20.0, 10.0, 90.0, 160.0], [-15.5, 40.0, 60.0, 30.0], [100.0, 90.0, 300.0, 200.0]])


def teacher_of(config, checkpoint, root, **settings):
    values = {
        "adapter": "mmpose",
        "convention": "coco17",
        "config": str(config),
        "checkpoint": str(checkpoint),
    }
    return build_teacher("t", TeacherParams(**values | settings), root, CPU)


def ours_of(teacher, image, boxes):
    """Keypoints in image pixels and scores of the boxes of one image, in one batch."""
    affines = crop_affine(boxes, teacher.crop)
    crops = np.stack([warp_crop(image, affine, teacher.crop.input_size) for affine in affines])
    output = teacher.predict(torch.from_numpy(crops))
    return apply(invert(affines), output.keypoints_BK2), output.confidence_BK


def theirs_of(config, checkpoint, flip_test, image, boxes):
    """The same through MMPose's own API, one box at a time."""
    from mmpose.apis import inference_topdown, init_model

    model = init_model(str(config), str(checkpoint), device="cpu")
    model.test_cfg["flip_test"] = flip_test
    people = [inference_topdown(model, image, box[None], "xywh")[0].pred_instances for box in boxes]
    return np.stack([p.keypoints[0] for p in people]), np.stack([p.keypoint_scores[0] for p in people])


def assert_same_answers(ours, theirs):
    np.testing.assert_allclose(ours[0], theirs[0], atol=0.01)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-4)


@pytest.fixture
def image():
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return cv2.resize(noise, (320, 240), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize(
    ("codec", "changes"),
    [
        ("msra", {}),
        ("msra", {"test_cfg": "flip_test=True"}),  # shift_heatmap left to MMPose's default
        ("msra", {"padding": "1.0"}),
        ("dark", {}),
        ("udp", {"udp": "True", "test_cfg": "flip_test=True, flip_mode='heatmap', shift_heatmap=False"}),
        ("udp", {"udp": "False"}),
        ("simcc", {}),
        ("simcc", {"udp": "True"}),
    ],
)
def test_answers_equal_inference_topdown(
    write_config, write_checkpoint, tmp_path, image, codec, changes, flip_test
):
    config = write_config(codec, **changes)
    checkpoint = write_checkpoint(config)
    teacher = teacher_of(config, checkpoint, tmp_path, flip_test=flip_test)
    assert isinstance(teacher, Teacher)
    ours, our_scores = ours_of(teacher, image, BOXES)
    theirs, their_scores = theirs_of(config, checkpoint, flip_test, image, BOXES)
    np.testing.assert_allclose(our_scores, their_scores, rtol=1e-5, atol=1e-4)
    # On a random map DARK's Newton step may go anywhere, and multiplies the map's last bit on its way there.
    steady = moved_cells(teacher, image, BOXES) < 2
    assert steady.sum() > 10
    np.testing.assert_allclose(ours[steady], theirs[steady], atol=0.01)


def moved_cells(teacher, image, boxes):
    """By how many cells the decoded joints lie off the highest cells."""
    crops = [warp_crop(image, affine, teacher.crop.input_size) for affine in crop_affine(boxes, teacher.crop)]
    images_BHW3 = torch.from_numpy(np.stack(crops))
    with torch.inference_mode():
        maps = teacher.network(images_BHW3)
        if teacher.flip_test:
            mirrored = teacher.network(images_BHW3.flip(2))
            maps = mean(maps, unflip(mirrored, teacher.convention.flip_permutation, teacher.own_mirror))
    if isinstance(maps, SimCCOutput):
        highest = np.stack([maps.x_BKW.argmax(2), maps.y_BKW.argmax(2)], axis=-1)
    else:
        flat = maps.heatmap_BKHW.flatten(2).argmax(2).numpy()
        highest = np.stack([flat % teacher.map.size[0], flat // teacher.map.size[0]], axis=-1)
    keypoints_BK2 = teacher.predict(images_BHW3).keypoints_BK2
    return np.linalg.norm((keypoints_BK2 - highest * teacher.map.scale) / teacher.map.scale, axis=-1)


def test_the_head_of_the_simcc_paper_is_supported(
    write_config, write_checkpoint, simcc_head, tmp_path, image
):
    config = write_config("simcc", head=simcc_head)
    checkpoint = write_checkpoint(config)
    teacher = teacher_of(config, checkpoint, tmp_path, flip_test=False)
    assert_same_answers(ours_of(teacher, image, BOXES), theirs_of(config, checkpoint, False, image, BOXES))
    assert teacher.beta == 1.0  # KLDiscretLoss without a setting


@pytest.mark.parametrize(
    "name",
    [
        "topdown_heatmap/coco/cspnext-tiny_udp_8xb256-210e_coco-256x192.py",
        "topdown_heatmap/coco/td-hm_res50_dark-8xb64-210e_coco-256x192.py",
        "topdown_heatmap/coco/td-hm_cpm_8xb64-210e_coco-256x192.py",
        "topdown_heatmap/coco/td-hm_vipnas-mbv3_8xb64-210e_coco-256x192.py",
    ],
)
@pytest.mark.slow
def test_stock_configs_build_without_a_download(write_checkpoint, tmp_path, name):
    from pipeline.teachers.adapters.mmpose.config import load_config

    spec = f"mmpose::body_2d_keypoint/{name}"
    (tmp_path / "stock.py").write_text(load_config(spec).pretty_text)
    checkpoint = write_stock_checkpoint(tmp_path)
    convention = "mpii16" if "mpii" in name else "coco17"
    teacher = teacher_of(spec, checkpoint, tmp_path, convention=convention, flip_test=False)
    width, height = teacher.crop.input_size
    output = teacher.predict(torch.zeros(1, height, width, 3, dtype=torch.uint8))
    columns, rows = teacher.map.size
    assert output.maps.heatmap_BKHW.shape == (1, teacher.convention.num_joints, rows, columns)


def write_stock_checkpoint(folder):
    from mmpose.models.builder import build_pose_estimator

    from pipeline.teachers.adapters.mmpose.config import load_config, network_config, scope

    with scope("mmpose"):
        model = build_pose_estimator(network_config(load_config("stock.py", folder)))
    torch.save({"state_dict": model.state_dict()}, folder / "stock.pth")
    return folder / "stock.pth"


def test_a_teacher_stays_in_eval_mode_with_frozen_statistics(write_config, write_checkpoint, tmp_path, image):
    config = write_config("msra")
    teacher = teacher_of(config, write_checkpoint(config), tmp_path)
    model = teacher.network._model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first, _ = ours_of(teacher, image, BOXES)
    alone, _ = ours_of(teacher, image, BOXES[:1])
    np.testing.assert_allclose(first[:1], alone, atol=1e-3)
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_every_crop_that_the_network_is_shown_is_counted(write_config, write_checkpoint, tmp_path, image):
    config = write_config("msra")
    teacher = teacher_of(config, write_checkpoint(config), tmp_path, flip_test=True)
    before = FORWARD_PASSES.crops
    ours_of(teacher, image, BOXES)
    assert FORWARD_PASSES.crops - before == 2 * len(BOXES)


def test_decoding_leaves_the_maps_alone(write_config, write_checkpoint, tmp_path, image):
    for codec in ("dark", "udp", "simcc"):
        config = write_config(codec)
        teacher = teacher_of(config, write_checkpoint(config), tmp_path)
        maps = teacher.network(torch.from_numpy(cv2.resize(image, teacher.crop.input_size)[None]))
        copies = [tensor.clone() for tensor in vars(maps).values()]
        teacher.network.decode(maps)
        assert all(torch.equal(a, b) for a, b in zip(copies, vars(maps).values(), strict=True))


def test_a_map_that_mmposes_newton_step_fails_on_costs_its_crop_the_step_and_nobody_else_theirs(
    write_config, write_checkpoint, tmp_path, image
):
    config = write_config("udp")
    teacher = teacher_of(config, write_checkpoint(config), tmp_path)
    good = teacher.network(torch.from_numpy(cv2.resize(image, teacher.crop.input_size)[None]))
    decoder = teacher.network._model.head.decoder

    def fails_on_crop_1(heatmaps, decode=decoder.decode):
        if heatmaps.max() == 7:
            raise np.linalg.LinAlgError("Singular matrix")
        return decode(heatmaps)

    decoder.decode = fails_on_crop_1
    bad = torch.zeros_like(good.heatmap_BKHW)
    bad[..., 8, 4] = 7
    keypoints, confidence = teacher.network.decode(HeatmapOutput(torch.cat([good.heatmap_BKHW, bad])))
    np.testing.assert_array_equal(keypoints[:1], teacher.network.decode(good)[0])
    np.testing.assert_allclose(keypoints[1], [teacher.map.to_input(np.array([4.0, 8.0]))] * 17, rtol=1e-6)
    np.testing.assert_array_equal(confidence[1], 7)


def test_smaller_storage_averages_the_maps_and_leaves_the_joints(
    write_config, write_checkpoint, tmp_path, image
):
    config = write_config("msra")
    checkpoint = write_checkpoint(config)
    crops = torch.from_numpy(cv2.resize(image, (96, 128))[None])
    whole = teacher_of(config, checkpoint, tmp_path)
    small = teacher_of(config, checkpoint, tmp_path, storage_size=(12, 16))
    full_maps, small_maps = (t.predict(crops).maps.heatmap_BKHW for t in (whole, small))
    expected = full_maps.unflatten(3, (12, 2)).unflatten(2, (16, 2)).mean(dim=(3, 5))
    torch.testing.assert_close(small_maps, expected)
    np.testing.assert_array_equal(whole.predict(crops).keypoints_BK2, small.predict(crops).keypoints_BK2)
    assert whole.storage_fidelity(crops) is None
    assert set(small.storage_fidelity(crops)) == {"joints", "drift_p50_px", "drift_p99_px"}
    assert whole.provenance != small.provenance


def test_provenance_is_json_that_names_no_path(write_config, write_checkpoint, tmp_path):
    config = write_config("simcc")
    teacher = teacher_of(config, write_checkpoint(config), tmp_path)
    text = json.dumps(teacher.provenance)
    assert str(tmp_path) not in text and "example.invalid" not in text
    assert teacher.provenance["beta"] == 10.0
    assert teacher.provenance["normalisation"]["channel_order"] == "RGB"


def test_provenance_changes_with_what_answers_depend_on_and_with_nothing_else(
    write_config, write_checkpoint, tmp_path
):
    config = write_config("msra")
    checkpoint = write_checkpoint(config)
    before = teacher_of(config, checkpoint, tmp_path).provenance
    moved = tmp_path / "elsewhere.py"
    moved.write_text(config.read_text() + "\nmax_epochs = 7  # of training\n")
    assert teacher_of(moved, checkpoint, tmp_path).provenance == before
    assert teacher_of(config, checkpoint, tmp_path, flip_test=False).provenance != before
    write_config("msra", padding="1.3")
    assert teacher_of(config, checkpoint, tmp_path).provenance != before


@pytest.mark.parametrize(
    ("codec", "changes", "found"),
    [
        ("regression", {}, "a RegressionHead with the codec RegressionLabel"),
        ("udp_combined", {}, "a UDPHeatmap of heatmap_type combined"),
        ("simcc_dark", {}, "a SimCCLabel with use_dark"),
        ("msra", {"test_cfg": "flip_mode='offset'"}, "flip_mode offset"),
        ("msra", {"test_cfg": "output_keypoint_indices=[0, 1]"}, "leaves out joints"),
        (
            "msra",
            {"extra": "dict(type='YOLOXHSVRandomAug'),"},
            "a test pipeline of LoadImage, .*YOLOXHSVRandomAug",
        ),
    ],
)
def test_what_is_not_supported_is_named(write_config, write_checkpoint, tmp_path, codec, changes, found):
    config = write_config(codec, **changes)
    with pytest.raises(KDError, match=f"teacher t has .*{found}.*not supported.*(Supported|Wanted) are"):
        teacher_of(config, write_checkpoint(config), tmp_path)


def test_a_checkpoint_of_another_config_names_keys(write_config, write_checkpoint, simcc_head, tmp_path):
    checkpoint = write_checkpoint(write_config("simcc"))
    with pytest.raises(KDError, match=r"do not fit each other: head\.\S+ is missing.*head\.\S+ has no place"):
        teacher_of(write_config("simcc", head=simcc_head), checkpoint, tmp_path)


def test_a_checkpoint_of_another_joint_count_names_the_shapes(write_config, write_checkpoint, tmp_path):
    checkpoint = write_checkpoint(write_config("msra"))
    other = write_config("msra")
    other.write_text(other.read_text().replace("out_channels=17", "out_channels=16"))
    with pytest.raises(KDError, match=r"size mismatch for head\.final_layer\.weight.*\[17.*\[16"):
        teacher_of(other, checkpoint, tmp_path)


def test_a_convention_of_another_joint_count_is_an_error(write_config, write_checkpoint, tmp_path):
    config = write_config("msra", dataset="NoSuchDataset")
    with pytest.raises(KDError, match=r"makes maps of 17 joints, but its convention mpii16 names 16"):
        teacher_of(config, write_checkpoint(config), tmp_path, convention="mpii16")


def test_the_checkpoints_own_joint_order_counts(write_config, write_checkpoint, tmp_path):
    joints = load_convention("coco17").joints[::-1]
    config = write_config("msra", dataset="NoSuchDataset")
    meta = {"dataset_meta": {"keypoint_id2name": {str(index): name for index, name in enumerate(joints)}}}
    teacher = teacher_of(config, write_checkpoint(config, meta), tmp_path)
    assert teacher.convention.joints == joints
    assert teacher.convention.origin == "coco17"
    with pytest.raises(KDError, match="the checkpoint and the config of teacher t disagree about its joints"):
        teacher_of(write_config("msra"), tmp_path / "checkpoint.pth", tmp_path)


def test_a_stock_config_that_is_not_there_is_named_with_the_nearest(tmp_path):
    with pytest.raises(
        KDError, match=r"has no config .*Did you mean mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-t_8x"
    ):
        teacher_of(STOCK_RTMPOSE.replace("420e_coco", "420e-coco"), "x.pth", tmp_path)


def test_a_config_that_raises_says_what(write_checkpoint, tmp_path):
    (tmp_path / "broken.py").write_text("model = undefined_name\n")
    with pytest.raises(
        KDError, match=r"broken\.py cannot be read as an OpenMMLab config: NameError.*undefined_name"
    ):
        teacher_of("broken.py", "x.pth", tmp_path)


def test_a_missing_checkpoint_says_where_it_goes(write_config, tmp_path):
    with pytest.raises(KDError, match=r"teacher t: there is no file .*gone\.pth\. Put it there"):
        teacher_of(write_config("msra"), tmp_path / "gone.pth", tmp_path)


@pytest.fixture
def pack_boxes(realdata):
    """Images of lspet val, each with its box, a shifted one, and a small one over the image's corner."""
    truth = json.loads((realdata / "lspet/annotations/val.json").read_text())
    by_image = {entry["image_id"]: entry["bbox"] for entry in truth["annotations"]}
    pairs = []
    for entry in truth["images"][:4]:
        image = cv2.imread(str(realdata / "lspet/images" / entry["file_name"]))
        box = np.array(by_image[entry["id"]], dtype=np.float64)
        pairs.append((image, np.stack([box, box + [5.3, -7.7, 20.1, 0.4], [-10.0, -10.0, 60.0, 80.0]])))
    return pairs


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("config", "checkpoint", "plain", "convention"),
    [
        (STOCK_RTMPOSE, RTMPOSE, RTMPOSE, "coco17"),
        (STOCK_RTMPOSE, RTMPOSE_NUMPY_META, RTMPOSE, "coco17"),  # MMEngine cannot load this file
        (HEATMAP_CONFIG, HEATMAP, HEATMAP, "mpii16"),
    ],
)
def test_real_teachers_answer_as_in_mmpose(realdata, pack_boxes, config, checkpoint, plain, convention):
    from pipeline.teachers.adapters.mmpose.config import load_config

    folder = realdata / "teachers/mmpose"
    for flip_test in (False, True):
        teacher = teacher_of(config, checkpoint, folder, convention=convention, flip_test=flip_test)
        path = load_config(config, folder).filename
        for image, boxes in pack_boxes:
            theirs = theirs_of(path, folder / plain, flip_test, image, boxes)
            assert_same_answers(ours_of(teacher, image, boxes), theirs)
    assert isinstance(
        teacher.predict(torch.zeros(1, 256, teacher.crop.input_size[0], 3, dtype=torch.uint8)).maps,
        (SimCCOutput if convention == "coco17" else HeatmapOutput),
    )


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("codec", "use_udp"),
    [("type='MSRAHeatmap', unbiased=True,", False), ("type='UDPHeatmap',", True)],
    ids=["dark", "udp"],
)
def test_real_weights_under_dark_and_udp_answer_as_in_mmpose(realdata, pack_boxes, tmp_path, codec, use_udp):
    folder = realdata / "teachers/mmpose"
    text = (folder / HEATMAP_CONFIG).read_text().replace("type='MSRAHeatmap',", codec)
    if use_udp:
        text = text.replace(
            "input_size=codec['input_size'])", "input_size=codec['input_size'], use_udp=True)"
        )
    (tmp_path / "config.py").write_text(text)
    teacher = teacher_of(
        tmp_path / "config.py", folder / HEATMAP, tmp_path, convention="mpii16", flip_test=False
    )
    assert teacher.crop.udp == use_udp
    for image, boxes in pack_boxes:
        theirs = theirs_of(tmp_path / "config.py", folder / HEATMAP, False, image, boxes)
        assert_same_answers(ours_of(teacher, image, boxes), theirs)
