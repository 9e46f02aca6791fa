"""Where everything lies in a workspace."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import unknown_name
from pipeline.params import DatasetParams, Params, TeacherParams, read_params

WEIGHTS = "student.safetensors"
CONFIG = "student.json"
"""A student's two files, in its folder."""
PEOPLE = "people"
"""In the folder of a dataset's crop table, that of the table of everyone annotated."""


@dataclass(frozen=True)
class Workspace:
    """A folder with params.yaml and dvc.yaml; relative paths in params.yaml start here."""

    root: Path
    params: Params
    output: Path | None = None
    """Where the student and its evaluation go; None: to `root`. Elsewhere, many trainings can read the crops
    and stores of one workspace."""
    student: str = "student"
    """The student's folder in `runs/`."""

    @classmethod
    def open(cls, root: Path) -> "Workspace":
        """Raises KDError where params.yaml is missing or wrong."""
        return cls(root, read_params(root / "params.yaml"))

    def path(self, relative: str) -> Path:
        return self.root / relative

    def dataset(self, name: str) -> DatasetParams:
        if name not in self.params.datasets:
            raise unknown_name("dataset", name, self.params.datasets)
        return self.params.datasets[name]

    def teacher(self, name: str) -> TeacherParams:
        if name not in self.params.teachers:
            raise unknown_name("teacher", name, self.params.teachers)
        return self.params.teachers[name]

    def crops(self, dataset: str) -> Path:
        """Folder of one dataset's crop table: crops.parquet and refused.json."""
        return self.root / "crops" / dataset

    def people(self, dataset: str) -> Path:
        """Folder of the table of everyone annotated, crowds and unlabelled people too: what AP counts."""
        return self.crops(dataset) / PEOPLE

    def store(self, teacher: str, dataset: str) -> Path:
        return self.root / "stores" / teacher / f"{dataset}.zarr"

    @property
    def run(self) -> Path:
        """Folder of the student: student.safetensors, student.json, checkpoints, logs."""
        return (self.output or self.root) / "runs" / self.student

    @property
    def evaluation(self) -> Path:
        return (self.output or self.root) / "evaluation"

    @property
    def teacher_evaluation(self) -> Path:
        """Folder of the teachers' evaluation without a student: no DVC stage's output, and ignored by git."""
        return (self.output or self.root) / "runs" / "teachers"


def is_behind_link(path: Path, root: Path) -> bool:
    """Whether `path`, below `root`, is a link or lies behind one: others may use what is there too, so it is
    not deleted. `root` itself may be reached through links."""
    return path.resolve() != root.resolve() / path.relative_to(root)
