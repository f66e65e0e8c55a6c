"""Contact sheets of training samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from kinoloom.enhance.train.samples.crops import Floats
from kinoloom.learn.logging.contact_sheet import draw_contact_sheet

_ENLARGED = 2
"""Each pixel of the ground truth becomes a square of this side."""


def draw_batch(batch: Mapping[str, Floats]) -> NDArray[np.uint8]:
    """Draw the samples of a batch of reductions or of noise: inputs above, truth below."""
    inputs, truths = ("low", "high") if "low" in batch else ("noisy", "clean")
    side = batch[truths].shape[2] * _ENLARGED
    rows = [[_enlarge(sample, side) for sample in batch[name]] for name in (inputs, truths)]
    return draw_contact_sheet(rows)


def _enlarge(planes: Floats, side: int) -> Tensor:
    colours = torch.from_numpy(planes).expand(3, -1, -1)[None]
    return functional.interpolate(colours, size=(side, side), mode="nearest")[0]
