"""The objective of all networks for enhancement: L1, then L2.

L2 is what PSNR measures; L1 first converges to a better minimum (Zhao et al., "Loss Functions for
Image Restoration with Neural Networks", IEEE TCI 3(1), 2017).
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from kinoloom.learn.losses.photometric import at_least_float32
from kinoloom.learn.schedules import Piecewise

_L2_FRACTION = 0.2
"""The last part of a run, which minimises L2."""


def build_loss_weights(steps: int) -> dict[str, Piecewise]:
    """Return the weights of the terms "l1" and "l2" over a run of some steps."""
    last_l1_step = round(steps * (1 - _L2_FRACTION)) - 1
    return {
        "l1": Piecewise((last_l1_step,), (1.0, 0.0)),
        "l2": Piecewise((last_l1_step,), (0.0, 1.0)),
    }


def compute_terms(result: Tensor, truth: Tensor, weights: Mapping[str, float]) -> dict[str, Tensor]:
    """Return the terms that have a weight, means over the batch."""
    difference = at_least_float32(result) - at_least_float32(truth)
    terms = {"l1": difference.abs().mean, "l2": difference.square().mean}
    return {name: terms[name]() for name in weights}
