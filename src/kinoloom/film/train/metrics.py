"""Metrics on which networks are validated during training."""

from __future__ import annotations

import torch
from torch import Tensor


def compute_psnr_db(frame: Tensor, truth: Tensor) -> float:
    """Return the PSNR of a frame, clipped to 0..1, against the truth; at most 100 dB."""
    error = (frame.clamp(0, 1) - truth).square().mean().clamp_min(1e-10)
    return float(-10 * torch.log10(error))
