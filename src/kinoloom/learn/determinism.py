"""The same bits each time: torch's switches for deterministic algorithms."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def same_bits(*, wanted: bool) -> Iterator[None]:
    """Prefer deterministic algorithms for the length of the block; warn where there are none."""
    filling: Any = torch.utils.deterministic
    was_on = torch.are_deterministic_algorithms_enabled()
    was_warning = torch.is_deterministic_algorithms_warn_only_enabled()
    was_filling = filling.fill_uninitialized_memory
    was_measuring = torch.backends.cudnn.benchmark
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
    torch.use_deterministic_algorithms(wanted, warn_only=True)
    filling.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = not wanted
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(was_on, warn_only=was_warning)
        filling.fill_uninitialized_memory = was_filling
        torch.backends.cudnn.benchmark = was_measuring
