"""Threads that share one computation, each on its own piece, each on one core.

torch splits every single operation among the cores. Where work falls into pieces that fit a
core's cache, giving each core whole pieces instead saves the meeting of all cores after every
operation, which is slow on a busy machine, and keeps each piece in its cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import TypeVar

import torch

Piece = TypeVar("Piece")


def share(pieces: Iterable[Piece], begin: Callable[[], Callable[[Piece], None]]) -> None:
    """Work on all pieces, on as many threads as torch may use, without gradients.

    Args:
        pieces: each is given to the thread that is free first.
        begin: called once in every thread; returns what is to be called with each piece, and may
            own memory that is used from piece to piece.
    """
    rest = iter(tuple(pieces))

    def work() -> None:
        with torch.inference_mode():
            do = begin()
            for piece in rest:
                do(piece)

    threads = torch.get_num_threads()
    for done in [_pool(threads).submit(work) for _ in range(threads)]:
        done.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """A pool whose threads have torch run each operation on one core.

    `torch.set_num_threads` acts on the calling thread, and is what other threads then take at
    their first operation: so each thread here has that behind it, by asking, before it sets its
    own, and the number is set back when all have done so.
    """
    all_begun = Barrier(threads + 1)

    def begin() -> None:
        torch.get_num_threads()
        torch.set_num_threads(1)
        all_begun.wait()

    pool = ThreadPoolExecutor(threads, "kinoloom-film", initializer=begin)
    for _ in range(threads):
        pool.submit(int)
    all_begun.wait()
    torch.set_num_threads(threads)
    return pool
