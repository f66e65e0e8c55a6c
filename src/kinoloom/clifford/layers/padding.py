"""Padding of fields before a convolution.

Circular padding is implemented here because torch's derivative of it copies a field many times.
Copying the opposite sides into one new image, and adding the padding back to those sides, are each
other's transpose.
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
Widths = tuple[int, ...]
"""Cells added on either side, for each axis of space."""


def pad_images(images: Tensor, widths: Widths, mode: PaddingMode) -> Tensor:
    """Pad images (B, C, *space) in a mode other than zeros.

    Raises:
        ArrayError: an axis is too short to be wrapped or reflected that far.
    """
    margin = {"circular": 0, "reflect": 1}.get(mode, -math.inf)
    sizes = images.shape[2:]
    if any(size < width + margin for size, width in zip(sizes, widths, strict=True)):
        raise ArrayError(
            f"A field of size {tuple(sizes)} is too small for {mode} padding of {widths}.",
            hint="Use a larger field, less padding, or padding_mode='zeros'.",
        )
    if mode == "circular" and not torch.compiler.is_compiling():
        return linear_map(images, partial(_wrap, widths=widths), partial(_unwrap, widths=widths))
    return F.pad(images, [width for width in reversed(widths) for _ in range(2)], mode=mode)


def _wrap(images: Tensor, widths: Widths) -> Tensor:
    """Pad images with their opposite sides."""
    sizes = images.shape[2:]
    padded_sizes = (size + 2 * width for size, width in zip(sizes, widths, strict=True))
    padded = images.new_empty(*images.shape[:2], *padded_sizes)
    inside = padded
    for axis, (size, width) in enumerate(zip(sizes, widths, strict=True), 2):
        inside = inside.narrow(axis, width, size)
    inside.copy_(images)
    for axis, (size, width) in enumerate(zip(sizes, widths, strict=True), 2):
        padded.narrow(axis, 0, width).copy_(padded.narrow(axis, size, width))
        padded.narrow(axis, size + width, width).copy_(padded.narrow(axis, width, width))
    return padded


def _unwrap(images: Tensor, widths: Widths) -> Tensor:
    """Apply the transpose of `_wrap`: add the padding to the sides that it was copied from."""
    for axis, width in reversed(list(enumerate(widths, 2))):
        size = images.shape[axis] - 2 * width
        folded = images.narrow(axis, width, size).clone(memory_format=torch.contiguous_format)
        folded.narrow(axis, size - width, width).add_(images.narrow(axis, 0, width))
        folded.narrow(axis, 0, width).add_(images.narrow(axis, size + width, width))
        images = folded
    return images
