"""The union of conventions."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import BUILTIN, load_convention
from pipeline.conventions.union import Relation, UnionSkeleton, build_union, match_joints
from pipeline.errors import KDError

PAPER_21 = [
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
    *("pelvis", "thorax", "upper_neck", "head_top"),
]


def union_of(*names, **options) -> UnionSkeleton:
    return build_union([load_convention(name) for name in names], **options)


def convention(name="own", pairs=(), sigma=0.05, limbs=(), **joints) -> Convention:
    """A convention whose keywords are its joints, each with its own relation."""
    relations = {
        kind: {j: to for j, (k, to) in joints.items() if k == kind} for kind in ("same", "similar", "dropped")
    }
    count = len(joints)
    return Convention(name, tuple(joints), pairs, (sigma,) * count, (1.0,) * count, limbs, **relations)


TAILED = convention(
    "tailed", tail=("same", ("tail",)), nose=("same", ("nose",)), rump=("similar", ("pelvis",))
)
WINGED = convention(
    "winged",
    pairs=(("left_wing", "right_wing"),),
    limbs=(("left_wing", "back"), ("right_wing", "back")),
    left_wing=("same", ("left_wing",)),
    right_wing=("same", ("right_wing",)),
    back=("similar", ("tail",)),
    beak=("dropped", "not a joint"),
)


def test_coco_and_mpii_make_the_papers_21_joints():
    assert list(union_of("coco17", "mpii16").joints) == PAPER_21


def test_a_union_as_a_convention_is_answered_joint_by_joint():
    union = union_of("coco17", "mpii16")
    whole = union.as_convention()
    assert whole.joints == union.joints and whole.flip_permutation == union.flip_permutation
    assert [(r.source, r.union, r.kind) for r in union.relations_of(whole)] == [
        (joint, joint, "same") for joint in range(21)
    ]
    answered = {
        whole.joints[target]: kind for _, target, kind in match_joints(load_convention("mpii16"), whole)
    }
    assert answered["head_top"] == "same" and answered["left_hip"] == "similar" and "nose" not in answered


def test_coco_and_mpii_relate_as_annotated():
    union = union_of("mpii16", "coco17", similar_weight=0.3)
    coco, mpii = union.relations["coco17"], union.relations["mpii16"]
    assert coco == tuple(Relation(k, k, "same", 1.0) for k in range(17))
    hips = {2: 12, 3: 11}
    same = {0: 16, 1: 14, 4: 13, 5: 15, 6: 17, 7: 18, 8: 19, 9: 20, 10: 10, 11: 8, 12: 6, 13: 5, 14: 7, 15: 9}
    assert {r.source: r.union for r in mpii if r.kind == "similar"} == hips
    assert {r.source: r.union for r in mpii if r.kind == "same"} == same
    assert {r.weight for r in mpii if r.kind == "similar"} == {0.3}


def test_sigmas_and_limbs_of_the_papers_union():
    union = union_of("coco17", "mpii16")
    coco, mpii = load_convention("coco17"), load_convention("mpii16")
    assert union.sigmas == (*coco.sigmas, 0.026, 0.026, 0.026, 0.026)
    new = [("right_hip", "pelvis"), ("pelvis", "left_hip"), ("pelvis", "thorax"), ("thorax", "upper_neck")]
    new += [("upper_neck", "head_top"), ("upper_neck", "right_shoulder"), ("upper_neck", "left_shoulder")]
    assert union.limbs == (*coco.limbs, *new)
    assert set(new) <= set(mpii.limbs)


@given(st.lists(st.sampled_from([*BUILTIN, TAILED, WINGED]), min_size=1, unique_by=str), st.randoms())
def test_the_union_does_not_depend_on_the_order_of_listing(listed, random):
    conventions = [load_convention(c) if isinstance(c, str) else c for c in (*listed, TAILED)]
    union = build_union(conventions)
    random.shuffle(conventions)
    again = build_union([*conventions, conventions[0]])
    assert again == union
    assert list(again.relations["tailed"]) == list(union.relations["tailed"])


@given(st.lists(st.sampled_from(BUILTIN), min_size=1, unique=True))
def test_every_joint_is_united_or_dropped_and_every_union_joint_is_somebodys(names):
    union = union_of(*names)
    same = {relation.union for name in names for relation in union.relations[name] if relation.kind == "same"}
    assert same == set(range(union.num_joints))
    for name in names:
        joints = load_convention(name).joints
        related = {joints[relation.source] for relation in union.relations[name]}
        assert related | set(union.dropped[name]) == set(joints)
        assert not related & set(union.dropped[name])


@given(st.lists(st.sampled_from(BUILTIN), min_size=1, unique=True))
def test_relations_mirror_with_the_body(names):
    union = union_of(*names)
    flip = list(union.flip_permutation)
    swap = {"left": "right", "right": "left"}
    swapped = ["_".join(swap.get(part, part) for part in joint.split("_")) for joint in union.joints]
    assert [union.joints[j] for j in flip] == swapped
    for name in names:
        weights_KU = union.weights(load_convention(name))
        mirrored_KU = weights_KU[list(load_convention(name).flip_permutation)][:, flip]
        np.testing.assert_array_equal(mirrored_KU, weights_KU)


@pytest.mark.parametrize("name", BUILTIN)
def test_a_convention_alone_is_fully_trusted(name):
    union = union_of(name)
    assert {relation.weight for relation in union.relations[name]} == {1.0}
    assert union.num_joints == load_convention(name).num_joints - len(union.dropped[name])


def test_a_stand_in_steps_back_when_the_real_joint_comes_in():
    alone, joined = union_of("aic14", "lsp14"), union_of("aic14", "lsp14", "mpii16")
    neck = {"aic14": 13, "lsp14": 12}
    kinds = [
        {n: next(r.kind for r in u.relations[n] if r.source == k) for n, k in neck.items()}
        for u in (alone, joined)
    ]
    assert kinds == [{"aic14": "same", "lsp14": "similar"}, {"aic14": "similar", "lsp14": "similar"}]
    sigma = [union.sigmas[union.joints.index("upper_neck")] for union in (alone, joined)]
    assert sigma == [0.01236173, 0.026]


def test_a_real_joint_is_only_similar_to_a_stand_in():
    hips = [r for r in union_of("aic14").relations_of(load_convention("coco17")) if r.source in (11, 12)]
    assert [(r.kind, r.weight) for r in hips] == [("similar", 0.5)] * 2


def test_posetracks_ears_are_dropped_though_coco_has_ears():
    union = union_of("coco17", "posetrack18")
    assert union.dropped == {"coco17": (), "posetrack18": ("left_ear", "right_ear")}


def test_a_users_joint_becomes_a_union_joint_of_its_own_name_at_the_end():
    union = build_union([WINGED, TAILED, load_convention("coco17")])
    assert union.joints[17:] == ("pelvis", "tail", "left_wing", "right_wing")
    assert union.dropped["winged"] == ("beak",)
    assert ("left_wing", "tail") in union.limbs
    assert union.flip_pairs[-1] == ("left_wing", "right_wing")


def test_a_teachers_own_order_relates_by_joint_name():
    mpii = load_convention("mpii16")
    own = mpii.reordered(tuple(reversed(mpii.joints)), "teacher")
    union = union_of("coco17", "mpii16")
    np.testing.assert_array_equal(union.weights(own), union.weights(mpii)[::-1])
    alone = union_of("mpii16")
    assert {relation.kind for relation in alone.relations_of(own)} == {"same"}


def test_weights_are_the_relations_weights_and_else_zero():
    weights_KU = union_of("coco17", "mpii16").weights(load_convention("mpii16"))
    assert weights_KU.shape == (16, 21)
    assert weights_KU[2, 12] == 0.5 and weights_KU[9, 20] == 1.0
    assert weights_KU.sum() == 14 + 2 * 0.5


def test_a_joint_is_read_out_where_it_is_same_before_where_it_is_similar():
    two = convention("two", neck=("same", ("neck",)), nape=("same", ("nape",)))
    near = convention("near", throat=("similar", ("nape", "neck")))
    at = replace(near, name="at", same={"throat": ("neck",)}, similar={"throat": ("nape",)})
    union = build_union([two, near, at])
    nape, neck = union.joints.index("nape"), union.joints.index("neck")
    assert union.to_convention(near) == (Relation(0, nape, "similar", 0.5),)
    assert union.to_convention(at) == (Relation(0, neck, "same", 1.0),)
    assert union.weights(at)[0, [nape, neck]].tolist() == [0.5, 1.0]


def test_what_the_union_lacks_is_not_read_out():
    mapping = union_of("coco17").to_convention(load_convention("mpii16"))
    names = {load_convention("mpii16").joints[relation.source] for relation in mapping}
    assert set(load_convention("mpii16").joints) - names == {"pelvis", "thorax", "upper_neck", "head_top"}


def test_a_restricted_union_drops_the_rest():
    union = union_of("coco17", "mpii16", joints=["head_top", "right_hip", "left_hip"])
    assert union.joints == ("left_hip", "right_hip", "head_top")
    assert union.flip_permutation == (1, 0, 2)
    assert len(union.dropped["coco17"]) == 15
    assert union.limbs == (("left_hip", "right_hip"),)


def test_the_union_survives_json():
    union = build_union([load_convention("posetrack18"), WINGED, TAILED])
    assert UnionSkeleton.from_dict(json.loads(json.dumps(union.as_dict()))) == union


@pytest.mark.parametrize(
    ("conventions", "joints", "message"),
    [
        ([], None, r"at least one convention"),
        (
            [TAILED],
            ["tale"],
            r"a union joint that no convention provides: .*no union joint 'tale'\. Did you mean 'tail'\?",
        ),
        ([WINGED, TAILED], ["left_wing", "tail"], r"'left_wing' without its mirror 'right_wing'"),
        (
            [TAILED, convention("tailed", tail=("same", ("tail",)))],
            None,
            r"two different conventions .* 'tailed'",
        ),
        (
            [convention("own", nape=("similar", ("uper_neck",)))],
            None,
            r"'nape' similar to a union joint that no convention provides: .*Did you mean 'upper_neck'\?",
        ),
        (
            [WINGED, TAILED, convention("other", fin=("similar", ("left_wing",)))],
            None,
            r"mirror of union joint 'left_wing' is 'left_wing' after other, but 'right_wing' after winged",
        ),
    ],
)
def test_a_union_that_cannot_be_is_refused_with_the_reason(conventions, joints, message):
    with pytest.raises(KDError, match=message):
        build_union(conventions, joints=joints)


def test_matching_a_convention_with_itself_is_the_identity():
    for name in ("aic14", "mpii16", "coco17"):
        own = load_convention(name)
        assert match_joints(own, own) == [(k, k, "same") for k in range(own.num_joints)]


def test_matching_follows_names_through_a_teachers_own_order():
    aic = load_convention("aic14")
    own = aic.reordered(tuple(reversed(aic.joints)), "aic14")
    assert match_joints(own, aic) == [(13 - k, k, "same") for k in range(14)]


def test_an_mpii_teacher_answers_for_lsp():
    mpii, lsp = load_convention("mpii16"), load_convention("lsp14")
    matched = {lsp.joints[b]: (mpii.joints[a], kind) for a, b, kind in match_joints(mpii, lsp)}
    assert matched["left_wrist"] == ("left_wrist", "same")
    assert matched["left_hip"] == ("left_hip", "similar")
    assert matched["neck"] == ("upper_neck", "similar")
    assert len(matched) == 14


def test_matching_leaves_out_what_the_source_does_not_have():
    coco, jhmdb = load_convention("coco17"), load_convention("jhmdb15")
    matched = {jhmdb.joints[target] for _, target, _ in match_joints(coco, jhmdb)}
    assert set(jhmdb.joints) - matched == {"neck", "belly", "head"}
