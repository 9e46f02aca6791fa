"""What a convention is, and what it refuses to be."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import BUILTIN, builtin_convention
from pipeline.errors import KDError

FACE = Convention(
    name="face5",
    joints=("nose", "left_eye", "right_eye", "brow", "chin"),
    flip_pairs=(("left_eye", "right_eye"),),
    sigmas=(0.026, 0.025, 0.024, 0.03, 0.04),
    joint_weights=(1.0, 1.1, 1.2, 1.3, 1.4),
    limbs=(("nose", "left_eye"), ("nose", "right_eye"), ("nose", "chin")),
    head_segment=("chin", "brow"),
    similar={"chin": ("upper_neck",)},
    dropped={"brow": "not asked for"},
)


def test_the_flip_permutation_swaps_pairs_and_keeps_the_rest():
    assert FACE.flip_permutation == (0, 2, 1, 3, 4)


@given(st.sampled_from(BUILTIN), st.randoms(use_true_random=False))
def test_flipping_twice_changes_nothing_in_whatever_order_the_joints_are(name, random):
    joints = list(builtin_convention(name).joints)
    random.shuffle(joints)
    own = builtin_convention(name).reordered(joints, "own order")
    flip = own.flip_permutation
    assert [flip[flip[j]] for j in range(own.num_joints)] == list(range(own.num_joints))
    mirror = dict(zip(own.joints, (own.joints[j] for j in flip), strict=True))
    convention = builtin_convention(name)
    names = convention.joints
    assert mirror == {names[j]: names[p] for j, p in enumerate(convention.flip_permutation)}


def test_reordering_takes_every_joints_properties_along():
    own = FACE.reordered(("chin", "right_eye", "left_eye", "brow", "nose"), "own order")
    assert own.sigmas == (0.04, 0.024, 0.025, 0.03, 0.026)
    assert own.joint_weights == (1.4, 1.2, 1.1, 1.3, 1.0)
    assert own.flip_permutation == (0, 2, 1, 3, 4)
    assert own.head_segment == ("chin", "brow")
    assert own.declared("chin") == (("similar", "upper_neck"),)
    assert own.declared("brow") == ()
    assert (own.name, own.origin) == ("own order", "face5")


def test_a_part_of_the_joints_keeps_what_still_has_its_joints():
    part = FACE.reordered(("nose", "brow"), "part")
    assert (part.flip_pairs, part.limbs, part.head_segment) == ((), (), None)
    assert part.similar == {}
    assert part.reordered(("nose",), "smaller").origin == "face5"


def test_a_joint_is_same_as_the_union_joint_of_its_name_unless_it_says_otherwise():
    assert FACE.declared("nose") == (("same", "nose"),)
    both = replace(FACE, same={"chin": ("jaw",)})
    assert both.declared("chin") == (("same", "jaw"), ("similar", "upper_neck"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sigmas": (0.026,) * 6}, r"face5 has 6 sigmas for 5 joints\. Give one for every joint"),
        ({"joint_weights": (1.0,) * 4}, r"face5 has 4 joint weights for 5 joints"),
        (
            {"sigmas": (0.1, 0.1, 0.0, 0.1, 0.1)},
            r"of sigmas, right_eye has 0\.0\. Give a number, more than 0",
        ),
        ({"sigmas": (0.1, 0.1, float("nan"), 0.1, 0.1)}, r"right_eye has nan"),
        ({"joint_weights": (1.0, 1.0, 1.0, 1.0, -1.0)}, r"chin has -1\.0\. Give a number, 0 or more"),
        ({"joints": ()}, r"face5 has no joints"),
        ({"joints": ("nose", "left_eye", "right_eye", "brow", "nose")}, r"'nose' 2 times"),
        ({"limbs": (("nose", "chim"),)}, r"limbs: there is no joint 'chim'\. Did you mean 'chin'\?"),
        ({"head_segment": ("chin", "crown")}, r"head_segment: there is no joint 'crown'"),
        ({"dropped": {"ear": "?"}}, r"dropped: there is no joint 'ear'"),
        ({"flip_pairs": ()}, r"'left_eye' names a side of the body, but has no mirror"),
        (
            {"flip_pairs": (("left_eye", "right_eye"), ("left_eye", "nose"))},
            r"'left_eye' is 2 times in flip_pairs",
        ),
        ({"flip_pairs": (("left_eye", "right_eye"), ("nose", "nose"))}, r"'nose' is 2 times in flip_pairs"),
        ({"similar": {"brow": ("head_top",)}}, r"'brow' is dropped and also stands for 'head_top'"),
        ({"similar": {"chin": ("jaw", "jaw")}}, r"'chin' stands for one union joint twice"),
        (
            {"similar": {"left_eye": ("left_eye",)}},
            r"'left_eye' and its mirror 'right_eye' stand differently.*Declare both sides alike",
        ),
        ({"dropped": {"left_eye": "?"}}, r"\(dropped, \['same'\]\)"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(wrong, message):
    with pytest.raises(KDError, match=message):
        replace(FACE, **wrong)


def test_22_sigmas_for_21_joints_name_both_counts():
    joints = tuple(f"joint{k}" for k in range(21))
    with pytest.raises(KDError, match="has 22 sigmas for 21 joints"):
        Convention("paper", joints, (), (0.05,) * 22, (1.0,) * 21, ())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("nose", "left_eye"), r"own keeps 'left_eye' of face5 without its mirror 'right_eye'"),
        (("nose", "chinn"), r"there is no joint of face5 'chinn'\. Did you mean 'chin'\?"),
        (("nose", "nose"), r"convention own has the joint 'nose' 2 times"),
    ],
)
def test_a_reordering_that_loses_its_meaning_is_refused(names, message):
    with pytest.raises(KDError, match=message):
        FACE.reordered(names, "own")
