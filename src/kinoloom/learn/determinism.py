"""Deterministic algorithms of torch, for bitwise reproducible training."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def use_deterministic_algorithms(*, enabled: bool) -> Iterator[None]:
    """Prefer deterministic algorithms inside the block, and restore torch's flags after it.

    An operation without a deterministic implementation warns and runs anyway.

    Args:
        enabled: False prefers fast algorithms, and lets cuDNN benchmark its convolutions.
    """
    flags: Any = torch.utils.deterministic
    previous_enabled = torch.are_deterministic_algorithms_enabled()
    previous_warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    previous_fill = flags.fill_uninitialized_memory
    previous_benchmark = torch.backends.cudnn.benchmark
    if enabled:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # required by cuBLAS
    torch.use_deterministic_algorithms(enabled, warn_only=True)
    flags.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = not enabled
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(previous_enabled, warn_only=previous_warn_only)
        flags.fill_uninitialized_memory = previous_fill
        torch.backends.cudnn.benchmark = previous_benchmark
