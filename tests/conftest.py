"""Fixtures that every folder of tests may use."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a worker for each core: more threads only wait for each other. numpy and torch read
    # these when they are loaded, and so do the processes that tests start.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

PACKAGES = {
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "cc": "gcc libc6-dev",
    "chromium": "chromium",
    "exiftool": "libimage-exiftool-perl",
    "ffmpeg": "ffmpeg",
    "npm": "nodejs npm",
    "qemu-system-arm": "qemu-system-arm",
}
"""Optional commands of the system, each with the Debian packages that install it.

A test that runs one is marked `@pytest.mark.system_package(COMMAND, ...)`.
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one worker, in order, so that they share its fixtures.

    A file may split itself further with `xdist_group` marks of its own.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose system packages are absent, with the command that installs them."""
    marks = item.iter_markers("system_package")
    wanted = dict.fromkeys(command for mark in marks for command in mark.args)
    absent = [command for command in wanted if not is_installed(command)]
    if absent:
        packages = " ".join(PACKAGES[command] for command in absent)
        pytest.skip(f"needs {', '.join(absent)}: apt-get install {packages}")


def is_installed(command: str) -> bool:
    """Whether a command is on PATH; for cc, the compiler that CC names."""
    name = os.environ.get("CC", command) if command == "cc" else command
    return shutil.which(name) is not None


def pytest_configure() -> None:
    """Take Ctrl-C and SIGHUP where a shell or nohup started the suite deaf to them.

    What ignores a signal hands that on to its children, and several tests interrupt theirs.
    """
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(autouse=sys.platform == "linux")
def _ordinary_priority() -> Iterator[None]:
    """Fail a test that leaves the suite, and all it starts from then on, at real-time priority."""
    yield
    policy = os.sched_getscheduler(0)
    if policy in (os.SCHED_FIFO, os.SCHED_RR):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        pytest.fail("An encoder was opened without keep_scheduling().")


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
