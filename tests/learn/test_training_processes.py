"""Several processes under torchrun match a single process."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import toy

from kinoloom.errors import OutputError, UsageError
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.learn.distributed import ProcessGroup, pick_device
from kinoloom.learn.logging.writers import read_log
from kinoloom.learn.loop import train

CLOSE = 1e-5


def torchrun(folder: Path, settings: str) -> None:
    """Run the script in two processes."""
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    line = [*run, toy.__file__, str(folder), settings]
    done = subprocess.run(line, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr


def assert_close(one: Path, other: Path, first: int = 0) -> None:
    """Assert that the losses logged from step `first` on and the weights are equal to rounding."""
    logged = [[line for line in read_log(at) if line["step"] >= first] for at in (one, other)]
    assert [line["step"] for line in logged[0]] == [line["step"] for line in logged[1]]
    for actual, expected in zip(*logged, strict=True):
        for name in {"loss", "gradient_norm", "error"} & set(actual):
            assert actual[name] == pytest.approx(expected[name], rel=CLOSE)
    actual, expected = (read_weights(folder / "last.safetensors")[0] for folder in (one, other))
    for key in actual:
        torch.testing.assert_close(actual[key], expected[key], rtol=CLOSE, atol=CLOSE)


def test_two_processes_match_one(tmp_path: Path) -> None:
    """Half batches match whole ones, also after a resume and with dropout."""
    whole_batches = replace(toy.QUICK, ema=0.9, clip=0.5)
    train(toy.task(whole_batches), whole_batches, tmp_path / "one" / "0")
    half_batches = replace(toy.QUICK, accumulate=2)
    train(toy.task(half_batches, net=toy.net(0.2)), half_batches, tmp_path / "one" / "1")
    interrupted = replace(half_batches, hours=0.0)
    train(
        toy.task(interrupted, net=toy.net(0.2), validate=None, best=""),
        interrupted,
        tmp_path / "two" / "1",
    )
    torchrun(tmp_path / "two", '[{"ema": 0.9, "clip": 0.5}, {"dropout": 0.2}]')
    assert json.loads((tmp_path / "two/0/run.json").read_text())["processes"] == 2
    assert_close(tmp_path / "two" / "0", tmp_path / "one" / "0")
    assert_close(tmp_path / "two" / "1", tmp_path / "one" / "1", first=1)


def test_first_process_runs_first(tmp_path: Path) -> None:
    script = tmp_path / "ahead.py"
    script.write_text(
        "import sys, time\n"
        "from kinoloom.learn.distributed import join_process_group\n"
        "processes = join_process_group('cpu')\n"
        "with processes.first_process_first():\n"
        "    time.sleep(0.3 * processes.is_first)\n"
        "    with open(sys.argv[1], 'a') as file:\n"
        "        file.write(f'{processes.rank} ')\n"
    )
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    order = tmp_path / "order"
    done = subprocess.run([*run, script, order], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    assert order.read_text() == "0 1 "


@pytest.mark.parametrize("parts", [2, 4, 8])
def test_gradient_accumulation_matches_the_whole_batch(parts: int, tmp_path: Path) -> None:
    train(toy.task(), toy.QUICK, tmp_path / "one")
    settings = replace(toy.QUICK, accumulate=parts)
    train(toy.task(settings), settings, tmp_path / "parts")
    assert_close(tmp_path / "parts", tmp_path / "one")


def test_indivisible_batch_is_rejected(tmp_path: Path) -> None:
    settings = replace(toy.QUICK, accumulate=3)
    with pytest.raises(
        UsageError, match="batch of 8 samples cannot be divided into 3 equal shares"
    ):
        train(toy.task(settings), settings, tmp_path)


def test_processes_with_different_checkpoints_are_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reduce_max = ProcessGroup.reduce_max

    def with_another(self: ProcessGroup, values: list[int]) -> list[int]:
        return (
            [max(v, o) for v, o in zip(values, [8, -8], strict=True)]
            if len(values) == 2
            else (reduce_max(self, values))
        )

    monkeypatch.setattr(ProcessGroup, "reduce_max", with_another)
    with pytest.raises(OutputError, match="different checkpoints, of steps 0 to 8"):
        train(toy.task(), toy.QUICK, tmp_path)


def test_auto_prefers_cuda_to_mps_to_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def set_available(cuda: bool, mps: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    set_available(True, True)
    assert pick_device("auto", 3) == torch.device("cuda", 3)
    assert pick_device("cpu", 3) == torch.device("cpu")
    set_available(False, True)
    assert pick_device("auto") == torch.device("mps")
    set_available(False, False)
    assert pick_device("auto") == torch.device("cpu")
    with pytest.raises(
        UsageError, match=r"'cuda' is not available on this machine. Use cpu, or auto"
    ):
        pick_device("cuda")
