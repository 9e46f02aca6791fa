"""Predictions in image pixels."""

import numpy as np
import pytest
import torch

from pipeline.geometry import apply, crop_affine, invert
from student.data.training_data import open_training_data
from student.inference.crop_inference import Predictor
from student.network.config import StudentConfig
from student.network.decode import decode
from student.network.pose_student import PoseStudent

CPU = torch.device("cpu")


@pytest.fixture
def student(tiny) -> PoseStudent:
    tiny.add_dataset("dots", 5)
    config: StudentConfig = open_training_data(tiny.open(distill={"weight": 0.0})).student
    torch.manual_seed(0)
    return PoseStudent(config)


class OneBrightPixel(PoseStudent):
    """Answers with a peak where the crop's green channel is brightest, for every joint."""

    def forward(self, image_B3HW):
        green_BHW = torch.nn.functional.avg_pool2d(image_B3HW[:, 1], 4)
        return (green_BHW.flatten(1)[:, None].expand(-1, self.config.skeleton.num_joints, -1) * 10,)


def test_a_peak_is_given_in_image_pixels(student):
    image = np.zeros((150, 120, 3), np.uint8)
    image[86:91, 49:54] = 255
    box = np.array([[20.0, 20.0, 70.0, 110.0]])
    found = Predictor(OneBrightPixel(student.config), CPU, flip_test=False).predict_image(image, box)
    assert np.abs(found.keypoints_NU2 - [51, 88]).max() < 2
    assert found.scores_NU.min() > 0.5


def test_the_flip_test_of_a_mirror_symmetric_network_changes_nothing(student):
    image = np.zeros((150, 120, 3), np.uint8)
    image[86:91, 49:54] = 255
    box = np.array([[20.0, 20.0, 70.0, 110.0]])
    network = OneBrightPixel(student.config)
    plain, tested = (Predictor(network, CPU, flip).predict_image(image, box) for flip in (False, True))
    assert np.abs(plain.keypoints_NU2 - tested.keypoints_NU2).max() < 1e-3


def test_a_tables_predictions_are_those_of_its_images_in_order(student, tiny):
    import cv2

    predictor = Predictor(student, CPU)
    table = tiny.tables["dots"]
    found = predictor.predict_table(table, batch_size=2, workers=0)
    assert found.crop_id.tolist() == table.crop_id.tolist()
    for row in range(len(table)):
        alone = predictor.predict_image(cv2.imread(str(table.image_path(row))), table.bbox[row : row + 1])
        assert np.abs(found.keypoints_NU2[row] - alone.keypoints_NU2[0]).max() < 1e-2
        assert np.abs(found.scores_NU[row] - alone.scores_NU[0]).max() < 1e-4


def test_keypoints_stay_near_the_crop(student, tiny):
    table = tiny.tables["dots"]
    found = Predictor(student, CPU).predict_table(table, batch_size=8)
    corners = np.array([[[-2.0, -2.0], [66.0, 98.0]]] * len(table))
    low, high = np.moveaxis(apply(invert(crop_affine(table.bbox, student.config.crop)), corners), 1, 0)
    assert (found.keypoints_NU2 >= low[:, None]).all() and (found.keypoints_NU2 <= high[:, None]).all()


def test_no_boxes_give_no_people(student):
    found = Predictor(student, CPU).predict_image(np.zeros((20, 20, 3), np.uint8), np.zeros((0, 4)))
    assert found.keypoints_NU2.shape == (0, student.config.skeleton.num_joints, 2)


class LeftOfTheMiddle(PoseStudent):
    """Answers with fixed logits, whatever it sees: a network that is not mirror-symmetric."""

    def forward(self, image_B3HW):
        width, height = self.config.map.size
        generator = torch.Generator().manual_seed(5)
        logit_BUP = torch.randn(1, self.config.skeleton.num_joints, width * height, generator=generator)
        return (logit_BUP.expand(len(image_B3HW), -1, -1) * 4,)


def test_the_flip_test_averages_the_answer_with_the_mirrored_crops(student):
    config = student.config
    network = LeftOfTheMiddle(config)
    crop = torch.zeros(1, 96, 64, 3, dtype=torch.uint8)
    (plain,) = network(torch.zeros(1, 3, 96, 64))
    width, height = config.map.size
    swapped = (
        plain[:, list(config.skeleton.flip_permutation)].unflatten(-1, (height, width)).flip(-1).flatten(-2)
    )
    mean = ((plain.softmax(-1) + swapped.softmax(-1)) / 2).log()
    wanted, _ = decode((mean,), config.map, config.target_sigma)
    tested, _ = Predictor(network, CPU, flip_test=True).predict_crops(crop)
    alone, _ = Predictor(network, CPU, flip_test=False).predict_crops(crop)
    np.testing.assert_allclose(tested, wanted.numpy(), atol=1e-3)
    assert np.abs(alone - tested).max() > 4
