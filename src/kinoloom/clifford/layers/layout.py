"""How a multivector field lies in a tensor, and the ways to and from other layouts.

Here: (B, C, I, *space): batch, channels, blades, then 0 to 3 axes of space. Channels and blades are
neighbours, so that a field is a plain image of C * I channels without a copy, and a group of
channels is a contiguous block. Published Clifford layers keep the blades last: (B, C, *space, I).
All of these return views.
"""

from __future__ import annotations

from torch import Tensor

from kinoloom.errors import ArrayError


def blades_first(x: Tensor) -> Tensor:
    """(B, C, *space, I) as (B, C, I, *space).

    Raises:
        ArrayError: fewer than three axes.
    """
    return _checked(x).movedim(-1, 2)


def blades_last(x: Tensor) -> Tensor:
    """(B, C, I, *space) as (B, C, *space, I).

    Raises:
        ArrayError: fewer than three axes.
    """
    return _checked(x).movedim(2, -1)


def split_channels(x: Tensor, blades: int) -> Tensor:
    """(B, C * I, *space) as (B, C, I, *space): a plain image as a field, a view."""
    return x.reshape(x.shape[0], x.shape[1] // blades, blades, *x.shape[2:])


def check_field(x: Tensor, channels: int, blades: int, space: int | None, who: str) -> None:
    """See that x is a field (B, C, I, *space) of this many channels, blades and axes of space.

    Args:
        x: the tensor.
        channels, blades: how many it must have.
        space: how many axes of space, or None for any number.
        who: the layer, for the message.

    Raises:
        ArrayError: it is not.
    """
    right = x.dim() >= 3 and x.shape[1] == channels and x.shape[2] == blades
    if right and space in (None, x.dim() - 3):
        return
    axes = "*space" if space is None else ", ".join("DHW"[3 - space :])
    expected = ", ".join(filter(None, ("B", str(channels), str(blades), axes)))
    raise ArrayError(
        f"{who} takes a field of shape ({expected}), not {tuple(x.shape)}.",
        hint="The blades are the third axis; layout.blades_first() brings them there from last.",
    )


def _checked(x: Tensor) -> Tensor:
    if x.dim() < 3:
        raise ArrayError(f"A field has batch, channels and blades, not the shape {tuple(x.shape)}.")
    return x
