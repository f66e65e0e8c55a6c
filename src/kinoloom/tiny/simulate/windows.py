"""Index arithmetic of convolution and pooling windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kinoloom.tiny.ir.program import Array, Geometry


@dataclass(frozen=True)
class Tap:
    """One position in the window, and the output and input rows and columns that it connects."""

    ky: int
    kx: int
    out_rows: slice
    out_columns: slice
    in_rows: slice
    in_columns: slice


@lru_cache(maxsize=1024)
def taps(g: Geometry) -> tuple[Tap, ...]:
    """Return the taps of a window in row-major order, without those that reach no input."""
    return tuple(_taps(g))


def _taps(g: Geometry) -> Iterator[Tap]:
    for ky in range(g.kh):
        rows = _valid_range(ky * g.dy - g.py, g.sy, g.ih, g.oh)
        for kx in range(g.kw):
            columns = _valid_range(kx * g.dx - g.px, g.sx, g.iw, g.ow)
            if rows is not None and columns is not None:
                yield Tap(ky, kx, rows[0], columns[0], rows[1], columns[1])


def _valid_range(left: int, stride: int, inputs: int, outputs: int) -> tuple[slice, slice] | None:
    """Return the outputs o with 0 <= o * stride + left < inputs, and their inputs."""
    first = max(0, -(left // stride))
    last = min(outputs, (inputs - 1 - left) // stride + 1)
    if first >= last:
        return None
    start = first * stride + left
    return slice(first, last), slice(start, start + (last - first - 1) * stride + 1, stride)


def extract_patches(x: Array, g: Geometry) -> Array:
    """Extract zero-padded windows (cin, kh * kw, oh, ow) of an array (cin, ih, iw)."""
    out = np.zeros((g.cin, g.kh * g.kw, g.oh, g.ow), x.dtype)
    for tap in taps(g):
        out[:, tap.ky * g.kw + tap.kx, tap.out_rows, tap.out_columns] = x[
            :, tap.in_rows, tap.in_columns
        ]
    return out
