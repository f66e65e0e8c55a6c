"""Checkpoints and weights: atomic, safe to read, and rejected when invalid."""

import errno
import os
import pickle
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
import toy

from kinoloom.base.outputs import sync
from kinoloom.errors import OutputError, WeightsError
from kinoloom.learn.checkpointing import checkpoints
from kinoloom.learn.checkpointing.weights import read_weights, write_weights
from kinoloom.learn.loop import train


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_pickled_code_is_not_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "step-000000001.pt", tmp_path / "trace"
    torch.save({"kinoloom_checkpoint": 1, "model": Bomb(trace)}, path)
    with pytest.raises(WeightsError, match="is damaged, or is not a checkpoint"):
        checkpoints.load(path)
    assert not trace.exists()
    with path.open("rb") as file, pytest.raises(Exception, match=r"persistent_load|load"):
        pickle.load(file)  # noqa: S301  the file is a zip, not a bare pickle


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"text"])
def test_damaged_checkpoint_is_rejected_by_name(content: bytes, tmp_path: Path) -> None:
    train(toy.task(), toy.QUICK, tmp_path)
    (tmp_path / "checkpoints" / "step-000000020.pt").write_bytes(content)
    with pytest.raises(
        WeightsError, match=r"Remove step-000000020.pt to resume from the checkpoint"
    ):
        train(toy.task(), toy.QUICK, tmp_path)
    (tmp_path / "checkpoints" / "step-000000020.pt").unlink()
    assert train(toy.task(), toy.QUICK, tmp_path).steps == 20


def test_checkpoint_of_another_version_is_rejected(tmp_path: Path) -> None:
    torch.save({"step": 3}, tmp_path / "a.pt")
    with pytest.raises(WeightsError, match="not a checkpoint of this version"):
        checkpoints.load(tmp_path / "a.pt")


def test_only_the_latest_checkpoints_are_kept(tmp_path: Path) -> None:
    for step in (5, 10, 100, 1000):
        checkpoints.save(tmp_path, {"step": step}, keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000000100.pt", "step-000001000.pt"]
    latest = checkpoints.find_latest(tmp_path)
    assert latest is not None
    assert checkpoints.load(latest)["step"] == 1000
    assert checkpoints.find_latest(tmp_path / "none") is None


def test_full_disk_keeps_older_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.save(tmp_path, {"step": 1}, keep=1)

    def full(path: Path, flags: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sync, "_flush", full)
    with pytest.raises(OutputError, match="the disk is full"):
        checkpoints.save(tmp_path, {"step": 2}, keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001.pt"]


def test_folder_that_cannot_be_created_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((OutputError, OSError), match="file"):
        train(toy.task(), toy.QUICK, tmp_path / "file" / "out")


def test_weights_and_their_information_round_trip(tmp_path: Path) -> None:
    shared = torch.arange(6.0).view(2, 3)
    tensors = {"a": shared, "tied": shared, "turned": shared.T, "half": shared.half()}
    write_weights(tmp_path / "w.safetensors", tensors, {"step": 3, "nan": float("nan")})
    found, info = read_weights(tmp_path / "w.safetensors")
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    assert found["half"].dtype == torch.float16
    assert info == {"step": 3, "nan": None}


def test_missing_or_damaged_weights_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        read_weights(tmp_path / "none.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"\x00\x01")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        read_weights(tmp_path / "cut.safetensors")


def test_weights_can_be_read_from_a_checkpoint(tmp_path: Path) -> None:
    train(toy.task(), toy.QUICK, tmp_path)
    tensors, info = read_weights(tmp_path / "checkpoints" / "step-000000020.pt")
    last = read_weights(tmp_path / "last.safetensors")[0]
    assert all(torch.equal(tensors[name], last[name]) for name in last)
    assert info["step"] == 20


@pytest.mark.parametrize("name", ["w.safetensors", "step-000000001.pt"])
def test_file_that_does_not_fit_is_an_error(tmp_path: Path, name: str) -> None:
    tensors = {"a": torch.zeros(5000)}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OutputError, match=f"{name} cannot be written: it exceeds"):
            if name.endswith(".pt"):
                checkpoints.save(tmp_path, {"step": 1, **tensors}, keep=1)
            else:
                write_weights(tmp_path / name, tensors, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
