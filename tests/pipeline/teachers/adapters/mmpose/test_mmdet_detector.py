import numpy as np
import pytest
import torch

from pipeline.errors import KDError

pytestmark = [pytest.mark.mm, pytest.mark.slow]

CPU = torch.device("cpu")
CONFIG = "mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py"


@pytest.fixture(scope="module")
def model():
    """A stock RTMDet-tiny, never trained, made to see something: scores of one half, boxes of some cells."""
    from mmdet.registry import MODELS

    from pipeline.teachers.adapters.mmpose.config import load_config, network_config, scope

    torch.manual_seed(0)
    with scope("mmdet"):
        model = MODELS.build(network_config(load_config(CONFIG)))
    for layer in model.bbox_head.rtm_cls.requires_grad_(False):
        torch.nn.init.normal_(layer.weight, std=10.0)
        layer.bias[:] = 0.0
    for layer in model.bbox_head.rtm_reg.requires_grad_(False):
        layer.bias[:] = 3.0
    return model


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)


def test_boxes_are_those_mmdetection_finds_of_the_class_person(model, tmp_path, image):
    import mmdet.apis

    from pipeline.teachers.adapters.mmpose.config import load_config, scope
    from pipeline.teachers.adapters.mmpose.mmdet_detector import PersonDetector

    model.eval().cfg = load_config(CONFIG)
    with scope("mmdet"):
        found = mmdet.apis.inference_detector(model, image).pred_instances.numpy()
    commonest = int(np.bincount(found.labels).argmax())
    classes = ["person" if label == commonest else f"thing {label}" for label in range(80)]
    checkpoint = tmp_path / "detector.pth"
    torch.save({"state_dict": model.state_dict(), "meta": {"dataset_meta": {"classes": classes}}}, checkpoint)

    boxes, scores = PersonDetector(CONFIG, checkpoint, CPU)(image)
    person = found.labels == commonest
    assert 0 < len(boxes) < len(found.labels)
    np.testing.assert_allclose(boxes, found.bboxes[person], atol=1e-3)
    np.testing.assert_allclose(scores, found.scores[person], atol=1e-5)
    assert (np.diff(scores) <= 0).all()


def test_a_detector_without_people_is_refused(model, tmp_path):
    from pipeline.teachers.adapters.mmpose.mmdet_detector import PersonDetector

    torch.save({"state_dict": model.state_dict(), "meta": {"CLASSES": ("hand",)}}, tmp_path / "hand.pth")
    with pytest.raises(KDError, match="knows no class 'person', but hand"):
        PersonDetector(CONFIG, tmp_path / "hand.pth", CPU)


def test_a_missing_checkpoint_says_where_it_goes(tmp_path):
    from pipeline.teachers.adapters.mmpose.mmdet_detector import PersonDetector

    with pytest.raises(KDError, match=r"the person detector: there is no file .*gone\.pth"):
        PersonDetector(CONFIG, tmp_path / "gone.pth", CPU)
