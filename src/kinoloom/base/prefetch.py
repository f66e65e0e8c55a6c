"""prefetch(): let the maker of items run ahead of their user, in a thread, by a bounded number.

Decoding, computing and encoding overlap by putting a `prefetch` between them; each holds at most
`ahead` finished items and one in the making, so memory does not grow with the length of the work.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
_POLL_S = 0.1


def prefetch(items: Iterable[T], ahead: int = 4) -> Generator[T, None, None]:
    """Yield the items in order while a thread makes the next ones.

    An error in the maker is raised here, after the items made before it. When the user stops
    early (closes the generator), the maker is stopped and closed too.

    Args:
        items: what to iterate in the thread; never touched by two threads at once.
        ahead: how many finished items may wait, at least 1.
    """
    maker = _Maker(items, ahead)
    maker.thread.start()
    try:
        while (made := maker.waiting.get()) is not maker.end:
            yield made  # type: ignore[misc]
        if maker.error is not None:
            raise maker.error
    finally:
        maker.stop.set()
        maker.thread.join()


class _Maker(Generic[T]):
    """The thread's side: fills `waiting`, puts `end` last, keeps an error for the user."""

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
        except BaseException as error:  # noqa: BLE001  raised again in the user's thread
            self.error = error
        self.put(self.end)

    def fill(self, source: Iterator[T]) -> None:
        """Put items until the source ends or the user stops, then close the source."""
        try:
            for item in source:
                if not self.put(item):
                    break
        finally:
            if isinstance(source, Generator):
                source.close()

    def put(self, item: T | object) -> bool:
        """Wait for room; False once the user has stopped."""
        while not self.stop.is_set():
            try:
                self.waiting.put(item, timeout=_POLL_S)
                return True
            except queue.Full:
                continue
        return False
