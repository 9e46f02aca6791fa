"""Another student as initial weights."""

from pathlib import Path

import torch

from pipeline.params import InitParams
from pipeline.teachers.checkpoints import checked_file
from student.network.init.joints import rows_by_name
from student.network.init.weights import InitialWeights
from student.network.pose_student import PoseStudent
from student.network.saved import WEIGHTS, load_student


def read_student(params: InitParams, root: Path, student: PoseStudent) -> InitialWeights:
    """The weights in the folder `params.student`.

    Raises:
        KDError: there is none, it is damaged, or not the one that was meant.
    """
    folder = root / params.student
    other = load_student(folder, torch.device("cpu"))
    sha256 = checked_file(folder / WEIGHTS, "student.init.student", params.sha256)
    rows = rows_by_name(other.config.skeleton.joints, student.config.skeleton)
    return InitialWeights(f"the student in {folder}", sha256, other.state_dict(), row_of_joint=rows)
