"""Frames of one pair, rendered in parallel.

What depends only on the pair is shared; each frame is rendered by one thread. OpenCV, numpy and
ONNX Runtime release the interpreter lock, and none keeps both cores busy alone. The frames are
bit-identical to those of one thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from kinoloom.base.machine import cores

T = TypeVar("T")

_MAX_WORKERS = 2
"""Each worker holds the samples of one frame."""
_MAX_PARALLEL_PIXELS = 9_000_000
"""Larger frames are rendered one by one, to save memory; OpenCV divides their work itself."""


def render_in_order(
    render: Callable[[float], T], times: Sequence[float], pixels: int
) -> Iterator[T]:
    """Render frames at several times; yield them in order.

    Args:
        render: renders one frame; called from several threads.
        times: of the frames.
        pixels: size of a frame.
    """
    workers = min(_MAX_WORKERS, cores(), len(times)) if pixels <= _MAX_PARALLEL_PIXELS else 1
    if workers < 2:
        yield from map(render, times)
        return
    remaining = iter(times)
    with ThreadPoolExecutor(workers, thread_name_prefix="kinoloom-frame") as pool:
        pending: deque[Future[T]] = deque(
            pool.submit(render, time) for time in islice(remaining, workers)
        )
        try:
            while pending:
                frame = pending.popleft().result()
                pending.extend(pool.submit(render, time) for time in islice(remaining, 1))
                yield frame
        finally:
            for future in pending:
                future.cancel()
