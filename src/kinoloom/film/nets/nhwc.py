"""Convolution and warping for inference on a CPU: channels-last maps, processed in bands of rows.

A map is (B, H, W, C) float32. A wide map that is read only once, such as a concatenation or warped
features, is never materialised: a `RowSource` fills in the rows that a convolution needs, band by
band, in the cache.

Convolutions and warping equal those of `film_net` up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from kinoloom.film.nets.film_net import LEAKY_SLOPE, Conv
from kinoloom.film.nets.threads import run_in_threads
from kinoloom.film.nets.winograd import POINTS, TILE, Winograd, transform_filter

# Tuned by timing the layers of FILM on two cores with AVX2.
_MAX_BAND_BYTES = 12 << 20
"""Size of the transformed input and output of a band that stays in the cache."""
_MIN_BAND_TILES = 80
"""Matrix products are slow with fewer tiles per band."""
_MIN_WINOGRAD_WIDTH = 40
"""If CK/(C+K) is lower, Winograd's additions cost more than its multiplications save."""
_MIN_WINOGRAD_PX = 600
"""Smaller maps do not repay the transformation of the filter."""


@dataclass(frozen=True)
class RowSource:
    """A map whose rows are computed on demand.

    Attributes:
        shape: (B, H, W, C).
        fill: called with (out, index, top, bottom), writes rows top to bottom - 1 of one map of
            the batch into `out`, (bottom - top, W, C).
    """

    shape: tuple[int, int, int, int]
    fill: Callable[[Tensor, int, int, int], None]

    @classmethod
    def from_tensor(cls, image: Tensor) -> RowSource:
        """Read the rows of an existing map."""
        batch, height, width, channels = image.shape

        def fill(out: Tensor, index: int, top: int, bottom: int) -> None:
            out.copy_(image[index, top:bottom])

        return cls((batch, height, width, channels), fill)


@dataclass(frozen=True)
class ConvLayer:
    """The parameters of one convolution.

    Attributes:
        taps: (kernel, kernel, C, K).
        bias: (K,).
        linear: whether it has no leaky ReLU.
    """

    taps: Tensor
    bias: Tensor
    linear: bool

    @classmethod
    def from_module(cls, conv: nn.Conv2d, *, linear: bool) -> ConvLayer:
        """Copy the parameters of a torch convolution."""
        assert conv.bias is not None
        taps = conv.weight.detach().permute(2, 3, 1, 0).clone(memory_format=torch.contiguous_format)
        return cls(taps, conv.bias.detach().clone(), linear)

    def activate(self, sums: Tensor) -> Tensor:
        """Add the bias and apply the leaky ReLU, in place."""
        sums.add_(self.bias)
        return sums if self.linear else fn.leaky_relu_(sums, LEAKY_SLOPE)


def collect_layers(module: nn.Module) -> list[ConvLayer]:
    """Return all convolutions of a module of `film_net`, in order."""
    blocks = [block for block in module.modules() if isinstance(block, Conv)]
    return [ConvLayer.from_module(block.layer, linear=block.linear) for block in blocks]


def conv1x1(image: Tensor, layer: ConvLayer) -> Tensor:
    """Convolve (B, H, W, C) to (B, H, W, K)."""
    return layer.activate(image @ layer.taps[0, 0])


def conv3x3(source: RowSource, layer: ConvLayer) -> Tensor:
    """Convolve (B, H, W, C) to (B, H, W, K), zero-padded, by the fastest of three methods."""
    batch, height, width, channels = source.shape
    filters = layer.bias.shape[0]
    if channels * filters < _MIN_WINOGRAD_WIDTH * (channels + filters):
        return _conv_by_bands(source, layer, _build_direct(layer.taps))
    if batch * height * width < _MIN_WINOGRAD_PX or height % TILE or width % TILE:
        return _conv_small_map(source, layer)
    points = transform_filter(layer.taps)
    return _conv_by_bands(source, layer, lambda: Winograd(points))


def upsample_conv2x2(image: Tensor, layer: ConvLayer) -> Tensor:
    """Upsample by two (nearest), then convolve 2x2, with 9/16 of the multiplications.

    In even columns of the result both taps of a kernel's row read the same pixel of the small map,
    in odd columns two neighbours; likewise in rows. So the four phases of the result need 1, 2, 2
    and 4 taps on the small map.

    Args:
        image: (B, H, W, C).
        layer: 2x2, zero-padded below and to the right.

    Returns:
        (B, 2H, 2W, K).
    """
    batch, height, width, _ = image.shape
    padded = fn.pad(image, (0, 0, 0, 1, 0, 1))
    out = torch.empty(batch, 2 * height, 2 * width, layer.bias.shape[0])
    for row_phase, column_phase in product(range(2), range(2)):
        taps = layer.taps if row_phase else layer.taps.sum(0, keepdim=True)
        taps = taps if column_phase else taps.sum(1, keepdim=True)
        sums = _sum_shifted_products(padded, taps)
        out[:, row_phase::2, column_phase::2] = sums[:, :height, :width]
    return layer.activate(out)


def find_corners(flow: Tensor, top: int, height: int) -> tuple[Tensor, Tensor]:
    """Find the four pixels around each target of a flow, and their bilinear weights.

    Args:
        flow: (n, W, 2): rows of a flow, in pixels.
        top: index of the first of these rows.
        height: of the map, whose edge is repeated outside.

    Returns:
        (n * W, 4) int64 and float32: pixel indices in the map (H * W, C), and weights.
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


def sample(image: Tensor, corners: tuple[Tensor, Tensor]) -> Tensor:
    """Sample the map (H, W, C) at the result of `find_corners`: (points, C)."""
    pixels, weights = corners
    return fn.embedding_bag(pixels, image.flatten(0, 1), mode="sum", per_sample_weights=weights)


def concatenate_into(out: Tensor, parts: Sequence[Tensor]) -> None:
    """Concatenate maps (rows, W, Ci) or (rows * W, Ci) into `out`, (rows, W, C)."""
    start = 0
    for part in parts:
        stop = start + part.shape[-1]
        out[..., start:stop] = part.view(*out.shape[:-1], -1)
        start = stop


BandConv = Callable[[Tensor, Tensor], None]
"""Writes the convolution of a band (1, n + 2, W + 2, C) into (1, n, W, K), without the bias."""


def _build_direct(taps: Tensor) -> Callable[[], BandConv]:
    """Return a factory of `BandConv` based on torch's own convolution."""
    weight = taps.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)

    def convolve(band: Tensor, out: Tensor) -> None:
        out.copy_(fn.conv2d(band.permute(0, 3, 1, 2), weight).permute(0, 2, 3, 1))

    return lambda: convolve


def _conv_by_bands(source: RowSource, layer: ConvLayer, build: Callable[[], BandConv]) -> Tensor:
    """Convolve bands of rows on all cores, with one `BandConv` per thread."""
    batch, height, width, channels = source.shape
    filters = layer.bias.shape[0]
    out = torch.empty(batch, height, width, filters)
    step = _choose_band_rows(height, width, channels + filters)

    def start_worker() -> Callable[[tuple[int, int]], None]:
        padded = torch.zeros(1, step + 2, width + 2, channels)
        band_conv = build()

        def convolve(piece: tuple[int, int]) -> None:
            index, top = piece
            bottom = min(top + step, height)
            band = padded[:, : bottom - top + 2]
            _fill_padded(source, band[0, :, 1:-1], index, top - 1, bottom + 1)
            rows = out[index : index + 1, top:bottom]
            band_conv(band, rows)
            layer.activate(rows)

        return convolve

    run_in_threads(product(range(batch), range(0, height, step)), start_worker)
    return out


def _choose_band_rows(height: int, width: int, channels: int) -> int:
    """Return the rows per band: a multiple of `TILE`, at most half of the map."""
    tiles = max(_MAX_BAND_BYTES // (POINTS * POINTS * 4 * channels), _MIN_BAND_TILES)
    half = -(-height // (2 * TILE))
    return min(max(tiles * TILE // width, 1), half) * TILE


def _conv_small_map(source: RowSource, layer: ConvLayer) -> Tensor:
    batch, height, width, channels = source.shape
    padded = torch.zeros(batch, height + 2, width + 2, channels)
    for index in range(batch):
        source.fill(padded[index, 1:-1, 1:-1], index, 0, height)
    sums = _sum_shifted_products(padded, layer.taps)
    return layer.activate(sums[:, :height, :width].contiguous())


def _sum_shifted_products(padded: Tensor, taps: Tensor) -> Tensor:
    """Convolve by one matrix product per tap, over the flattened rows.

    Args:
        padded: (B, H, W, C).
        taps: (rows, columns, C, K).

    Returns:
        (B, H, W, K), whose last rows - 1 rows and columns - 1 columns are undefined.
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


def _fill_padded(source: RowSource, band: Tensor, index: int, top: int, bottom: int) -> None:
    """Write rows top to bottom - 1 of a map into a band, with zeros outside the map."""
    first, last = max(top, 0), min(bottom, source.shape[1])
    band[: first - top] = 0
    band[last - top :] = 0
    source.fill(band[first - top : last - top], index, first, last)
