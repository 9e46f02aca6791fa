"""What a workspace would extract into a cell now, as far as that is known without building the teacher."""

from collections.abc import Mapping
from typing import Any

from pipeline.files.hashes import known_sha256
from pipeline.params import TeacherParams
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.format.provenance import CellProvenance
from pipeline.teachers.adapters.registry import adapter_of
from pipeline.workspace import Workspace


def expected_provenance(workspace: Workspace, teacher: str, attributes: Mapping[str, Any]) -> CellProvenance:
    """The provenance a store of this teacher should have: that of the attributes `attributes`, but for what
    params.yaml and the teacher's files say otherwise. Extraction builds the teacher and compares all of it.

    Raises:
        KDError: params.yaml names no such teacher.
    """
    stored = attributes["provenance"]
    known = _known_of_teacher(workspace, workspace.teacher(teacher), stored["teacher"])
    codec = MapCodec.of(workspace.params.extract, attributes["map_geometry"]["kind"], attributes["beta"])
    return CellProvenance.from_json(
        {**stored, "teacher": {**stored["teacher"], **known}, "codec": codec.as_json()}
    )


def _known_of_teacher(workspace: Workspace, params: TeacherParams, stored: dict[str, Any]) -> dict[str, Any]:
    """Entries of the teacher's provenance, as the params and the teacher's files would make them now."""
    known: dict[str, Any] = {"flip_test": params.flip_test}
    if "map_made" in stored:
        size = params.storage_size
        known["map"] = {**stored["map"], "size": list(size)} if size else stored["map_made"]
    checkpoint = workspace.path(params.checkpoint)
    if checkpoint.is_file():
        known["checkpoint_sha256"] = known_sha256(checkpoint)
    elif params.sha256:
        known["checkpoint_sha256"] = _completed(params.sha256, stored.get("checkpoint_sha256"))
    if stored.get("adapter") == params.adapter:
        known |= adapter_of(params).known_provenance(params, workspace.root, stored)
    return {name: value for name, value in known.items() if name in stored}


def _completed(sha256: str, stored: str | None) -> str:
    """The stored SHA-256 where `sha256` is its beginning: params.yaml may have the first digits alone."""
    return stored if stored is not None and stored.startswith(sha256) else sha256
