"""Every line of `pipeline.extensions` leads somewhere, and nothing is imported for the lines alone."""

import subprocess
import sys

import pytest

from pipeline import extensions
from pipeline.registry import Registry

REGISTRIES = {name: value for name, value in vars(extensions).items() if isinstance(value, Registry)}


@pytest.mark.parametrize("kind", REGISTRIES)
def test_every_member_is_there(kind):
    registry = REGISTRIES[kind]
    assert all(callable(registry.load(name)) for name in registry)


def test_the_names_alone_import_neither_students_nor_torch():
    code = (
        "import sys, pipeline.params; "
        "print([name for name in ('student', 'stages', 'torch', 'mmpose', 'timm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_training_that_asks_whether_stores_are_current_runs_no_teachers_package():
    code = (
        "import sys; from pipeline.extensions import ADAPTERS; [ADAPTERS.load(name) for name in ADAPTERS]; "
        "print([name for name in ('mmpose', 'mmcv', 'mmengine', 'onnxruntime') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
