import pytest
import torch

from pipeline.device import resolve_device
from pipeline.errors import KDError


@pytest.mark.parametrize(("available", "kind"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_cuda_where_there_is_one(monkeypatch, available, kind):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert resolve_device("auto").type == kind


def test_the_cpu_is_always_there():
    assert resolve_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("spec", ["gpu", "cuda:x", "", "meta"])
def test_no_such_device_is_an_error_with_those_there_are(spec):
    with pytest.raises(KDError, match=r"but auto, cpu, cuda, cuda:N or mps was wanted"):
        resolve_device(spec)


def test_a_cuda_device_that_is_not_there_says_how_many_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert resolve_device("cuda") == torch.device("cuda")
    with pytest.raises(KDError, match="'cuda:1', but PyTorch sees 1 CUDA devices"):
        resolve_device("cuda:1")
