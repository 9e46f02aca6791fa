"""What the student is taught, held to the figures that docs/targets.md gives."""

import pytest

from benchmarks.cases.teaching_case import STUDENTS, TEACHER_MAPS
from benchmarks.teaching import exact_decode_cells, exact_shares, gradient_ratio, kind_kls, score_spread


def test_an_exact_target_decodes_to_the_teachers_joint_for_every_pair_of_kinds():
    assert max(exact_decode_cells().values()) < 0.05


def test_a_teacher_who_says_what_the_label_says_costs_a_student_that_equals_the_label_nothing():
    assert max(kind_kls().values()) < 0.3


@pytest.mark.slow
def test_the_exact_teacher_is_believed_whatever_the_kinds():
    shares = exact_shares(students=("heatmap 48x64", "rtmcc"))
    assert min(shares.values()) > 0.5
    assert min(share for (*_, offset), share in shares.items() if offset == 16.0) >= 0.9


@pytest.mark.parametrize("kind", ["label", *TEACHER_MAPS])
def test_a_joints_gradient_does_not_depend_on_the_rest_of_the_batch(kind):
    assert gradient_ratio(kind) < 1.05


@pytest.mark.parametrize("name", STUDENTS)
def test_a_perfectly_taught_joint_has_one_score_whoever_taught_it(name):
    assert score_spread(name) < 0.1
