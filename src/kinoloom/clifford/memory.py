"""Memory that is freed stays with the process, so that the next field need not be paged in anew.

The allocator of glibc gives large blocks back to the system at once and gets them again at the next
operation; the system then clears every page. For fields of a few megabytes that takes longer than a
narrow convolution of them. But it learns: once a block has been freed, it keeps others up to that
size, and some of what lies free, up to twice as much. So layers show it a block that is as large as
it will learn from (32 MB, `DEFAULT_MMAP_THRESHOLD_MAX` of malloc.c), which they never write to.
Trainings and benchmarks of this subject, whose process is their own, tell it to keep all.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache

import numpy as np

_TRIM, _MMAP = -1, -3  # of malloc.h
_ALL_BYTES = 2**31 - 1
_SOME_BYTES = 31 << 20
_kept_bytes = 0


def keep_freed_memory() -> bool:
    """Let freed blocks of any size be used again by this process; its peak memory stays as it is.

    Returns:
        Whether the allocator is one that can be told so (glibc); if not, nothing is changed.
    """
    global _kept_bytes
    tell = _mallopt()
    if tell is None or any(tell(name, _ALL_BYTES) != 1 for name in (_TRIM, _MMAP)):
        return False
    _kept_bytes = _ALL_BYTES
    return True


@cache
def keep_freed_fields() -> None:
    """Let freed blocks of up to 31 MB be used again; the process holds at most 62 MB for that."""
    global _kept_bytes
    if _mallopt() is not None:
        np.empty(_SOME_BYTES, np.uint8)
        _kept_bytes = max(_kept_bytes, _SOME_BYTES)


def freed_memory_is_kept(size_bytes: int) -> bool:
    """Whether freed blocks of a size stay with this process."""
    return size_bytes <= _kept_bytes


def _mallopt() -> Callable[[int, int], int] | None:
    """What sets options of glibc's allocator, where that is the one."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "mallopt", None)
