"""Fixtures of the tests of pipelines."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of reference data, for checks of conformance."""
    beside = Path(__file__).parents[3] / "shared"
    folder = Path(os.environ.get("KINOLOOM_SHARED", beside)) / "data"
    if not folder.is_dir():
        pytest.skip("needs the reference data: set KINOLOOM_SHARED to its folder")
    return folder
