"""How terms add up."""

import torch

from student.losses.distillation import total_loss
from student.losses.term import LossTerm


def test_the_total_is_the_sum_of_terms_times_weights():
    terms = [LossTerm("a", torch.tensor(2.0), 0.25), LossTerm("b", torch.tensor(3.0), 4.0)]
    assert float(total_loss(terms)) == 12.5
