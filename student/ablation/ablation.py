"""An ablation as a whole: its file, checked against a workspace, and the runs that it stands for."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pipeline.conventions.registry import load_convention
from pipeline.errors import KDError, unknown_name
from pipeline.extensions import METRICS
from pipeline.files.yaml_file import load_yaml
from pipeline.params import Params
from pipeline.workspace import Workspace
from student.ablation.ablation_file import AblationFile, read_ablation_file
from student.ablation.arm import Arm, resolve_arms
from student.ablation.column import Column, columns_of

FOLDER = "ablations"
LESS_IS_BETTER = ("ECE",)
"""Of metrics, those that arms are not compared by."""


@dataclass(frozen=True)
class Run:
    """One training and its evaluation: an arm with a seed. Its workspace writes into a folder of its own."""

    arm: str
    seed: int
    workspace: Workspace

    @property
    def folder(self) -> Path:
        return self.workspace.output

    def __str__(self) -> str:
        return f"{self.arm} seed {self.seed}"


@dataclass(frozen=True)
class Ablation:
    """What to run, where the results go, and how they are compared."""

    file: AblationFile
    root: Path
    arms: list[Arm]

    @classmethod
    def open(cls, path: Path, root: Path) -> "Ablation":
        """The ablation that `path` describes, on the workspace `root`.

        Raises:
            KDError: the file or the workspace's params.yaml is wrong, or a name in the file (of a setting,
                an arm, a dataset, a joint, a metric) is not one of the workspace's.
        """
        file = read_ablation_file(path)
        Workspace.open(root)  # first, so that its own mistakes are not reported as an arm's
        ablation = cls(file, root, resolve_arms(file, load_yaml(root / "params.yaml"), str(path)))
        try:
            ablation._check_names()
        except KDError as error:
            raise KDError(f"{path}, {error}") from None
        return ablation

    @property
    def folder(self) -> Path:
        return self.root / FOLDER / self.file.name

    @property
    def teachers(self) -> Workspace:
        """Where the teachers' evaluation goes, which all arms are shown beside."""
        return Workspace(self.root, self._params, output=self.folder / "teachers")

    @property
    def columns(self) -> tuple[Column, ...]:
        """Of the table."""
        datasets = self.file.datasets or self._params.evaluate.datasets
        conventions = [(name, self._params.datasets[name].convention or "") for name in datasets]
        return columns_of(conventions, self.file.groups)

    def runs(self, only: Collection[str] = ()) -> list[Run]:
        """Every arm, or those of `only`, with every seed.

        All arms with the first seed, then with the next, so that what is there early can be compared.

        Raises:
            KDError: `only` names an unknown arm.
        """
        names = [arm.name for arm in self.arms]
        for name in only:
            if name not in names:
                raise unknown_name("arm", name, names)
        arms = [arm for arm in self.arms if not only or arm.name in only]
        return [self._run(arm, seed) for seed in dict.fromkeys(self.file.seeds) for arm in arms]

    def _run(self, arm: Arm, seed: int) -> Run:
        params = arm.params.model_copy(update={"train": arm.params.train.model_copy(update={"seed": seed})})
        folder = self.folder / arm.name / f"seed{seed}"
        return Run(arm.name, seed, Workspace(self.root, params, output=folder))

    @property
    def _params(self) -> Params:
        """Of any arm: they differ only in what training depends on."""
        return self.arms[0].params

    def _check_names(self) -> None:
        file, evaluated = self.file, self._params.evaluate.datasets
        compared = [name for name in METRICS if name not in LESS_IS_BETTER]
        if file.metric not in compared:
            raise KDError(f"metric: {unknown_name('metric', file.metric, compared)}")
        names = [arm.name for arm in self.arms]
        if file.baseline is not None and file.baseline not in names:
            raise KDError(f"baseline: {unknown_name('arm', file.baseline, names)}")
        for place, datasets in [
            ("datasets", file.datasets or ()),
            *((f"groups.{name}", group.datasets) for name, group in file.groups.items()),
        ]:
            for name in datasets:
                if name not in evaluated:
                    raise KDError(f"{place}: {unknown_name('dataset in evaluate.datasets', name, evaluated)}")
        self._check_joints()
        self._check_columns()

    def _check_columns(self) -> None:
        names = [column.name for column in self.columns]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise KDError(
                f"two columns of the table would be called {twice!r}. Give groups names of their own, other "
                "than a dataset's and 'mean', and name every dataset once."
            )

    def _check_joints(self) -> None:
        for name, group in self.file.groups.items():
            conventions = [
                load_convention(convention, self.root)
                for dataset in group.datasets
                if (convention := self._params.datasets[dataset].convention) is not None
            ]
            known = {joint for convention in conventions for joint in convention.joints}
            for joint in group.joints:
                if joint not in known:
                    sources = ", ".join(dict.fromkeys(convention.name for convention in conventions))
                    raise KDError(f"groups.{name}: {unknown_name(f'joint of {sources}', joint, known)}")
