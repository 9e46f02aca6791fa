import numpy as np
import pytest

from demo.datasets.domain import DOMAINS
from demo.datasets.labels import UNION
from demo.rendering.scene import render_scene

SIZE = (160, 120)


def _scenes(domain: str, count: int = 6):
    return [render_scene(DOMAINS[domain], SIZE, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("domain", DOMAINS)
def test_labelled_joints_lie_inside_picture_and_box(domain: str):
    for scene in _scenes(domain):
        for person in scene.people:
            labels = person.labels[UNION]
            inside = labels.keypoints[labels.visibility > 0]
            x, y, width, height = person.box
            assert x >= 0 and x + width <= SIZE[0] - 1
            assert y >= 0 and y + height <= SIZE[1] - 1
            assert (inside >= (x - 1, y - 1)).all() and (inside <= (x + width + 1, y + height + 1)).all()


def test_people_overlap_and_are_several_in_some_pictures():
    scenes = _scenes("synth_coco", 20)
    assert {len(scene.people) for scene in scenes} == {1, 2, 3}
    hidden = [
        person for scene in scenes for person in scene.people if (person.labels[UNION].visibility == 1).any()
    ]
    assert hidden


def test_the_domains_look_different():
    def statistics(domain: str) -> tuple[float, float]:
        images = np.stack([scene.image_HW3 for scene in _scenes(domain)]).astype(float)
        return images.mean(), (images.max(-1) - images.min(-1)).mean()

    (_, colour), (bright, colourful), (dark, grey) = (statistics(domain) for domain in DOMAINS)
    assert dark < bright and grey < colour < colourful


def test_a_scene_follows_from_its_seed():
    first, again = (render_scene(DOMAINS["synth_aic"], SIZE, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.image_HW3, again.image_HW3)
    np.testing.assert_array_equal(
        first.people[0].labels["aic14"].keypoints, again.people[0].labels["aic14"].keypoints
    )
