"""Fixtures for the tests of training."""

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _narrow(one_core: None) -> Iterator[None]:
    """Run on one core: all networks here are tiny."""
    yield


@pytest.fixture
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights on this machine; returns the empty folder of user-supplied ones."""

    def find_none(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(metadata, "distribution", find_none)
    monkeypatch.setenv("KINOLOOM_WEIGHTS", str(folder))
    monkeypatch.setenv("KINOLOOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *_, **__: str(tmp_path / "home"))
    return folder
