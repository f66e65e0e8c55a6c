"""Rims: what stands outside of a field while it is convolve_reference.

Circular rims are made here and not by torch, whose derivative of them copies a field many times:
copying the opposite side into one new image, and adding what stands in the rim to that side, are
each other's transpose.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812  torch's own convention
from torch import Tensor

from kinoloom.clifford.layers.linear_map import linear_map
from kinoloom.errors import ArrayError

PaddingMode = Literal["zeros", "circular", "reflect", "replicate"]
Rim = tuple[int, ...]
"""For each axis of space, how many places are added on either side."""


def pad_field(images: Tensor, rim: Rim, mode: PaddingMode) -> Tensor:
    """Images (B, C, *space) with a rim of another kind than zeros.

    Raises:
        ArrayError: an axis is too short to be wrapped or mirrored that far.
    """
    spare = {"circular": 0, "reflect": 1}.get(mode, -math.inf)
    sizes = images.shape[2:]
    if any(size < width + spare for size, width in zip(sizes, rim, strict=True)):
        raise ArrayError(
            f"A field of {tuple(sizes)} is too small for a {mode} rim of {rim}.",
            hint="Use a larger field, less padding, or zeros.",
        )
    if mode == "circular" and not torch.compiler.is_compiling():
        return linear_map(images, partial(_wrapped, rim=rim), partial(_unwrapped, rim=rim))
    return F.pad(images, [width for width in reversed(rim) for _ in range(2)], mode=mode)


def _wrapped(images: Tensor, rim: Rim) -> Tensor:
    """The opposite sides around images."""
    sizes = images.shape[2:]
    wide = (size + 2 * width for size, width in zip(sizes, rim, strict=True))
    made = images.new_empty(*images.shape[:2], *wide)
    inside = made
    for axis, (size, width) in enumerate(zip(sizes, rim, strict=True), 2):
        inside = inside.narrow(axis, width, size)
    inside.copy_(images)
    for axis, (size, width) in enumerate(zip(sizes, rim, strict=True), 2):
        made.narrow(axis, 0, width).copy_(made.narrow(axis, size, width))
        made.narrow(axis, size + width, width).copy_(made.narrow(axis, width, width))
    return made


def _unwrapped(images: Tensor, rim: Rim) -> Tensor:
    """The transpose: what stands in the rim is added to the side it came from."""
    for axis, width in reversed(list(enumerate(rim, 2))):
        size = images.shape[axis] - 2 * width
        folded = images.narrow(axis, width, size).clone(memory_format=torch.contiguous_format)
        folded.narrow(axis, size - width, width).add_(images.narrow(axis, 0, width))
        folded.narrow(axis, 0, width).add_(images.narrow(axis, size + width, width))
        images = folded
    return images
