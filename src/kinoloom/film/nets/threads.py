"""Threads that share one computation, one per core, each on its own pieces.

torch splits every single operation among the cores. Where work divides into pieces that fit in a
core's cache, giving whole pieces to each core avoids a synchronisation after every operation,
which is slow on a busy machine, and keeps each piece in its cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import TypeVar

import torch

Piece = TypeVar("Piece")


def run_in_threads(
    pieces: Iterable[Piece], start_worker: Callable[[], Callable[[Piece], None]]
) -> None:
    """Process all pieces without gradients, on as many threads as torch may use.

    Args:
        pieces: each goes to the first free thread.
        start_worker: called once in every thread; returns the function that processes a piece,
            which may own memory that is reused for the next piece.
    """
    remaining = iter(tuple(pieces))

    def work() -> None:
        with torch.inference_mode():
            process = start_worker()
            for piece in remaining:
                process(piece)

    threads = torch.get_num_threads()
    for done in [_get_pool(threads).submit(work) for _ in range(threads)]:
        done.result()


@cache
def _get_pool(threads: int) -> ThreadPoolExecutor:
    """Return a pool whose threads run each torch operation on one core.

    `torch.set_num_threads` acts on the calling thread, and new threads inherit the last value at
    their first operation. So each thread of the pool triggers that inheritance before it sets its
    own value, and the caller's value is restored once all have started.
    """
    all_started = Barrier(threads + 1)

    def start() -> None:
        torch.get_num_threads()
        torch.set_num_threads(1)
        all_started.wait()

    pool = ThreadPoolExecutor(threads, "kinoloom-film", initializer=start)
    for _ in range(threads):
        pool.submit(int)
    all_started.wait()
    torch.set_num_threads(threads)
    return pool
