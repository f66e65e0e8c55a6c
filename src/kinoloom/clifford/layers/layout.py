"""Memory layout of multivector fields, and conversion from and to other layouts.

A field has the shape (B, C, I, *space): batch, channels, blades, then 0 to 3 axes of space.
Channels and blades are adjacent, so a field is a plain image of C * I channels without a copy, and
a group of channels is a contiguous block. Published Clifford layers put the blades last:
(B, C, *space, I). All functions return views.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from kinoloom.errors import ArrayError

_LOW_PRECISION = (torch.bfloat16, torch.float16)


def blades_first(x: Tensor) -> Tensor:
    """Convert (B, C, *space, I) to (B, C, I, *space).

    Raises:
        ArrayError: x has fewer than three axes.
    """
    _check_axes(x)
    return x.movedim(-1, 2)


def blades_last(x: Tensor) -> Tensor:
    """Convert (B, C, I, *space) to (B, C, *space, I).

    Raises:
        ArrayError: x has fewer than three axes.
    """
    _check_axes(x)
    return x.movedim(2, -1)


def split_channels(x: Tensor, blades: int) -> Tensor:
    """Convert a plain image (B, C * I, *space) to a field (B, C, I, *space)."""
    return x.reshape(x.shape[0], x.shape[1] // blades, blades, *x.shape[2:])


def check_field(x: Tensor, channels: int, blades: int, space: int | None, layer: str) -> None:
    """Check the shape (B, C, I, *space) of a field.

    Args:
        x: the field.
        channels, blades: expected numbers of channels and blades.
        space: expected number of axes of space; None for any.
        layer: name of the layer for the error message.

    Raises:
        ArrayError: the shape is wrong.
    """
    matches = x.dim() >= 3 and x.shape[1] == channels and x.shape[2] == blades
    if matches and space in (None, x.dim() - 3):
        return
    axes = "*space" if space is None else ", ".join("DHW"[3 - space :])
    expected = ", ".join(filter(None, ("B", str(channels), str(blades), axes)))
    raise ArrayError(
        f"The input of {layer} has shape {tuple(x.shape)}: expected ({expected}).",
        hint="Blades are on axis 2; layout.blades_first() moves them there from the last axis.",
    )


def run_in_full_precision(
    layer: nn.Module, function: Callable[[Tensor], Tensor], x: Tensor
) -> Tensor:
    """Run a layer that 16 bits are too few for: in float32 under autocast, else as it is.

    Args:
        layer: the layer.
        function: computes its output from x.
        x: input; under autocast one of 16 bits is converted to float32.

    Returns:
        The output; under autocast in float32, as torch does for its own norms and transforms.

    Raises:
        ArrayError: the layer's parameters have 16 bits, or x has outside of autocast.
    """
    is_autocast = torch.is_autocast_enabled(x.device.type)
    dtypes = [each.dtype for each in (*layer.parameters(), *(() if is_autocast else (x,)))]
    low = [dtype for dtype in dtypes if dtype in _LOW_PRECISION]
    if low:
        raise ArrayError(
            f"{type(layer).__name__} does not support {low[0]}: expected float32 or float64.",
            hint="Keep the network in float32, and run it under torch.autocast.",
        )
    if not is_autocast:
        return function(x)
    with torch.autocast(x.device.type, enabled=False):
        return function(x.float() if x.dtype in _LOW_PRECISION else x)


def _check_axes(x: Tensor) -> None:
    if x.dim() < 3:
        raise ArrayError(
            f"The field has shape {tuple(x.shape)}: expected batch, channels and blades."
        )
