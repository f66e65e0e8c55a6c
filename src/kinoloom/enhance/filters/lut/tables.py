"""Lut1D, Lut3D and ColorLut: colour lookup tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import ArrayError

Triple = tuple[float, float, float]
"""Values of red, green and blue."""

MAX_SIZE_1D, MAX_SIZE_3D = 65536, 256
"""The format's limits."""


@dataclass(frozen=True, eq=False)
class Lut1D:
    """A table for each channel; values between entries are interpolated linearly.

    Attributes:
        table: (N, 3) float32, N in 2..65536: red, green and blue of equally spaced inputs.
        low, high: inputs of the first and last entry, for red, green and blue; inputs beyond are
            clipped.

    Raises:
        ArrayError: the wrong shape or dtype, values that are not finite, or low not below high.
    """

    table: NDArray[np.float32]
    low: Triple = (0.0, 0.0, 0.0)
    high: Triple = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        shape = self.table.shape
        if len(shape) != 2 or shape[1] != 3 or not 2 <= shape[0] <= MAX_SIZE_1D:
            raise ArrayError(f"A 1-D LUT must be (2..{MAX_SIZE_1D}, 3), not {shape}.")
        _check_values(self.table, self.low, self.high)


@dataclass(frozen=True, eq=False)
class Lut3D:
    """A lattice of colours.

    Attributes:
        table: (N, N, N, 3) float32, N in 2..256, indexed by blue, green and red of the input, as
            `.cube` files are ordered; the last axis is red, green and blue of the result.
        low, high: inputs of the first and last entry along red, green and blue; inputs beyond are
            clipped.

    Raises:
        ArrayError: the wrong shape or dtype, values that are not finite, or low not below high.
    """

    table: NDArray[np.float32]
    low: Triple = (0.0, 0.0, 0.0)
    high: Triple = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        shape = self.table.shape
        if len(shape) != 4 or shape != (*shape[:1] * 3, 3) or not 2 <= shape[0] <= MAX_SIZE_3D:
            raise ArrayError(f"A 3-D LUT must be (N, N, N, 3), N in 2..{MAX_SIZE_3D}, not {shape}.")
        _check_values(self.table, self.low, self.high)

    @property
    def size(self) -> int:
        """Entries along an axis."""
        return len(self.table)

    @cached_property
    def offsets(self) -> NDArray[np.float32]:
        """(N, N, N, 3) float32: the entries minus their inputs; 0 for the identity."""
        return np.asarray(self.table - identity_lut(self.size, self.low, self.high).table)


@dataclass(frozen=True, eq=False)
class ColorLut:
    """A colour transform: tables of the channels, a lattice, or one after the other.

    Attributes:
        shaper: applied first; None for none.
        lattice: applied to its result; None for none.
        title: of the file, "" for none.

    Raises:
        ArrayError: neither a shaper nor a lattice.
    """

    shaper: Lut1D | None = None
    lattice: Lut3D | None = None
    title: str = ""

    def __post_init__(self) -> None:
        if self.shaper is None and self.lattice is None:
            raise ArrayError("A colour LUT needs a 1-D table, a 3-D table or both.")


def identity_lut(
    size: int = 33, low: Triple = (0.0, 0.0, 0.0), high: Triple = (1.0, 1.0, 1.0)
) -> Lut3D:
    """Return the lattice that changes no colour.

    Args:
        size: entries along an axis, 2..256.
        low, high: inputs of the first and last entry along each axis.

    Raises:
        ArrayError: a size out of range, or low not below high.
    """
    if not 2 <= size <= MAX_SIZE_3D:
        raise ArrayError(f"A 3-D LUT has 2..{MAX_SIZE_3D} entries along an axis, not {size}.")
    axes = [np.linspace(low[k], high[k], size, dtype=np.float32) for k in range(3)]
    blue, green, red = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    return Lut3D(np.stack([red, green, blue], axis=3), low, high)


def _check_values(table: NDArray[np.float32], low: Triple, high: Triple) -> None:
    if table.dtype != np.float32 or not np.isfinite(table).all():
        raise ArrayError(f"A LUT must have finite float32 values, not {table.dtype} values.")
    if not all(a < b and np.isfinite([a, b]).all() for a, b in zip(low, high, strict=True)):
        raise ArrayError(f"The domain of a LUT must satisfy low < high, not {low} and {high}.")
