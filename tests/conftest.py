"""Fixtures of the whole suite. Array annotations are enforced in every test through beartype."""

import os
from pathlib import Path

import hypothesis
import pytest
from jaxtyping import install_import_hook

install_import_hook(["pipeline", "student", "demo", "stages"], "beartype.beartype")

# Machines are shared, so no example has a deadline. HYPOTHESIS_PROFILE=nightly looks ten times as long.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return REPOSITORY


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The real-data pack: real images, annotations and teachers. Skips where it is missing."""
    folder = Path(os.environ.get("KD_REALDATA", REPOSITORY.parent / "shared" / "realdata"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"real-data pack not found at {folder} (set KD_REALDATA)")
    return folder
