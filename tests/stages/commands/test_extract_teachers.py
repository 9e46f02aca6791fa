"""`kd-pipeline extract-teachers`: which stores it writes."""

from pathlib import Path

import pytest
from lamp_workspace import kd, refused, write_params, write_people, write_teacher


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Two teachers and two datasets; teacher lantern is run over one of them."""

    def change(params: dict) -> None:
        params["datasets"]["street-val"] = params["datasets"]["street-train"]
        params["teachers"]["lantern"] = params["teachers"]["lamp"] | {"datasets": ["street-val"]}
        params["cells"] = {"teachers": ["lamp", "lantern"], "datasets": ["street-train", "street-val"]}

    write_people(tmp_path)
    write_teacher(tmp_path / "teachers" / "lamp")
    write_params(tmp_path, change)
    kd(tmp_path, "index-datasets")
    return tmp_path


def stores(workspace: Path) -> set[str]:
    return {str(path.relative_to(workspace / "stores")) for path in (workspace / "stores").glob("*/*.zarr")}


def test_every_cell_is_extracted_and_no_other(workspace: Path):
    kd(workspace, "extract-teachers")
    assert stores(workspace) == {
        "lamp/street-train.zarr",
        "lamp/street-val.zarr",
        "lantern/street-val.zarr",
    }
    assert kd(workspace, "extract-teachers").count("complete already") == 3


def test_a_teacher_whose_cells_need_one_crop_table_does_not_ask_for_another(workspace: Path):
    (workspace / "crops/street-train/crops.parquet").unlink()
    kd(workspace, "extract-teachers", "--teacher", "lantern")
    assert stores(workspace) == {"lantern/street-val.zarr"}


def test_a_cell_that_a_teachers_own_list_leaves_out_is_refused_by_name(workspace: Path):
    message = refused(workspace, "extract-teachers", "--teacher", "lantern", "--dataset", "street-train")
    assert "teacher lantern is run over street-val only" in message.replace("\n", " ")
    assert stores(workspace) == set()


def test_each_teacher_is_loaded_once_for_all_its_datasets(workspace: Path, monkeypatch):
    from pipeline.teachers.adapters import registry as build

    loaded, load = [], build.build_teacher

    def counted(name, *rest):
        loaded.append(name)
        return load(name, *rest)

    monkeypatch.setattr(build, "build_teacher", counted)
    kd(workspace, "extract-teachers")
    assert loaded == ["lamp", "lantern"]
