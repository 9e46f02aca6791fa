"""Teachers from ONNX files, each with a sidecar.

Legend: B crops, K joints, H and W rows and columns of a heatmap, or W bins of a SimCC vector.
"""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from pipeline.conventions.convention import Convention
from pipeline.errors import KDError
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.onnx.external_data import external_data_sha256
from pipeline.teachers.adapters.onnx.sidecar import HeatmapSidecar, Sidecar, read_sidecar
from pipeline.teachers.adapters.onnx.sidecar_teacher import SidecarNetwork, sidecar_teacher
from pipeline.teachers.adapters.onnx.signature import batch_of, check_outputs, check_signature
from pipeline.teachers.checkpoints import checked_file
from pipeline.teachers.forward_passes import FORWARD_PASSES
from pipeline.teachers.maps import HeatmapOutput, Maps, SimCCOutput
from pipeline.teachers.topdown import Origin, TopDownTeacher

ADAPTER_VERSION = 1


def build_onnx_teacher(
    name: str, params: TeacherParams, root: Path, meaning: Convention, device: torch.device
) -> TopDownTeacher:
    """The ONNX teacher that `params` describes, with paths from `root`; `meaning` is its convention.

    Raises:
        KDError: a file is missing or not the one that was meant, or file, sidecar and convention do not fit.
    """
    what = f"teacher {name}"
    sidecar = read_sidecar(root / params.config)
    path = root / params.checkpoint
    sha256 = checked_file(path, what, params.sha256)
    if sha256 != sidecar.sha256:
        raise KDError(
            f"{what}: {path} has SHA-256 {sha256}, but its sidecar {root / params.config} was written for "
            f"{sidecar.sha256}. Fetch the right file, or write a sidecar for this one."
        )
    network = OnnxNetwork(path, sidecar, device)
    origin = Origin("onnx", ADAPTER_VERSION, sha256, sidecar.meaning_sha256, external_data_sha256(path))
    return sidecar_teacher(name, params, meaning, sidecar, network, origin)


class OnnxNetwork(SidecarNetwork):
    """A network that onnxruntime runs: on CUDA where the device is and onnxruntime can, else on the CPU."""

    def __init__(self, path: Path, sidecar: Sidecar, device: torch.device) -> None:
        """Raises KDError where the file is no ONNX, or is not what the sidecar says."""
        super().__init__(sidecar)
        self._device = device
        self._path = path
        self._session = _open(path, device)
        check_signature(self._session, sidecar, path)
        self._batch = batch_of(self._session)
        output = sidecar.output
        self._outputs = (
            [output.name] if isinstance(output, HeatmapSidecar) else [output.name_x, output.name_y]
        )

    def __call__(self, images_BHW3: UInt8[Tensor, "B H W 3"]) -> Maps:
        FORWARD_PASSES.add(len(images_BHW3))
        inputs_B3HW = self.sidecar.input.normalisation(images_BHW3.cpu())
        if self.sidecar.input.layout == "NHWC":
            inputs_B3HW = inputs_B3HW.permute(0, 2, 3, 1)
        tensors = [torch.from_numpy(array).to(self._device) for array in self._run(inputs_B3HW.numpy())]
        if len(tensors) == 2:
            return SimCCOutput(*tensors)
        channels_last = self.sidecar.output.layout == "NHWC"
        return HeatmapOutput(tensors[0].permute(0, 3, 1, 2).contiguous() if channels_last else tensors[0])

    def _run(self, inputs: Float32[np.ndarray, "B _ _ _"]) -> list[Float32[np.ndarray, "B ..."]]:
        """The outputs, in batches of the size that the file fixes, if it fixes one."""
        inputs = np.ascontiguousarray(inputs)
        size = self._batch or len(inputs)
        parts = [self._run_batch(inputs[start : start + size], size) for start in range(0, len(inputs), size)]
        return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]

    def _run_batch(
        self, inputs: Float32[np.ndarray, "b _ _ _"], size: int
    ) -> list[Float32[np.ndarray, "b ..."]]:
        padding = [(0, size - len(inputs)), (0, 0), (0, 0), (0, 0)]
        padded = np.pad(inputs, padding) if len(inputs) < size else inputs
        try:
            outputs = self._session.run(self._outputs, {self.sidecar.input.name: padded})
        except Exception as error:  # onnxruntime's exceptions have no common base
            raise KDError(
                f"{self._path} opens as an ONNX network, but does not run on {size} crops: {error}. If "
                "memory ran out, lower runtime.batch_size; else export the network again, with the input "
                "that its sidecar names."
            ) from None
        check_outputs(dict(zip(self._outputs, outputs, strict=True)), size, self.sidecar, self._path)
        return [array[: len(inputs)] for array in outputs]


def _open(path: Path, device: torch.device) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # onnxruntime counts the machine's cores, PyTorch the ones this process may use.
    options.intra_op_num_threads = torch.get_num_threads()
    # Spinning between batches takes the cores from the workers that prepare the next one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # what fails is raised, and reported once
    providers = ["CPUExecutionProvider"]
    if device.type == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": device.index or 0}))
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:  # onnxruntime's exceptions have no common base
        raise KDError(
            f"{path} cannot be opened as an ONNX network: {error}. It may be cut short, or need another "
            "onnxruntime."
        ) from None
