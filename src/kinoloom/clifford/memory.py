"""Memory that is freed stays with the process, so that the next field need not be paged in anew.

The allocator of glibc gives large blocks back to the system at once and gets them again at the next
operation; the system then clears every page. For fields of a few megabytes that takes as long as a
narrow convolution of them. Trainings and benchmarks of this subject ask it not to.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_LARGE_BYTES = 2**31 - 1
_kept = False


def keep_freed_memory() -> bool:
    """Let freed blocks of any size be used again by this process; its peak memory stays as it is.

    Returns:
        Whether the allocator is one that can be told so (glibc); if not, nothing is changed.
    """
    global _kept
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    _kept = all(mallopt(name, _LARGE_BYTES) == 1 for name in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))
    return _kept


def freed_memory_is_kept() -> bool:
    """Whether `keep_freed_memory` was called in this process, with success."""
    return _kept
