"""The command as a process: exit codes, streams, colour, closed pipes and signals."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import plugin
import pytest
from plugin import environment, kinoloom

from kinoloom import __version__


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package of `plugin` for the started processes."""
    return plugin.install(tmp_path_factory.mktemp("packages") / "site")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["count", "{in}"], 0),
        (["fail", "{in}"], 1),
        (["fail", "{in}", "--how", "BudgetError"], 1),
        (["count", "{in}", "--at-most", "0"], 2),
        (["nonsense"], 2),
        (["fail", "{in}", "--how", "WeightsError"], 3),
        (["count", "{in}/absent"], 4),
    ],
)
def test_each_outcome_has_its_exit_code(
    site: Path, tmp_path: Path, words: list[str], code: int
) -> None:
    done = kinoloom(*[word.replace("{in}", str(tmp_path)) for word in words], site=site)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    if code:
        assert done.stdout == ""
        assert done.stderr


def test_json_is_the_only_standard_output(site: Path, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    done = kinoloom("count", str(tmp_path), "--json", site=site)
    assert json.loads(done.stdout)["files"] == ["a"]
    assert done.stderr == ""


@pytest.mark.parametrize(("rank", "writes"), [("0", True), ("1", False)])
def test_only_rank_0_prints_and_writes_under_torchrun(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: str, writes: bool
) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("RANK", rank)
    report = tmp_path / "report.json"
    printed = kinoloom("count", str(tmp_path), site=site)
    written = kinoloom("count", str(tmp_path), "-o", str(report), site=site)
    assert printed.returncode == written.returncode == 0
    assert bool(printed.stdout) == report.exists() == writes


def test_the_installed_command_is_the_module(site: Path) -> None:
    script = Path(sys.executable).with_name("kinoloom")
    done = subprocess.run([script, "--version"], capture_output=True, text=True)
    assert done.stdout == kinoloom("--version").stdout == f"kinoloom, version {__version__}\n"


def run_on_terminal(*words: str, env: dict[str, str]) -> str:
    """Run the command on a pseudo-terminal and return what it writes."""
    master, slave = pty.openpty()
    line = [sys.executable, "-m", "kinoloom", *words]
    with subprocess.Popen(line, stdout=slave, stderr=subprocess.PIPE, env=env) as process:
        os.close(slave)
        written = b""
        while True:
            try:
                block = os.read(master, 4096)
            except OSError:  # how a terminal reports that its other end is closed
                break
            if not block:
                break
            written += block
    os.close(master)
    assert process.returncode == 0
    return written.decode()


def test_color_is_for_terminals_and_no_color_is_honoured(site: Path) -> None:
    assert "\x1b[32mok" in run_on_terminal("doctor", env=environment(site, TERM="xterm"))
    plain = run_on_terminal("doctor", env=environment(site, TERM="xterm", NO_COLOR="1"))
    assert "ok abacus" in plain
    assert "\x1b" not in plain
    assert "\x1b" not in kinoloom("doctor", site=site).stdout


def test_closed_pipe_is_not_an_error(site: Path) -> None:
    line = [sys.executable, "-m", "kinoloom", "ops", "--json"]
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        line, stdout=write, stderr=subprocess.PIPE, env=environment(site)
    ) as process:
        os.close(write)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt_exits_with_130_and_leaves_no_output(
    site: Path, tmp_path: Path, number: signal.Signals
) -> None:
    line = [sys.executable, "-m", "kinoloom", "wait", str(tmp_path)]
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(site)
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "started\n"
        assert [p.name for p in tmp_path.glob("*/*")] == ["out.txt"]
        assert list(tmp_path.glob("out*")) == []
        process.send_signal(number)
        err = process.stderr.read()
    assert process.returncode == 130
    assert "kinoloom: Interrupted." in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_entry_point_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    site = plugin.install(tmp_path / "site", "[kinoloom.ops]\nglow = tally.no:glow\n")
    done = kinoloom("glow", site=site)
    assert done.returncode == 2
    assert "'glow' is declared as tally.no:glow, which cannot be imported" in done.stderr


def test_duplicate_op_names_are_rejected(tmp_path: Path) -> None:
    site = plugin.install(tmp_path / "site", "[kinoloom.ops]\ninterpolate = tally:count\n")
    done = kinoloom("ops", site=site)
    assert done.returncode == 2
    assert "Two packages declare the op 'interpolate'" in done.stderr
