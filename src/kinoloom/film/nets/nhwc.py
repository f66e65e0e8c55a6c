"""Convolution and sampling on a CPU, for inference: channels-last maps, worked on by rows.

A map is (B, H, W, C) float32, the channels of a pixel side by side. A wide map that is only read
once, such as the concatenation of others or their warped copies, is never made as a whole: it is
a `Rows`, which fills in the rows that a convolution asks for, band by band, in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinoloom.film.nets.winograd import TILE, Winograd, transform_filter
from kinoloom.film.nets.workers import share

_SLOPE = 0.2
_BAND_BYTES = 12 << 20
"""What the transformed input of one band may take: more would not stay in the cache."""
_NARROW = 40
"""Below this harmonic mean of channels and filters (halved), transforms cost more than they save."""
_SMALL_PX = 1000
"""Below this many pixels, transforming the filter costs more than it saves."""

Shape = tuple[int, int, int, int]


@dataclass(frozen=True)
class Rows:
    """A map that is made by bands of rows, when they are asked for.

    Attributes:
        shape: (B, H, W, C).
        fill: called with (out, number, top, bottom), writes rows top to bottom - 1 of one map of
            the batch into `out`, which is (bottom - top, W, C).
    """

    shape: Shape
    fill: Callable[[Tensor, int, int, int], None]


@dataclass(frozen=True)
class Layer:
    """The numbers of one convolution.

    Attributes:
        taps: (kernel * kernel, C, K), row by row.
        bias: (K,).
        linear: whether no leaky ReLU of slope 0.2 follows.
    """

    taps: Tensor
    bias: Tensor
    linear: bool

    @classmethod
    def of(cls, block: nn.Module) -> Layer:
        """The numbers of a block that `film_net.conv` made."""
        assert isinstance(block, nn.Sequential)
        weight, bias = block[0].weight.detach(), block[0].bias.detach()
        taps = weight.permute(2, 3, 1, 0).flatten(0, 1).contiguous()
        return cls(taps, bias.clone(), linear=len(block) == 1)

    def finish(self, sums: Tensor) -> Tensor:
        """Add the bias and apply the leaky ReLU, in place."""
        sums.add_(self.bias)
        return sums if self.linear else F.leaky_relu_(sums, _SLOPE)


def as_rows(image: Tensor) -> Rows:
    """A whole map as `Rows`."""

    def fill(out: Tensor, number: int, top: int, bottom: int) -> None:
        out.copy_(image[number, top:bottom])

    return Rows((image.shape[0], image.shape[1], image.shape[2], image.shape[3]), fill)


def conv1x1(image: Tensor, layer: Layer) -> Tensor:
    """(B, H, W, C) to (B, H, W, K)."""
    return layer.finish(image @ layer.taps[0])


def conv3x3(source: Rows, layer: Layer) -> Tensor:
    """(B, H, W, C) to (B, H, W, K), zeros outside; by the quickest of three ways."""
    batch, height, width, channels = source.shape
    filters = layer.bias.shape[0]
    narrow = channels * filters < _NARROW * (channels + filters)
    if not narrow and (height * width < _SMALL_PX or height % TILE or width % TILE):
        return _conv_of_small(source, layer)
    out = torch.empty(batch, height, width, filters)
    if narrow:
        weight = layer.taps.unflatten(0, (3, 3)).permute(3, 2, 0, 1)
        weight = weight.contiguous(memory_format=torch.channels_last)
    else:
        weight = transform_filter(layer.taps)
    step = _band_rows(source.shape, filters)

    def begin() -> Callable[[tuple[int, int]], None]:
        padded = torch.zeros(1, step + 2, width + 2, channels)
        method = Winograd(weight) if not narrow else _Direct(weight)

        def do(piece: tuple[int, int]) -> None:
            number, top = piece
            bottom = min(top + step, height)
            band = padded[:, : bottom - top + 2]
            _fill_padded(source, band, number, top - 1, bottom + 1)
            made = out[number : number + 1, top:bottom]
            method(band, made)
            layer.finish(made)

        return do

    share(product(range(batch), range(0, height, step)), begin)
    return out


def upsampled_conv2x2(image: Tensor, layer: Layer) -> Tensor:
    """Nearest upsampling by two, then a 2x2 convolution, at 9/16 of the multiplications.

    The two taps of a kernel's row meet the same pixel of the small map in even columns, and two
    neighbours in odd ones; likewise for rows. So the four phases of the result need 1, 2, 2 and
    4 taps on the small map.

    Args:
        image: (B, H, W, C).
        layer: 2x2, zeros below and to the right.

    Returns:
        (B, 2H, 2W, K).
    """
    batch, height, width, channels = image.shape
    padded = F.pad(image, (0, 0, 0, 1, 0, 1))
    taps = layer.taps.unflatten(0, (2, 2))
    out = torch.empty(batch, 2 * height, 2 * width, layer.bias.shape[0])
    for row_phase in range(2):
        by_row = taps if row_phase else taps.sum(0, keepdim=True)
        for column_phase in range(2):
            kernel = by_row if column_phase else by_row.sum(1, keepdim=True)
            sums = _shifted_products(padded, kernel)
            out[:, row_phase::2, column_phase::2] = sums[:, :height, :width]
    return layer.finish(out)


def corners(flow: Tensor, top: int, height: int) -> tuple[Tensor, Tensor]:
    """Which four pixels of a map a flow points between, and their bilinear weights.

    Args:
        flow: (n, W, 2): rows of a flow, in pixels.
        top: the number of the first of these rows.
        height: of the map.

    Returns:
        (n * W, 4) int64 and float32: numbers of pixels in the map (H * W, C), weights.
    """
    rows, width, _ = flow.shape
    x = (torch.arange(width) + flow[..., 0]).clamp_(0, width - 1)
    y = (torch.arange(top, top + rows)[:, None] + flow[..., 1]).clamp_(0, height - 1)
    left, above = x.floor(), y.floor()
    x -= left
    y -= above
    weights = torch.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], -1)
    left, above = left.long(), above.long()
    right, below = (left + 1).clamp_(max=width - 1), (above + 1).clamp_(max=height - 1)
    above *= width
    below *= width
    pixels = torch.stack([above + left, above + right, below + left, below + right], -1)
    return pixels.view(-1, 4), weights.view(-1, 4)


def sample(image: Tensor, where: tuple[Tensor, Tensor]) -> Tensor:
    """The map (H, W, C) at the places that `corners` found: (places, C)."""
    pixels, weights = where
    return F.embedding_bag(pixels, image.flatten(0, 1), mode="sum", per_sample_weights=weights)


def put(out: Tensor, parts: Sequence[Tensor]) -> None:
    """Write maps side by side into the channels of `out`."""
    start = 0
    for part in parts:
        stop = start + part.shape[-1]
        out[..., start:stop] = part.view(*out.shape[:-1], -1)
        start = stop


@dataclass(frozen=True)
class _Direct:
    weight: Tensor

    def __call__(self, band: Tensor, out: Tensor) -> None:
        out.copy_(F.conv2d(band.permute(0, 3, 1, 2), self.weight).permute(0, 2, 3, 1))


def _band_rows(shape: Shape, filters: int) -> int:
    _, height, width, channels = shape
    columns = -(-width // TILE)
    tiles = max(_BAND_BYTES // (36 * 4 * (channels + filters)), 80)
    even = -(-height // (TILE * 2)) * TILE
    return min(max(tiles // columns, 1) * TILE, even)


def _conv_of_small(source: Rows, layer: Layer) -> Tensor:
    batch, height, width, channels = source.shape
    padded = torch.zeros(batch, height + 2, width + 2, channels)
    for number in range(batch):
        source.fill(padded[number, 1:-1, 1:-1], number, 0, height)
    kernel = layer.taps.unflatten(0, (3, 3))
    return layer.finish(_shifted_products(padded, kernel)[:, :height, :width].contiguous())


def _shifted_products(padded: Tensor, kernel: Tensor) -> Tensor:
    """Convolve by one matrix product for each tap, on the rows laid end to end.

    Args:
        padded: (B, H, W, C); what lies beyond its last row and column is not to be used.
        kernel: (rows, columns, C, K).

    Returns:
        (B, H, W, K), whose last rows - 1 and columns - 1 are not to be used.
    """
    batch, height, width, channels = padded.shape
    flat = padded.reshape(-1, channels)
    out = torch.empty(batch, height, width, kernel.shape[-1])
    rows, columns = kernel.shape[:2]
    shifts = [row * width + column for row in range(rows) for column in range(columns)]
    count = flat.shape[0] - shifts[-1]
    sums = out.view(-1, out.shape[-1])[:count]
    for number, (shift, tap) in enumerate(zip(shifts, kernel.flatten(0, 1), strict=True)):
        torch.addmm(sums, flat[shift : shift + count], tap, beta=min(number, 1), out=sums)
    return out


def _fill_padded(source: Rows, band: Tensor, number: int, top: int, bottom: int) -> None:
    """Rows top to bottom - 1 of a map into a band with a column of zeros on each side."""
    height = source.shape[1]
    first, last = max(top, 0), min(bottom, height)
    band[:, : first - top] = 0
    band[:, last - top :] = 0
    source.fill(band[0, first - top : last - top, 1:-1], number, first, last)
