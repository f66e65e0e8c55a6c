"""Team: the processes that train together, and the device of this one.

torchrun starts the processes and tells each its place through environment variables (RANK,
LOCAL_RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT), on one machine or many. Without them there is
one process, and nothing here talks to anyone.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

from kinoloom.errors import UsageError

_PATIENCE = timedelta(hours=2)  # the others wait while the first process validates


@dataclass(frozen=True)
class Team:
    """This process among those that train together.

    Attributes:
        rank: from 0 to world - 1; 0 writes the files.
        world: how many there are.
        device: where this one computes.
    """

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this one writes logs and checkpoints."""
        return self.rank == 0

    @contextmanager
    def first_ahead(self) -> Iterator[None]:
        """The first process goes through the block alone, then all others do.

        For work that leaves files, which the others then find.
        """
        if self.world > 1 and not self.first:
            dist.barrier()
        yield
        if self.world > 1 and self.first:
            dist.barrier()

    def most(self, values: Sequence[int]) -> list[int]:
        """The greatest of each value over all processes."""
        return [int(v) for v in self._reduce([float(v) for v in values], dist.ReduceOp.MAX)]

    def mean(self, values: Sequence[float]) -> list[float]:
        """The mean of each value over all processes."""
        return [value / self.world for value in self._reduce(values, dist.ReduceOp.SUM)]

    def _reduce(self, values: Sequence[float], how: dist.ReduceOp.RedOpType) -> list[float]:
        if self.world == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(tensor, how)
        found: list[float] = tensor.tolist()
        return found


def join(device: str) -> Team:
    """Join the other processes, if torchrun started several; for as long as this one lives.

    Args:
        device: "auto", "cuda", "mps" or "cpu".

    Raises:
        UsageError: this machine has no such device.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    place = pick_device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if place.type == "cuda":
        torch.cuda.set_device(place)
    if world > 1 and not dist.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if place.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=_PATIENCE)
        atexit.register(dist.destroy_process_group)
    return Team(rank, world, place)


def pick_device(device: str, local_rank: int = 0) -> torch.device:
    """The device of that name; for "auto" the first there is of cuda, mps, cpu.

    Args:
        device: "auto", "cuda", "mps" or "cpu".
        local_rank: which of a machine's GPUs.

    Raises:
        UsageError: this machine has no such device.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(name for name, is_there in there.items() if is_there)
    if not there.get(device):
        raise UsageError(
            f"There is no device '{device}' here.",
            hint=f"Use {' or '.join(name for name in there if there[name])}, or auto.",
        )
    return torch.device(device, local_rank) if device == "cuda" else torch.device(device)
