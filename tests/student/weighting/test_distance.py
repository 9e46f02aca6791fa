"""Distances in units of joints, by hand."""

import pytest
import torch

from student.weighting.distance import log_agreement, log_wrong, tolerance


def test_the_tolerance_grows_with_the_person_and_the_joints_sigma():
    found = tolerance([0.1, 0.026], torch.tensor([100.0, 50.0]))
    # 0.4 of sigma times the root of the area; borrowed sigmas count as 0.05.
    assert found.tolist() == [pytest.approx([4.0, 2.0]), pytest.approx([2.0, 1.0])]


def test_agreement_is_students_t_of_the_distance_in_tolerances():
    one, other = torch.zeros(1, 1, 2), torch.tensor([[[6.0, 8.0]]])
    found = log_agreement(one, other, torch.tensor([[5.0]]))
    independent = torch.distributions.StudentT(4.0)
    wanted = independent.log_prob(torch.tensor(2.0)) - independent.log_prob(torch.tensor(0.0))
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


def test_of_two_answers_far_off_the_nearer_still_agrees_more():
    label, tolerance_BU = torch.zeros(1, 1, 2), torch.ones(1, 1)
    near, far = (log_agreement(label, torch.tensor([[[d, 0.0]]]), tolerance_BU) for d in (200.0, 201.0))
    assert float(near) > float(far) and float(near) < float(log_wrong(label))
