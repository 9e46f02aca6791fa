"""ONNX files with their sidecars as teachers."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from pipeline.conventions.convention import Convention
from pipeline.errors import KDError
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.adapter import Adapter
from pipeline.teachers.adapters.onnx.external_data import external_data_sha256
from pipeline.teachers.adapters.onnx.sidecar import read_sidecar
from pipeline.teachers.teacher import Teacher


class OnnxAdapter(Adapter):
    """Training reads sidecars, and needs no onnxruntime."""

    def build(
        self, name: str, params: TeacherParams, root: Path, meaning: Convention, device: torch.device
    ) -> Teacher:
        from pipeline.teachers.adapters.onnx.onnx_teacher import build_onnx_teacher

        return build_onnx_teacher(name, params, root, meaning, device)

    def known_provenance(
        self, params: TeacherParams, root: Path, stored: Mapping[str, Any]
    ) -> dict[str, Any]:
        known: dict[str, Any] = {}
        checkpoint = root / params.checkpoint
        if "external_data_sha256" in stored and checkpoint.is_file():
            found = external_data_sha256(checkpoint)
            known |= {} if found is None else {"external_data_sha256": found}
        with suppress(KDError):  # training needs no sidecar; extraction reports what is wrong with it
            known["config_sha256"] = read_sidecar(root / params.config).meaning_sha256
        return known
