"""Interrupted training runs resume exactly."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import toy
from torch import Tensor, nn

from kinoloom.errors import UsageError
from kinoloom.learn.checkpointing import checkpoints
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.learn.logging.writers import read_log
from kinoloom.learn.loop import train
from terminals import close_terminal_when

FULL = replace(toy.QUICK, ema=0.9, clip=1.0, schedule="cosine", warmup_steps=3, log_steps=3)
CLOCKS = ("steps_per_s", "waited", "elapsed_s")


def read_deterministic_lines(folder: Path) -> list[dict[str, Any]]:
    """Return the log without the values that depend on the clock."""
    return [{k: v for k, v in line.items() if k not in CLOCKS} for line in read_log(folder)]


def assert_bit_identical(one: Path, other: Path) -> None:
    """Assert that logs, weights and averaged weights are bit-identical."""
    assert read_deterministic_lines(one) == read_deterministic_lines(other)
    for name in ("last.safetensors", "best.safetensors"):
        first, second = read_weights(one / name)[0], read_weights(other / name)[0]
        assert all(torch.equal(first[key], second[key]) for key in first)
    first, second = (
        read_weights(folder / "checkpoints/step-000000020.pt")[0] for folder in (one, other)
    )
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without interruption."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(toy.task(FULL, net=toy.net(0.2)), FULL, folder)
    return folder


def run(folder: Path, *when: str, pids: Path | None = None) -> int:
    """Run the script and return its exit code."""
    settings = '{"ema": 0.9, "clip": 1.0, "schedule": "cosine", "warmup_steps": 3, "log_steps": 3'
    settings += ', "dropout": 0.2'
    settings += f', "loader": "processes", "loaders": 1, "pids": "{pids}"}}' if pids else "}"
    line = [sys.executable, toy.__file__, str(folder), settings, *when]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def test_run_killed_while_saving_resumes_exactly(uninterrupted: Path, tmp_path: Path) -> None:
    assert run(tmp_path, "saving", "10") == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "checkpoints").glob("[!.]*")] == ["step-000000005.pt"]
    assert list((tmp_path / "checkpoints").glob(".*"))
    train(toy.task(FULL, net=toy.net(0.2)), FULL, tmp_path)
    assert_bit_identical(tmp_path, uninterrupted)
    assert not list(tmp_path.rglob(".*"))


def test_run_killed_in_a_step_resumes_exactly_and_its_workers_exit(
    uninterrupted: Path, tmp_path: Path
) -> None:
    pids, folder = tmp_path / "pids", tmp_path / "out"
    pids.mkdir()
    assert run(folder, "step", "13", pids=pids) == -signal.SIGKILL
    workers = [int(path.name) for path in pids.iterdir()]
    assert workers
    for _ in range(100):
        if not any(is_alive(pid) for pid in workers):
            break
        time.sleep(0.1)
    assert not [pid for pid in workers if is_alive(pid)]
    reached = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert reached == ["step-000000005.pt", "step-000000010.pt"]
    train(toy.task(FULL, net=toy.net(0.2)), FULL, folder)
    assert_bit_identical(folder, uninterrupted)


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def interrupt(number: int) -> Any:
    """Return losses that raise a signal at step 7."""

    def losses(net: nn.Module, batch: Any, weights: Mapping[str, float]) -> dict[str, Tensor]:
        if batch["step"] == 7:
            signal.raise_signal(number)
        return toy.losses(net, batch, weights)

    return losses


def test_ctrl_c_saves_and_the_run_resumes_exactly(uninterrupted: Path, tmp_path: Path) -> None:
    interrupted = toy.task(FULL, net=toy.net(0.2), losses=interrupt(signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(interrupted, FULL, tmp_path)
    assert signal.getsignal(signal.SIGINT) is before
    assert (tmp_path / "checkpoints" / "step-000000008.pt").exists()
    assert not (tmp_path / "last.safetensors").exists()
    train(toy.task(FULL, net=toy.net(0.2)), FULL, tmp_path)
    assert_bit_identical(tmp_path, uninterrupted)


def test_second_ctrl_c_stops_immediately(tmp_path: Path) -> None:
    def losses(net: nn.Module, batch: Any, weights: Mapping[str, float]) -> dict[str, Tensor]:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return toy.losses(net, batch, weights)

    with pytest.raises(KeyboardInterrupt):
        train(toy.task(losses=losses), toy.QUICK, tmp_path)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_run_stopped_by_the_time_limit_resumes_exactly(uninterrupted: Path, tmp_path: Path) -> None:
    short = replace(FULL, hours=0.0)
    result = train(toy.task(short, net=toy.net(0.2), validate=None, best=""), short, tmp_path)
    assert (result.ended, result.steps) == ("hours", 1)
    assert (tmp_path / "last.safetensors").exists()
    result = train(toy.task(FULL, net=toy.net(0.2), validate=None, best=""), FULL, tmp_path)
    assert (result.ended, result.steps) == ("done", 20)
    trained = [line for line in read_deterministic_lines(uninterrupted) if line["kind"] == "train"]
    assert read_deterministic_lines(tmp_path) == trained


def test_finished_run_is_not_changed(tmp_path: Path) -> None:
    first = train(toy.task(), toy.QUICK, tmp_path)
    log = (tmp_path / "log.jsonl").read_bytes()
    assert train(toy.task(), toy.QUICK, tmp_path) == first
    assert (tmp_path / "log.jsonl").read_bytes() == log


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.02}, "other settings: learning_rate was 0.01, is 0.02"),
        ({"steps": 30}, "other settings: steps was 20, is 30"),
        ({"ema": 0.5}, "other settings: ema was 0.0, is 0.5"),
    ],
)
def test_other_settings_are_rejected(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    train(toy.task(), toy.QUICK, tmp_path)
    with pytest.raises(UsageError, match=message):
        train(toy.task(), replace(toy.QUICK, **changes), tmp_path)


def test_another_record_is_rejected(tmp_path: Path) -> None:
    train(toy.task(record={"data": "a", "size": (1, 2)}), toy.QUICK, tmp_path)
    train(toy.task(record={"data": "a", "size": (1, 2)}), toy.QUICK, tmp_path)
    with pytest.raises(UsageError, match="other record: data was 'a', is 'b'"):
        train(toy.task(record={"data": "b", "size": (1, 2)}), toy.QUICK, tmp_path)
    with pytest.raises(UsageError, match="other record: extra was 1, is None"):
        train(toy.task(record={"extra": 1}), toy.QUICK, tmp_path / "more")
        train(toy.task(), toy.QUICK, tmp_path / "more")


def test_record_of_version_0_1_is_accepted(tmp_path: Path) -> None:
    train(toy.task(record={"data": {"made scenes": 1.0}}), toy.QUICK, tmp_path)
    resumed = toy.task(record={"data": {"synthetic scenes": 1.0}})
    assert train(resumed, toy.QUICK, tmp_path).steps == 20
    with pytest.raises(UsageError, match="other record: data was"):
        train(toy.task(record={"data": {"synthetic scenes": 0.5}}), toy.QUICK, tmp_path)


def test_runtime_settings_may_change(tmp_path: Path) -> None:
    half = replace(toy.QUICK, hours=0.0)
    train(toy.task(), half, tmp_path)
    other = replace(toy.QUICK, save_steps=7, keep=1, loaders=0, log_steps=4, accumulate=2)
    assert train(toy.task(), other, tmp_path).ended == "done"
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1


def test_closed_terminal_ends_with_a_checkpoint(tmp_path: Path) -> None:
    settings = '{"steps": 1000000, "save_steps": 1000000, "loaders": 0}'
    run = [toy.__file__, str(tmp_path), settings]
    log = tmp_path / "log.jsonl"
    code = close_terminal_when(lambda: log.exists() and log.stat().st_size > 500, *run)
    assert code == -signal.SIGHUP
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()
    steps = [line["step"] for line in read_log(tmp_path) if line["kind"] == "train"]
    assert checkpoints.load(checkpoint)["step"] == steps[-1]
