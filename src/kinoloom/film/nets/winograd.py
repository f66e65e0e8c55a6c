"""3x3 convolution with a quarter of the multiplications: Winograd's minimal filtering F(4x4, 3x3).

Each 4x4 tile of the output is found from a 6x6 tile of the input: both filter and tile are
transformed so that the convolution becomes one product for each of 36 points, summed over the
channels: 36 matrix products in place of 144. The price is a few additions, and about one decimal
digit of float32.

Arrays are channels-last, (B, H, W, C): the channels of a pixel lie side by side.

Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016,
arXiv:1509.09308, section 4.3 (the matrices of F(4x4, 3x3)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

TILE = 4
"""Side of the tiles of the output, in pixels."""
POINTS = TILE + 2
"""Side of the tiles of the input."""
# How the 3 taps of a filter's row or column become 6 points: G of the paper.
_FILTER = torch.tensor(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)


def transform_filter(taps: Tensor) -> Tensor:
    """The filter at the 36 points.

    Args:
        taps: (3, 3, C, K).

    Returns:
        (36, C, K).
    """
    both = torch.kron(_FILTER, _FILTER)
    return (both @ taps.view(9, -1)).view(-1, *taps.shape[2:])


@dataclass
class Winograd:
    """Convolves bands of rows with one filter.

    Attributes:
        points: the filter as `transform_filter` gives it.
    """

    points: Tensor
    _scratch: list[Tensor] = field(default_factory=list)

    def __call__(self, band: Tensor, out: Tensor) -> None:
        """Write the convolution of a band into `out`.

        Args:
            band: (B, n + 2, W + 2, C): the rows and columns of `out` and one more on each side;
                n and W are multiples of `TILE`.
            out: (B, n, W, K).
        """
        batch, rows, columns = out.shape[0], out.shape[1] // TILE, out.shape[2] // TILE
        _, channels, filters = self.points.shape
        tiles = (batch, rows, columns)
        half, seen, products, back = self._buffers(tiles, channels, filters)
        _to_points(band, 1, half)
        for i in range(POINTS):
            _to_points(half[i], 2, seen[i])
        count = len(self.points)
        sums = products.view(count, -1, filters)
        torch.bmm(seen.view(count, -1, channels), self.points, out=sums)
        for i in range(POINTS):
            _from_points(products[i], back[i].unbind(0))
        tiled = out.view(batch, rows, TILE, columns, TILE, filters)
        for j in range(TILE):
            _from_points(back[:, j], [tiled[:, :, i, :, j] for i in range(TILE)])

    def _buffers(self, tiles: tuple[int, int, int], channels: int, filters: int) -> list[Tensor]:
        """Memory for all that lies between input and output, kept from band to band."""
        batch, rows, columns = tiles
        shapes = [
            (POINTS, batch, rows, TILE * columns + 2, channels),
            (POINTS, POINTS, *tiles, channels),
            (POINTS, POINTS, *tiles, filters),
            (POINTS, TILE, *tiles, filters),
        ]
        if [tuple(buffer.shape) for buffer in self._scratch] != shapes:
            self._scratch = [torch.empty(shape) for shape in shapes]
        return self._scratch


def _to_points(line: Tensor, axis: int, out: Tensor) -> None:
    """Transform every 6 neighbours along an axis, in steps of 4: the transpose of B of the paper.

    Args:
        line: its length along the axis is 4 n + 2.
        axis: of `line`.
        out: (6, ...), like `line`, but of length n along the axis.
    """
    span = line.shape[axis] - POINTS + 1
    index = (slice(None),) * axis
    d0, d1, d2, d3, d4, d5 = (line[(*index, slice(k, k + span, TILE))] for k in range(POINTS))
    even, odd = torch.sub(d4, d2, alpha=4), torch.sub(d3, d1, alpha=4)
    torch.add(even, odd, out=out[1])
    torch.sub(even, odd, out=out[2])
    torch.sub(d4, d2, out=even)
    torch.sub(d3, d1, out=odd)
    torch.add(even, odd, alpha=2, out=out[3])
    torch.sub(even, odd, alpha=2, out=out[4])
    torch.sub(d4, d2, alpha=5, out=out[0]).add_(d0, alpha=4)
    torch.sub(d5, d3, alpha=5, out=out[5]).add_(d1, alpha=4)


def _from_points(m: Tensor, out: Sequence[Tensor]) -> None:
    """Turn 6 points back into 4 neighbours: the transpose of A of the paper.

    Args:
        m: (6, ...).
        out: 4 tensors (...).
    """
    even, odd = m[1] + m[2], m[1] - m[2]
    even2, odd2 = m[3] + m[4], m[3] - m[4]
    torch.add(even, even2, out=out[0]).add_(m[0])
    torch.add(odd, odd2, alpha=2, out=out[1])
    torch.add(even, even2, alpha=4, out=out[2])
    torch.add(odd, odd2, alpha=8, out=out[3]).add_(m[5])
