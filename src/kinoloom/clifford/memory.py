"""Retention of freed memory in the process, which avoids page faults for every new field.

glibc's allocator returns large blocks to the system at once and requests them again for the next
operation, and the system clears every page. For fields of a few megabytes that takes longer than a
narrow convolution. However, its threshold is dynamic: once a block has been freed, the allocator
retains later blocks up to that size, and up to twice as much free memory at the top of the heap.
So layers allocate and free one block of nearly the largest size that raises the threshold (32 MB,
`DEFAULT_MMAP_THRESHOLD_MAX` of malloc.c) without writing to it. Training and benchmark processes,
which run nothing else, retain blocks of every size.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache

import numpy as np

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_MAX_THRESHOLD_BYTES = 2**31 - 1
_FIELD_BYTES = 31 << 20
_retained_bytes = 0


def retain_freed_memory() -> bool:
    """Retain freed blocks of every size in this process; its peak memory does not change.

    Returns:
        Whether the allocator supports it (glibc); otherwise nothing changes.
    """
    global _retained_bytes
    mallopt = _find_mallopt()
    thresholds = (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD)
    if mallopt is None or any(mallopt(name, _MAX_THRESHOLD_BYTES) != 1 for name in thresholds):
        return False
    _retained_bytes = _MAX_THRESHOLD_BYTES
    return True


@cache
def retain_freed_fields() -> None:
    """Retain freed blocks of up to 31 MB, at most 62 MB in total."""
    global _retained_bytes
    if _find_mallopt() is not None:
        np.empty(_FIELD_BYTES, np.uint8)
        _retained_bytes = max(_retained_bytes, _FIELD_BYTES)


def retains_freed(size_bytes: int) -> bool:
    """Return whether this process retains freed blocks of a size."""
    return size_bytes <= _retained_bytes


def _find_mallopt() -> Callable[[int, int], int] | None:
    """Return glibc's `mallopt`, or None with another C library."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "mallopt", None)
