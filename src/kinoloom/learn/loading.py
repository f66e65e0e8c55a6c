"""Batches made ahead, by threads or processes, in the same order and with the same content.

A batch depends on its step and share alone, so it does not matter who makes it or when. At most
`ahead` finished batches and one for each worker in the making are held.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.connection import wait
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from kinoloom.errors import UsageError
from kinoloom.learn.settings import Settings

MakeBatch = Callable[[int, int, int], Any]


def batches(
    make: MakeBatch, steps: range, shares: range, total_shares: int, settings: Settings
) -> Generator[list[Any], None, None]:
    """Yield for each step the batches of this process's shares, in order.

    Args:
        make: (step, share, shares) -> batch.
        steps: the steps to make batches for.
        shares: those of this process.
        total_shares: of all processes.
        settings: `loaders`, `loader` and `ahead` are used.

    Raises:
        UsageError: `make` cannot be sent to other processes.
    """
    places = ((step, share, total_shares) for step in steps for share in shares)
    if settings.loaders == 0:
        made: Iterator[Any] = (make(*place) for place in places)
        yield from _by_step(made, len(steps), len(shares))
        return
    with _workers(make, settings) as (executor, call):
        waiting: deque[Future[Any]] = deque()
        try:
            made = _in_order(executor, call, places, waiting, settings.ahead + settings.loaders)
            yield from _by_step(made, len(steps), len(shares))
        finally:
            for future in waiting:
                future.cancel()


def _by_step(made: Iterator[Any], steps: int, shares: int) -> Iterator[list[Any]]:
    for _ in range(steps):
        yield [next(made) for _ in range(shares)]


def _in_order(
    executor: Executor,
    call: MakeBatch,
    places: Iterator[tuple[int, int, int]],
    waiting: deque[Future[Any]],
    most: int,
) -> Iterator[Any]:
    for place in places:
        waiting.append(executor.submit(call, *place))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _workers:  # noqa: N801  a context manager, used like a function
    """The executor that settings ask for, and what it is to be given for a call."""

    def __init__(self, make: MakeBatch, settings: Settings) -> None:
        self.call = make
        self.executor: Executor
        if settings.loader == "threads":
            self.executor = ThreadPoolExecutor(settings.loaders, "kinoloom-batches")
            return
        try:
            pickle.dumps(make)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise UsageError(
                f"The source of batches cannot be sent to other processes: {error}.",
                hint="Use --loader threads.",
            ) from error
        spawn = multiprocessing.get_context("spawn")
        self.executor = ProcessPoolExecutor(settings.loaders, spawn, _adopt, (make,))
        self.call = _make_adopted

    def __enter__(self) -> tuple[Executor, MakeBatch]:
        return self.executor, self.call

    def __exit__(self, *_: object) -> None:
        self.executor.shutdown(wait=True, cancel_futures=True)


_adopted: list[MakeBatch] = []


def _adopt(make: MakeBatch) -> None:
    """Begin as a worker process: keep the source, leave Ctrl-C to the parent, end with it."""
    _adopted[:] = [make]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _make_adopted(step: int, share: int, shares: int) -> Any:
    return _adopted[0](step, share, shares)


def to_device(batch: Any, device: torch.device) -> Any:
    """The same batch with arrays and tensors as tensors on the device; other values as they are.

    Looks into dicts, lists, tuples, named tuples and dataclasses.
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
