"""Convolution and sampling on a CPU, for inference: channels-last maps, worked on by rows.

A map is (B, H, W, C) float32, the channels of a pixel side by side. A wide map that is read only
once, such as others side by side or their warped copies, is never made as a whole: it is a
`Rows`, which fills in the rows that a convolution asks for, band by band, in the cache.

Convolutions and warping here equal those of `film_net` but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from kinoloom.film.nets.film_net import SLOPE, Conv
from kinoloom.film.nets.threads import share
from kinoloom.film.nets.winograd import POINTS, TILE, Winograd, transform_filter

# The three figures were found by timing the layers of FILM on two cores with AVX2.
_BAND_BYTES = 12 << 20
"""What the transformed input and output of a band may take, so that they stay in the cache."""
_BAND_TILES = 80
"""Fewer tiles than this in a band make matrix products slow."""
_NARROW = 40
"""Where CK/(C+K) is below, Winograd's additions cost more than its multiplications save."""
_SMALL_PX = 600
"""Maps of fewer pixels do not repay the transformation of the filter."""


@dataclass(frozen=True)
class Rows:
    """A map that is made by bands of rows, when they are asked for.

    Attributes:
        shape: (B, H, W, C).
        fill: called with (out, number, top, bottom), writes rows top to bottom - 1 of one map of
            the batch into `out`, which is (bottom - top, W, C).
    """

    shape: tuple[int, int, int, int]
    fill: Callable[[Tensor, int, int, int], None]

    @classmethod
    def of(cls, image: Tensor) -> Rows:
        """A map that is already there."""
        batch, height, width, channels = image.shape

        def fill(out: Tensor, number: int, top: int, bottom: int) -> None:
            out.copy_(image[number, top:bottom])

        return cls((batch, height, width, channels), fill)


@dataclass(frozen=True)
class Layer:
    """The numbers of one convolution.

    Attributes:
        taps: (kernel, kernel, C, K).
        bias: (K,).
        linear: whether no leaky ReLU follows.
    """

    taps: Tensor
    bias: Tensor
    linear: bool

    @classmethod
    def of(cls, conv: nn.Conv2d, *, linear: bool) -> Layer:
        """Copy the numbers of a convolution of torch."""
        assert conv.bias is not None
        taps = conv.weight.detach().permute(2, 3, 1, 0).clone(memory_format=torch.contiguous_format)
        return cls(taps, conv.bias.detach().clone(), linear)

    def finish(self, sums: Tensor) -> Tensor:
        """Add the bias and apply the leaky ReLU, in place."""
        sums.add_(self.bias)
        return sums if self.linear else fn.leaky_relu_(sums, SLOPE)


def layers_of(module: nn.Module) -> list[Layer]:
    """All convolutions in a part of `film_net`, in order."""
    blocks = [block for block in module.modules() if isinstance(block, Conv)]
    return [Layer.of(block.layer, linear=block.linear) for block in blocks]


def conv1x1(image: Tensor, layer: Layer) -> Tensor:
    """(B, H, W, C) to (B, H, W, K)."""
    return layer.finish(image @ layer.taps[0, 0])


def conv3x3(source: Rows, layer: Layer) -> Tensor:
    """(B, H, W, C) to (B, H, W, K), zeros outside; by the quickest of three ways."""
    batch, height, width, channels = source.shape
    filters = layer.bias.shape[0]
    if channels * filters < _NARROW * (channels + filters):
        return _conv_by_bands(source, layer, _direct(layer.taps))
    if batch * height * width < _SMALL_PX or height % TILE or width % TILE:
        return _conv_of_small(source, layer)
    points = transform_filter(layer.taps)
    return _conv_by_bands(source, layer, lambda: Winograd(points))


def upsampled_conv2x2(image: Tensor, layer: Layer) -> Tensor:
    """Nearest upsampling by two, then a 2x2 convolution, at 9/16 of the multiplications.

    In even columns of the result both taps of a kernel's row meet the same pixel of the small
    map, in odd ones two neighbours; likewise in rows. So the four phases of the result need 1,
    2, 2 and 4 taps on the small map.

    Args:
        image: (B, H, W, C).
        layer: 2x2, zeros below and to the right.

    Returns:
        (B, 2H, 2W, K).
    """
    batch, height, width, _ = image.shape
    padded = fn.pad(image, (0, 0, 0, 1, 0, 1))
    out = torch.empty(batch, 2 * height, 2 * width, layer.bias.shape[0])
    for row_phase, column_phase in product(range(2), range(2)):
        taps = layer.taps if row_phase else layer.taps.sum(0, keepdim=True)
        taps = taps if column_phase else taps.sum(1, keepdim=True)
        sums = _shifted_products(padded, taps)
        out[:, row_phase::2, column_phase::2] = sums[:, :height, :width]
    return layer.finish(out)


def corners(flow: Tensor, top: int, height: int) -> tuple[Tensor, Tensor]:
    """Which four pixels of a map a flow points between, and their bilinear weights.

    Args:
        flow: (n, W, 2): rows of a flow, in pixels.
        top: the number of the first of these rows.
        height: of the map, whose edge is repeated outside.

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
    return fn.embedding_bag(pixels, image.flatten(0, 1), mode="sum", per_sample_weights=weights)


def put(out: Tensor, parts: Sequence[Tensor]) -> None:
    """Write maps (rows, W, Ci) or (rows * W, Ci) side by side into `out`, (rows, W, C)."""
    start = 0
    for part in parts:
        stop = start + part.shape[-1]
        out[..., start:stop] = part.view(*out.shape[:-1], -1)
        start = stop


Method = Callable[[Tensor, Tensor], None]
"""Writes the convolution of a band (1, n + 2, W + 2, C) into (1, n, W, K), without the bias."""


def _direct(taps: Tensor) -> Callable[[], Method]:
    """Begins a `Method` by torch's own convolution."""
    weight = taps.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)

    def convolve(band: Tensor, out: Tensor) -> None:
        out.copy_(fn.conv2d(band.permute(0, 3, 1, 2), weight).permute(0, 2, 3, 1))

    return lambda: convolve


def _conv_by_bands(source: Rows, layer: Layer, begin: Callable[[], Method]) -> Tensor:
    """Convolve bands of rows on all cores, each thread with a method of its own."""
    batch, height, width, channels = source.shape
    filters = layer.bias.shape[0]
    out = torch.empty(batch, height, width, filters)
    step = _band_rows(height, width, channels + filters)

    def begin_thread() -> Callable[[tuple[int, int]], None]:
        padded = torch.zeros(1, step + 2, width + 2, channels)
        method = begin()

        def convolve(piece: tuple[int, int]) -> None:
            number, top = piece
            bottom = min(top + step, height)
            band = padded[:, : bottom - top + 2]
            _fill_padded(source, band[0, :, 1:-1], number, top - 1, bottom + 1)
            made = out[number : number + 1, top:bottom]
            method(band, made)
            layer.finish(made)

        return convolve

    share(product(range(batch), range(0, height, step)), begin_thread)
    return out


def _band_rows(height: int, width: int, channels: int) -> int:
    """How many rows to work on at once: a multiple of `TILE`, and at most half of the map."""
    tiles = max(_BAND_BYTES // (POINTS * POINTS * 4 * channels), _BAND_TILES)
    half = -(-height // (2 * TILE))
    return min(max(tiles * TILE // width, 1), half) * TILE


def _conv_of_small(source: Rows, layer: Layer) -> Tensor:
    batch, height, width, channels = source.shape
    padded = torch.zeros(batch, height + 2, width + 2, channels)
    for number in range(batch):
        source.fill(padded[number, 1:-1, 1:-1], number, 0, height)
    return layer.finish(_shifted_products(padded, layer.taps)[:, :height, :width].contiguous())


def _shifted_products(padded: Tensor, taps: Tensor) -> Tensor:
    """Convolve by one matrix product for each tap, over all rows laid end to end.

    Args:
        padded: (B, H, W, C).
        taps: (rows, columns, C, K).

    Returns:
        (B, H, W, K), whose last rows - 1 rows and columns - 1 columns mean nothing.
    """
    batch, height, width, channels = padded.shape
    rows, columns, _, filters = taps.shape
    flat = padded.reshape(-1, channels)
    count = flat.shape[0] - (rows - 1) * width - (columns - 1)
    out = torch.empty(batch, height, width, filters)
    sums = out.view(-1, filters)[:count].zero_()
    for row, column in product(range(rows), range(columns)):
        shift = row * width + column
        sums.addmm_(flat[shift : shift + count], taps[row, column])
    return out


def _fill_padded(source: Rows, band: Tensor, number: int, top: int, bottom: int) -> None:
    """Write rows top to bottom - 1 of a map into a band, zeros where the map has none."""
    first, last = max(top, 0), min(bottom, source.shape[1])
    band[: first - top] = 0
    band[last - top :] = 0
    source.fill(band[first - top : last - top], number, first, last)
