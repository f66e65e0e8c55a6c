"""Contact sheets of images, logged during training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def draw_contact_sheet(rows: Sequence[Sequence[Tensor]]) -> NDArray[np.uint8]:
    """Join rows of images of one size, (3, H, W) in 0..1, to one image (H, W, 3)."""
    sheet = torch.cat([torch.cat(list(row), 2) for row in rows], 1)
    levels = (sheet.float().clamp(0, 1) * 255).round().byte()
    return np.asarray(levels.permute(1, 2, 0).cpu().numpy(), np.uint8)
