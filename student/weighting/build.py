"""The weighting strategy that params.yaml names."""

from pipeline.extensions import WEIGHTINGS
from pipeline.params import Params
from student.data.training_data import TrainingData
from student.weighting.fixed import FixedWeighting
from student.weighting.strategy import TeacherWeighting


def build_weighting(params: Params, training_data: TrainingData, channels: int) -> TeacherWeighting:
    """`channels`: of the student's features. Without any teacher nothing is measured."""
    distill = params.distill
    fixed = FixedWeighting(params.distill_weights(), distill.min_confidence)
    if not training_data.teacher_specs:
        return fixed
    strategy: type[TeacherWeighting] = WEIGHTINGS.load(distill.weighting)
    return strategy.of(fixed, params, training_data, channels)
