"""Prefetched batches, built by threads or processes in a fixed order.

A batch depends on its step and its share alone, so every worker builds the same one. At most
`ahead` finished batches and one unfinished batch per worker are held in memory.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import pickle
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.connection import wait
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from kinoloom.base.signals import ignore_terminal_signals
from kinoloom.errors import UsageError
from kinoloom.learn.settings import Settings

BuildBatch = Callable[[int, int, int], Any]
"""(step, share, shares) -> batch; see `task.Task.batch`."""


def iterate_batches(
    build: BuildBatch, steps: range, shares: range, total_shares: int, settings: Settings
) -> Generator[list[Any], None, None]:
    """Yield for each step the list of batches of this process's shares, in order.

    Args:
        build: (step, share, shares) -> batch.
        steps: the steps, in order.
        shares: the shares of this process.
        total_shares: number of shares over all processes.
        settings: uses `loaders`, `loader` and `ahead`.

    Raises:
        UsageError: `build` cannot be pickled, and the workers are processes.
    """
    requests = ((step, share, total_shares) for step in steps for share in shares)
    if settings.loaders == 0:
        batches: Iterator[Any] = (build(*request) for request in requests)
        yield from _group_by_step(batches, len(steps), len(shares))
        return
    with _WorkerPool(build, settings) as (executor, call):
        pending: deque[Future[Any]] = deque()
        try:
            limit = settings.ahead + settings.loaders
            batches = _prefetch(executor, call, requests, pending, limit)
            yield from _group_by_step(batches, len(steps), len(shares))
        finally:
            for future in pending:
                future.cancel()


def _group_by_step(batches: Iterator[Any], steps: int, shares: int) -> Iterator[list[Any]]:
    for _ in range(steps):
        yield [next(batches) for _ in range(shares)]


def _prefetch(
    executor: Executor,
    call: BuildBatch,
    requests: Iterator[tuple[int, int, int]],
    pending: deque[Future[Any]],
    limit: int,
) -> Iterator[Any]:
    """Yield the results in order, with at most `limit` submitted and not yet yielded."""
    for request in requests:
        pending.append(executor.submit(call, *request))
        if len(pending) >= limit:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


class _WorkerPool:
    """The executor that the settings select, and the function to submit to it."""

    def __init__(self, build: BuildBatch, settings: Settings) -> None:
        self.call = build
        self.executor: Executor
        if settings.loader == "threads":
            self.executor = ThreadPoolExecutor(settings.loaders, "kinoloom-batches")
            return
        try:
            pickle.dumps(build)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise UsageError(
                f"The batch function cannot be pickled for worker processes: {error}.",
                hint="Use --loader threads.",
            ) from error
        spawn = multiprocessing.get_context("spawn")
        self.executor = ProcessPoolExecutor(settings.loaders, spawn, _start_worker, (build,))
        self.call = _build_in_worker

    def __enter__(self) -> tuple[Executor, BuildBatch]:
        return self.executor, self.call

    def __exit__(self, *_: object) -> None:
        self.executor.shutdown(wait=True, cancel_futures=True)


_worker_build: list[BuildBatch] = []


def _start_worker(build: BuildBatch) -> None:
    """Initialise a worker process, which ignores the terminal and exits when its parent does."""
    _worker_build[:] = [build]
    ignore_terminal_signals()
    torch.set_num_threads(1)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _build_in_worker(step: int, share: int, shares: int) -> Any:
    return _worker_build[0](step, share, shares)


def to_device(batch: Any, device: torch.device) -> Any:
    """Return the batch with its arrays and tensors on the device; other values are unchanged.

    Traverses dicts, lists, tuples, named tuples and dataclasses.
    """
    if isinstance(batch, np.ndarray):
        batch = torch.from_numpy(batch)
    if isinstance(batch, Tensor):
        if device.type == "cuda":
            return batch.pin_memory().to(device, non_blocking=True)
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {name: to_device(item, device) for name, item in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return cast(Any, type(batch))(*(to_device(item, device) for item in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(to_device(item, device) for item in batch)
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        names = [field.name for field in dataclasses.fields(batch)]
        moved = {name: to_device(getattr(batch, name), device) for name in names}
        return dataclasses.replace(batch, **moved)
    return batch
