"""Rims: what stands outside of a field while it is convolved.

Circular rims are made here and not by torch, whose derivative of them copies a field many times:
copying the opposite side into one new image, and adding the gradient of the rim to that side, are
each other's derivative.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812  torch's own convention
from torch import Tensor

from kinoloom.errors import ArrayError

PaddingMode = Literal["zeros", "circular", "reflect", "replicate"]
Rim = tuple[int, ...]
"""For each axis of space, how many places are added on either side."""


def with_rim(images: Tensor, rim: Rim, mode: PaddingMode) -> Tensor:
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
        made: Tensor = _Wrap.apply(images, rim)  # type: ignore[no-untyped-call]
        return made
    return F.pad(images, [width for width in reversed(rim) for _ in range(2)], mode=mode)


class _Wrap(torch.autograd.Function):
    """The opposite sides around images."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, rim: Rim) -> Tensor:
        ctx.rim = rim
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

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _Unwrap.apply(gradients[0], ctx.rim), None  # type: ignore[no-untyped-call]


class _Unwrap(torch.autograd.Function):
    """The transpose of `_Wrap`: what stands in the rim is added to the side it came from."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, rim: Rim) -> Tensor:
        ctx.rim = rim
        for axis, width in reversed(list(enumerate(rim, 2))):
            size = images.shape[axis] - 2 * width
            folded = images.narrow(axis, width, size).clone(memory_format=torch.contiguous_format)
            folded.narrow(axis, size - width, width).add_(images.narrow(axis, 0, width))
            folded.narrow(axis, 0, width).add_(images.narrow(axis, size + width, width))
            images = folded
        return images

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _Wrap.apply(gradients[0], ctx.rim), None  # type: ignore[no-untyped-call]
