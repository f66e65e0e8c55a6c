"""Prefetching: a thread produces items ahead of their consumer, up to a bound.

With a `prefetch` between them decoding, computing and encoding overlap. Each holds at most `ahead`
finished items and the one in progress, so memory does not grow with the length of the work.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
_POLL_S = 0.1


def prefetch(items: Iterable[T], ahead: int = 4) -> Generator[T, None, None]:
    """Yield items in order while a thread produces the next ones.

    An error of the producer is raised here, after the items before it. When the consumer stops
    early (closes the generator), the producer is stopped and closed too.

    Args:
        items: iterated in the thread; never used by two threads at once.
        ahead: maximum number of finished items that wait, at least 1.
    """
    producer = _Producer(items, ahead)
    producer.thread.start()
    try:
        while (item := producer.waiting.get()) is not producer.end:
            yield item  # type: ignore[misc]
        if producer.error is not None:
            raise producer.error
    finally:
        producer.stop.set()
        if not sys.is_finalizing():  # when Python exits, daemon threads are frozen for good
            producer.thread.join()


class _Producer(Generic[T]):
    """The thread's side: fills `waiting`, puts `end` last, keeps an error for the consumer."""

    def __init__(self, items: Iterable[T], ahead: int) -> None:
        self.items = items
        self.waiting: queue.Queue[T | object] = queue.Queue(max(1, ahead))
        self.stop = threading.Event()
        self.end = object()
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self.run, name="kinoloom-prefetch", daemon=True)

    def run(self) -> None:
        """Make all items, then put `end`."""
        try:
            self.fill(iter(self.items))
        except BaseException as error:  # noqa: BLE001  raised again in the consumer's thread
            self.error = error
        self.put(self.end)

    def fill(self, source: Iterator[T]) -> None:
        """Put items until the source ends or the consumer stops, then close the source."""
        try:
            for item in source:
                if not self.put(item):
                    break
        finally:
            if isinstance(source, Generator):
                source.close()

    def put(self, item: T | object) -> bool:
        """Wait for space and put an item; return False once the consumer has stopped."""
        while not self.stop.is_set():
            try:
                self.waiting.put(item, timeout=_POLL_S)
                return True
            except queue.Full:
                continue
        return False
