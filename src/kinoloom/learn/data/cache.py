"""A cache of decoded arrays within a memory limit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

from numpy.typing import NDArray

CACHE_BYTES = 1 << 30
"""The usual limit."""


class ArrayCache:
    """Keeps arrays by key and drops the least recently used ones above a memory limit.

    Threads may share it. In another process it starts empty.

    Args:
        limit_bytes: maximum memory; 0 keeps nothing.

    Attributes:
        size_bytes: memory of the arrays that are kept.
    """

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._clear()

    def get(self, key: Hashable, compute: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Return the array of a key; compute it if it is not kept."""
        with self._lock:
            if key in self._arrays:
                self._arrays.move_to_end(key)
                return self._arrays[key]
        array = compute()
        with self._lock:
            if key not in self._arrays:
                self._arrays[key] = array
                self.size_bytes += array.nbytes
            while self.size_bytes > self.limit_bytes:
                self.size_bytes -= self._arrays.popitem(last=False)[1].nbytes
        return array

    def __getstate__(self) -> dict[str, object]:
        return {"limit_bytes": self.limit_bytes}

    def __setstate__(self, state: dict[str, int]) -> None:
        self.limit_bytes = state["limit_bytes"]
        self._clear()

    def _clear(self) -> None:
        self._arrays: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()
        self.size_bytes = 0
        self._lock = Lock()
