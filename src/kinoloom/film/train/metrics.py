"""What networks are scored by while they are trained."""

from __future__ import annotations

import torch
from torch import Tensor


def psnr_db(made: Tensor, truth: Tensor) -> float:
    """The ratio of signal to noise of a picture in 0..1, clipped to that; at most 100 dB."""
    error = (made.clamp(0, 1) - truth).square().mean().clamp_min(1e-10)
    return float(-10 * torch.log10(error))
