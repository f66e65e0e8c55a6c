"""Sheets of pictures to look at while a network is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def sheet(rows: Sequence[Sequence[Tensor]]) -> NDArray[np.uint8]:
    """Rows of pictures of one size, (3, H, W) in 0..1 each, as one picture (H, W, 3)."""
    whole = torch.cat([torch.cat(list(row), 2) for row in rows], 1)
    shown = (whole.float().clamp(0, 1) * 255).round().byte()
    return np.asarray(shown.permute(1, 2, 0).cpu().numpy(), np.uint8)
