"""The process group of a training run, and the device of this process.

torchrun starts the processes and passes each its rank in environment variables (RANK, LOCAL_RANK,
WORLD_SIZE, MASTER_ADDR, MASTER_PORT), on one machine or several. Without these variables there is a
single process and no communication.
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

_TIMEOUT = timedelta(hours=2)  # the other processes wait while the first one validates


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of a training run, as seen by one of them.

    Attributes:
        rank: of this process, from 0 to `world_size` - 1.
        world_size: number of processes.
        device: the torch device of this process.
    """

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes logs and checkpoints."""
        return self.rank == 0

    @contextmanager
    def first_process_first(self) -> Iterator[None]:
        """Run the block in the first process, then in all others.

        Use it for work that creates files for the other processes.
        """
        if self.world_size > 1 and not self.is_first:
            dist.barrier()
        yield
        if self.world_size > 1 and self.is_first:
            dist.barrier()

    def wait_for_all(self) -> None:
        """Wait until all processes are here: none may close its connections while another sends."""
        if self.world_size > 1:
            dist.barrier()

    def reduce_max(self, values: Sequence[int]) -> list[int]:
        """Return the maximum of each value over all processes."""
        return [int(v) for v in self._all_reduce([float(v) for v in values], dist.ReduceOp.MAX)]

    def reduce_mean(self, values: Sequence[float]) -> list[float]:
        """Return the mean of each value over all processes."""
        return [value / self.world_size for value in self._all_reduce(values, dist.ReduceOp.SUM)]

    def _all_reduce(self, values: Sequence[float], op: dist.ReduceOp.RedOpType) -> list[float]:
        if self.world_size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(tensor, op)
        reduced: list[float] = tensor.tolist()
        return reduced


def join_process_group(device: str) -> ProcessGroup:
    """Join the processes that torchrun started, until this process exits.

    Args:
        device: "auto", "cuda", "mps" or "cpu".

    Raises:
        UsageError: the device is not available.
    """
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    own_device = pick_device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if own_device.type == "cuda":
        torch.cuda.set_device(own_device)
    if world_size > 1 and not dist.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if own_device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=_TIMEOUT)
        atexit.register(dist.destroy_process_group)
    return ProcessGroup(rank, world_size, own_device)


def pick_device(device: str, local_rank: int = 0) -> torch.device:
    """Return the named device; "auto" is the first available one of cuda, mps and cpu.

    Args:
        device: "auto", "cuda", "mps" or "cpu".
        local_rank: index of the GPU on this machine.

    Raises:
        UsageError: the device is not available.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(name for name, is_available in available.items() if is_available)
    if not available.get(device):
        raise UsageError(
            f"The device '{device}' is not available on this machine.",
            hint=f"Use {' or '.join(name for name in available if available[name])}, or auto.",
        )
    return torch.device(device, local_rank) if device == "cuda" else torch.device(device)
