"""Fixtures that every folder of tests may use."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Take Ctrl-C where a shell started the suite in the background, deaf to it.

    What ignores a signal hands that on to its children, and several tests interrupt theirs.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture
def one_core() -> Iterator[None]:
    """torch works on one core: narrow networks gain nothing from more, and lose when it is busy."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
