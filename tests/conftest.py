"""Fixtures that every folder of tests may use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of conformance cases that do not live in the repository.

    It is the one that KINOLOOM_SHARED names, else `shared` beside the repository; tests that
    need it are skipped where there is none.
    """
    beside = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get("KINOLOOM_SHARED", beside)) / "data"
    if not folder.is_dir():
        pytest.skip("no conformance data: set KINOLOOM_SHARED to the folder that holds data/")
    return folder
