"""`params.yaml` as a whole: every section, and what has to fit between them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import model_validator

from pipeline.errors import KDError, unknown_name
from pipeline.files.yaml_file import load_yaml
from pipeline.names import check_names
from pipeline.params.datasets import CellsParams, DatasetParams, SkeletonParams
from pipeline.params.distill import DistillParams
from pipeline.params.evaluate import EvaluateParams, RuntimeParams
from pipeline.params.extract import ExtractParams
from pipeline.params.parse import parse_section
from pipeline.params.presets import check_preset, with_preset
from pipeline.params.section import Section, in_place, section_in
from pipeline.params.student import StudentParams
from pipeline.params.teachers import TeacherParams
from pipeline.params.train import TrainParams
from pipeline.recipes import check_recipe, with_recipe


class Params(Section):
    """The whole of `params.yaml`."""

    cells: CellsParams
    datasets: dict[str, DatasetParams]
    teachers: dict[str, TeacherParams]
    skeleton: SkeletonParams = SkeletonParams()
    extract: ExtractParams = ExtractParams()
    student: StudentParams = StudentParams()
    train: TrainParams
    distill: DistillParams = DistillParams()
    evaluate: EvaluateParams
    runtime: RuntimeParams = RuntimeParams()

    @model_validator(mode="before")
    @classmethod
    def _names_are_usable(cls, values: Any) -> Any:
        for section, kind in (("datasets", "dataset"), ("teachers", "teacher")):
            found = values.get(section) if isinstance(values, Mapping) else None
            if isinstance(found, Mapping):
                try:
                    check_names(kind, found)
                except KDError as error:
                    raise in_place(section, error) from None
        return values

    @model_validator(mode="after")
    def _something_is_taught(self) -> "Params":
        if self.distill.weight == 0 and self.train.ground_truth_weight == 0:
            message = "distill.weight and train.ground_truth_weight are both 0, so nothing is taught. "
            raise KDError(message + "Raise one of them.")
        return self

    @model_validator(mode="after")
    def _labels_have_a_convention(self) -> "Params":
        for name, dataset in self.datasets.items():
            if dataset.convention is None and dataset.has_labels:
                message = (
                    f"convention is missing, but format {dataset.format} has labels, whose joints it names. "
                    "Set it to a built-in one (coco17, mpii16, ...) or to the path of your own YAML; or set "
                    "format: images to leave the labels out."
                )
                raise in_place(f"datasets.{name}", KDError(message))
        return self

    @model_validator(mode="after")
    def _recipe_and_preset_are_whole(self) -> "Params":
        train = self.train.model_dump()
        check_recipe(train, self.student.model_dump())
        check_preset(self.distill.model_dump(), train)
        return self

    @model_validator(mode="after")
    def _names_stand_once(self) -> "Params":
        for place, names in (*self._dataset_lists(), ("cells.teachers", self.cells.teachers)):
            twice = _first_twice(names)
            if twice is not None:
                raise in_place(place, KDError(f"{twice!r} is listed twice. Keep one."))
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> "Params":
        for place, names in self._dataset_lists():
            for name in names:
                if name not in self.datasets:
                    raise in_place(place, unknown_name("dataset", name, self.datasets))
        for place, names in (
            ("cells.teachers", self.cells.teachers),
            ("distill.teachers", self.distill.teachers or ()),
        ):
            for name in names:
                if name not in self.teachers:
                    raise in_place(place, unknown_name("teacher", name, self.teachers))
        for name in self.distill.teachers or ():
            if name not in self.cells.teachers:
                raise in_place(
                    "distill.teachers", unknown_name("extracted teacher", name, self.cells.teachers)
                )
        return self

    def _dataset_lists(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Every list of datasets' names, with its place in the file."""
        yield "cells.datasets", self.cells.datasets
        yield "train.datasets", self.train.datasets
        yield "train.calibrate_scores", self.train.calibrate_scores
        yield "train.validation.datasets", self._validated()
        yield "evaluate.datasets", self.evaluate.datasets
        for teacher, own in self.teachers.items():
            yield f"teachers.{teacher}.datasets", own.datasets or ()

    def _validated(self) -> tuple[str, ...]:
        return self.train.validation.datasets if self.train.validation else ()

    @model_validator(mode="after")
    def _teachers_datasets_are_extracted(self) -> "Params":
        for teacher, own in self.teachers.items():
            for name in own.datasets or ():
                if name not in self.cells.datasets:
                    message = (
                        f"dataset {name} is not in cells.datasets ({', '.join(self.cells.datasets)}), which "
                        "this list selects from. Add it there, or remove it here."
                    )
                    raise in_place(f"teachers.{teacher}.datasets", KDError(message))
        return self

    @model_validator(mode="after")
    def _students_are_judged_on_other_labels(self) -> "Params":
        for place, name in (
            *(("train.calibrate_scores", name) for name in self.train.calibrate_scores),
            *(("train.validation.datasets", name) for name in self._validated()),
        ):
            if not self.datasets[name].has_labels:
                message = f"dataset {name} is of format images, which has no labels, but labels are needed. "
            elif name in self.train.datasets:
                message = (
                    f"dataset {name} is in train.datasets, on whose crops a student is right more often than "
                    "on others. "
                )
            else:
                continue
            message += "Name a labelled validation split, or none."
            raise in_place(place, KDError(message))
        return self

    def datasets_of(self, teacher: str) -> tuple[str, ...]:
        """The datasets that this teacher is run over, in the order of `cells.datasets`."""
        own = self.teachers[teacher].datasets
        return tuple(name for name in self.cells.datasets if own is None or name in own)

    def teachers_of(self, dataset: str) -> tuple[str, ...]:
        """The teachers that are run over this dataset, in the order of `cells.teachers`."""
        return tuple(name for name in self.cells.teachers if dataset in self.datasets_of(name))

    def distill_weights(self) -> dict[str, float]:
        """Fixed weight of every teacher that takes part in distillation."""
        weights = self.distill.teachers
        return dict(weights) if weights is not None else dict.fromkeys(self.cells.teachers, 1.0)


def _first_twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)


def read_params(path: Path) -> Params:
    """Read and check a workspace's `params.yaml`.

    Raises:
        KDError: the file is missing, is not YAML, names something twice, has an unknown key, a value out
            of range, or a name that is not defined.
    """
    if not path.is_file():
        raise KDError(
            f"there is no {path}. Run this in a workspace (a folder with params.yaml and dvc.yaml), "
            "name one with --workspace, or make one: kd-pipeline init DIR --template quickstart"
        )
    return parse_params(load_yaml(path), str(path))


def parse_params(values: Mapping[str, Any], source: str) -> Params:
    """`values` as Params; `source` names their origin in errors."""
    return parse_section(Params, with_recipe(with_preset(values)), source)


def is_section(setting: str) -> bool:
    """Whether a dotted name (`train.augment`) is that of a section, not of a single setting, whose value can
    be a mapping too (`distill.teachers`)."""
    model: type[Section] | None = Params
    for part in setting.split("."):
        field = model.model_fields.get(part) if model else None
        model = section_in(field.annotation) if field else None
    return model is not None
