"""3x3 convolution by Winograd's minimal filtering F(4x4, 3x3): a quarter of the multiplications.

Each 4x4 tile of the output is computed from a 6x6 tile of the input. Filter and tile are both
transformed so that the convolution becomes one product per point, summed over the channels: 36
matrix products instead of 144, at the cost of a few additions and about one decimal digit of
float32 precision.

Arrays are channels-last, (B, H, W, C).

Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016,
arXiv:1509.09308, section 4.3 (the matrices of F(4x4, 3x3)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

TILE = 4
"""Side of an output tile, in pixels."""
POINTS = TILE + 2
"""Side of an input tile."""
# G of the paper: from the 3 taps along one axis of a filter to 6 points.
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
    """Transform a filter to its 36 points.

    Args:
        taps: (3, 3, C, K).

    Returns:
        (36, C, K).
    """
    both = torch.kron(_FILTER, _FILTER)
    return (both @ taps.view(9, -1)).view(-1, *taps.shape[2:])


@dataclass
class Winograd:
    """The convolution of bands of rows with one filter.

    Attributes:
        points: the transformed filter, from `transform_filter`.
    """

    points: Tensor
    _scratch: list[Tensor] = field(default_factory=list)

    def __call__(self, band: Tensor, out: Tensor) -> None:
        """Write the convolution of a band into `out`.

        Args:
            band: (B, n + 2, W + 2, C): the rows and columns of `out` with a border of one pixel;
                n and W are multiples of `TILE`.
            out: (B, n, W, K).
        """
        batch, rows, columns = out.shape[0], out.shape[1] // TILE, out.shape[2] // TILE
        _, channels, filters = self.points.shape
        tiles = (batch, rows, columns)
        half, inputs, products, back = self._get_buffers(tiles, channels, filters)
        _transform_input(band, 1, half)
        for i in range(POINTS):
            _transform_input(half[i], 2, inputs[i])
        count = len(self.points)
        sums = products.view(count, -1, filters)
        torch.bmm(inputs.view(count, -1, channels), self.points, out=sums)
        for i in range(POINTS):
            _transform_output(products[i], back[i].unbind(0))
        tiled = out.view(batch, rows, TILE, columns, TILE, filters)
        for j in range(TILE):
            _transform_output(back[:, j], [tiled[:, :, i, :, j] for i in range(TILE)])

    def _get_buffers(
        self, tiles: tuple[int, int, int], channels: int, filters: int
    ) -> list[Tensor]:
        """Return the memory of all intermediate values, reused from band to band."""
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


def _transform_input(line: Tensor, axis: int, out: Tensor) -> None:
    """Apply the transpose of B of the paper to every 6 neighbours along an axis, in steps of 4.

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


def _transform_output(m: Tensor, out: Sequence[Tensor]) -> None:
    """Apply the transpose of A of the paper: 6 points to 4 neighbouring pixels.

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
