"""The original's sum, against its code's arithmetic written out."""

import pytest
import torch
import torch.nn.functional as F

from student.losses.distillation import total_loss
from student.losses.original import counted_twice, mean_divergence
from student.losses.term import LossTerm


def test_the_divergence_is_the_mean_over_bins_of_each_axis():
    logits = (torch.randn(2, 3, 8), torch.randn(2, 3, 12))
    targets = (torch.randn(2, 3, 8).softmax(-1), torch.randn(2, 3, 12).softmax(-1))
    wanted = sum(
        F.kl_div(logit.log_softmax(-1), target, reduction="none").mean(-1)
        for logit, target in zip(logits, targets, strict=True)
    )
    assert torch.allclose(mean_divergence(logits, targets), wanted, atol=1e-6)


def test_every_term_counts_twice_and_only_the_last_teachers_decays():
    """loss_kpt + loss_coco + loss_mpii + loss_total, where loss_total is 0.3 kpt + coco + mpii."""
    keypoint, coco, mpii, decay = 2.0, 0.25 * 3.0, 0.45 * 5.0, 0.6
    terms = [
        LossTerm("ground_truth", torch.tensor(keypoint), 0.3),
        LossTerm("teacher/coco", torch.tensor(coco), 1.0),
        LossTerm("teacher/mpii", torch.tensor(mpii), 1.0),
    ]
    decayed = decay * mpii
    wanted = keypoint + coco + decayed + (0.3 * keypoint + coco + decayed)
    assert float(total_loss(counted_twice(terms, decay))) == pytest.approx(wanted)
