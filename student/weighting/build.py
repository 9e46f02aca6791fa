"""The weighting strategy that params.yaml names."""

from pipeline.params import Params
from student.data.training_data import TrainingData
from student.weighting.adaptive import AdaptiveWeighting
from student.weighting.ca_mkd import CaMkdWeighting
from student.weighting.confidence import ConfidenceWeighting
from student.weighting.fixed import FixedWeighting
from student.weighting.reliability import ReliabilityWeighting
from student.weighting.strategy import TeacherWeighting
from student.weighting.teacher_record import teacher_records


def build_weighting(params: Params, training_data: TrainingData, channels: int) -> TeacherWeighting:
    """`channels`: of the student's features. Without any teacher nothing is measured."""
    distill = params.distill
    fixed = FixedWeighting(params.distill_weights(), distill.min_confidence)
    if not training_data.teacher_specs:
        return fixed
    match distill.weighting:
        case "fixed":
            return fixed
        case "confidence":
            return ConfidenceWeighting(fixed)
        case "ca-mkd":
            return CaMkdWeighting(fixed)
        case "adaptive":
            return AdaptiveWeighting(fixed, training_data.student.skeleton.num_joints, channels)
        case "reliability":
            shares = {name: record.share_DU for name, record in teacher_records(training_data).items()}
            return ReliabilityWeighting(fixed, shares, distill.reliability_power)
