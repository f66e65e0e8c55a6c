"""Filter and Context: the contract of all filters, and `apply`, which runs a chain of them.

A filter is a frozen dataclass of options. Called with a picture and a context, it returns a new
picture of the same shape, or the same object if it changes nothing. Between filters a picture is
(H, W, 3) float32 RGB in 0..1, gamma-encoded. A chain is a tuple of filters, in order.

What a filter needs to know about a whole photo or clip (noise, JPEG quality, white balance, grain)
is in the context. Measured once per clip, it keeps a video free of flicker; where it is missing, a
filter uses the picture itself or a moderate value, as its own documentation says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinoloom.base.arrays import Picture, check_picture, from_float, to_float
from kinoloom.base.options import option, options_of
from kinoloom.enhance.filters.channels import Colors
from kinoloom.enhance.filters.grain_model import GrainModel
from kinoloom.errors import UsageError

TILE_STEP_PX = 16
"""Tiles begin at multiples of this, so that reduced planes and grids of blocks agree."""
_MIN_BITS, _MAX_BITS = 8, 16


@dataclass(frozen=True)
class Context:
    """What is known about a picture beyond its pixels.

    Attributes:
        frame: number of the picture in its clip; grain differs between frames.
        seed: of all random patterns, at least 0.
        origin: (row, column) of the picture's first pixel in the whole picture, for tiles: block
            grids and random patterns continue from tile to tile.
        bits: bits per sample of the result, 8..16; the amplitude of dither depends on it. None if
            the result is not rounded.
        noise: standard deviation of the noise, in 0..1; 0 if unknown.
        jpeg_quality: quality of the compression, 1..100; None if unknown.
        gains: white balance: (red, green, blue), each above 0; None to estimate it.
        grain: the grain to put back; None if it was not measured.

    Raises:
        UsageError: a value outside its range.
    """

    frame: int = 0
    seed: int = 0
    origin: tuple[int, int] = (0, 0)
    bits: int | None = 8
    noise: float = 0.0
    jpeg_quality: int | None = None
    gains: tuple[float, float, float] | None = None
    grain: GrainModel | None = None

    def __post_init__(self) -> None:
        _check_range("frame", self.frame, 0, None)
        _check_range("seed", self.seed, 0, None)
        for position in self.origin:
            _check_range("origin", position, 0, None)
        _check_range("noise", self.noise, 0, 1)
        if self.bits is not None:
            _check_range("bits", self.bits, _MIN_BITS, _MAX_BITS)
        if self.jpeg_quality is not None:
            _check_range("jpeg_quality", self.jpeg_quality, 1, 100)
        if self.gains is not None and not all(0 < gain < float("inf") for gain in self.gains):
            raise UsageError(f"White balance gains must be above 0, not {self.gains}.")


@dataclass(frozen=True)
class Filter(ABC):
    """A picture in, a picture out; subclasses declare their options with `option()`.

    Attributes:
        strength: 0 returns the picture unchanged, 1 applies the filter fully.

    Raises:
        UsageError: an option has the wrong type or is out of range.
    """

    strength: float = option(1.0, "Strength; 0 changes nothing", low=0, high=1)

    def __post_init__(self) -> None:
        for declared in options_of(type(self)):
            try:
                declared.parse(getattr(self, declared.name))
            except UsageError as error:
                name = type(self).__name__
                raise UsageError(f"Filter {name}: {error.message}", hint=error.hint) from error

    def __call__(self, picture: Colors, context: Context | None = None) -> Colors:
        """Return the filtered picture.

        Args:
            picture: (H, W, 3) float32 RGB in 0..1; it is not modified.
            context: what is known about it; None for nothing.

        Returns:
            (H, W, 3) float32 in 0..1; `picture` itself if nothing changes.

        Raises:
            UsageError: the context lacks what this filter needs.
        """
        if self.strength == 0:
            return picture
        result = self._filter(picture, context or Context())
        return result if result is picture else np.clip(result, 0.0, 1.0, out=result)

    @property
    @abstractmethod
    def reach_px(self) -> int | None:
        """Distance beyond which other pixels have no influence; None if all of them have.

        A tile that begins at a multiple of `TILE_STEP_PX` and has a margin of at least this gives
        the same pixels as the whole picture, up to rounding of float32.
        """

    @abstractmethod
    def _filter(self, picture: Colors, context: Context) -> Colors:
        """Return the filtered picture, not necessarily in 0..1, or `picture` itself."""


def apply(picture: Picture, filters: Sequence[Filter], context: Context | None = None) -> Picture:
    """Run a picture through a chain of filters.

    Args:
        picture: (H, W, 3) or (H, W, 4), uint8, uint16 (full range, also for 10-bit video) or
            float32 in 0..1; see `base.arrays`. Alpha does not change.
        filters: the chain, in order.
        context: what is known about the picture; `bits` is that of the final file. None for
            the bits of the dtype and nothing else.

    Returns:
        A picture of the same shape and dtype; `picture` itself if no filter changes it.

    Raises:
        ArrayError: not a picture.
        UsageError: the context lacks what a filter needs.
    """
    check_picture(picture)
    if context is None:
        context = Context(bits={"uint8": 8, "uint16": 16}.get(picture.dtype.name))
    active = [one for one in filters if one.strength > 0]
    if not active:
        return picture
    source = to_float(np.ascontiguousarray(picture[..., :3]))
    colors = source
    for one in active:
        colors = one(colors, context)
    if colors is source:
        return picture
    result = from_float(colors, picture.dtype)
    return result if picture.shape[2] == 3 else np.concatenate([result, picture[..., 3:]], axis=2)


def _check_range(name: str, value: float, low: float, high: float | None) -> None:
    if not (value >= low and (high is None or value <= high)):
        allowed = f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        raise UsageError(f"The context's {name} must be {allowed}, not {value}.")
