"""Where a network computes."""

import torch

from pipeline.errors import KDError


def resolve_device(spec: str) -> torch.device:
    """`spec` as a device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        KDError: no such device, or not on this machine.
    """
    if spec == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(spec)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise KDError(f"runtime.device is {spec!r}, but auto, cpu, cuda, cuda:N or mps was wanted.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise KDError(
            f"runtime.device is {spec!r}, but PyTorch sees {torch.cuda.device_count()} CUDA devices here. "
            "Set runtime.device to auto, or install a CUDA build of PyTorch."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise KDError("runtime.device is 'mps', but this machine has none. Set runtime.device to auto.")
    return device
