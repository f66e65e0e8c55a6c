"""LiteNet: a small network that estimates motion from coarse to fine with one set of weights.

Inputs: first, second (N, 3, H, W) float32 in 0..1, H and W multiples of 32; time (N, 1, 1, 1),
that of the new frame, in the open interval (0, 1).
Outputs: see `LiteOutput`.

Architecture: at each of four scales, from 1/32 to 1/4, one encoder sees both images reduced to
four times that scale. Its features are warped by the current motion. A cost volume compares each
pixel of one image with its neighbours in the other, by colours and gradients; the expected shift
under it is added to the motion. One block sees all features and the time. It predicts the
confidence in that shift, a residual motion, and weights for convex upsampling to a grid twice as
fine. Its output starts at zero: the untrained network is a block matcher. Encoder and block are
shared by all scales, as in FILM, so what is learned from small motion applies to large motion.

At half size a last stage sees the warped images in 2x2 blocks, and predicts for each pixel the
occlusion mask and a colour residual.

Motion is the whole displacement from first to second, once according to each image: the content
at p in the frame at t is at p - t * motion in the first image and at p + (1 - t) * motion in the
second. So the motion of an object at constant speed is the same at every time.

Submodules have the names of the shipped weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.film.nets.blending import pixel_grid, sample

SIZE_MULTIPLE = 32
"""Height and width are multiples of this."""
_STRIDES = (32, 16, 8, 4)
"""Reduction of the grid at each scale."""
_RADIUS = 3
"""Radius of the cost volume at each scale, in pixels."""
_COLOUR_GAIN = 4.0
"""Weight of colours and gradients next to the encoder's features."""
_SHIFTS = (2 * _RADIUS + 1) ** 2
_SUBPIXELS = 4
"""Pixels of the finer grid per pixel."""
_NEIGHBOURS = 9
"""Pixels from which a finer one is interpolated."""
_INITIAL_SPREAD = 0.005
"""Initial weight of each neighbour, in addition to bilinear interpolation."""
_LEAKY_SLOPE = 0.1
_RESIDUAL_SCALE = 0.1
"""Unit of the colour residual, in full scale."""


@dataclass(frozen=True)
class LiteSize:
    """The size of the network.

    Attributes:
        encoder: channels of the encoder.
        block: channels of the block.
        state: channels that one scale passes to the next.
        head: channels of the last stage.
        depth: number of convolutions of the block before its output.
    """

    encoder: int = 32
    block: int = 64
    state: int = 16
    head: int = 32
    depth: int = 4


class LiteOutput(NamedTuple):
    """The output of the network.

    Attributes:
        motion: (N, 4, H/2, W/2) in pixels of that grid: the whole motion from first to second,
            according to the first image (x, y) and to the second (x, y).
        mask: (N, 1, H, W), the weight of the first image, a logit.
        residual: (N, 3, H, W), added to the colours, in full scale.
    """

    motion: Tensor
    mask: Tensor
    residual: Tensor


class LiteNet(nn.Module):
    """LiteNet; see the module docstring."""

    def __init__(self, size: LiteSize | None = None) -> None:
        super().__init__()
        self.size = size = size or LiteSize()
        half = size.encoder // 2
        self.look = nn.Sequential(
            _conv(3, half, 2), _conv(half, size.encoder, 2), _conv(size.encoder, size.encoder)
        )
        inputs = 2 * (size.encoder + 3) + _SHIFTS + 2 + size.state + 5
        widths = [inputs] + [size.block] * size.depth
        self.block = nn.ModuleList(_conv(*pair) for pair in pairwise(widths))
        self.strictness = nn.Parameter(torch.tensor(5.2))
        self.stillness = nn.Parameter(torch.tensor(1.2))
        self.output_widths = (4, 2, _SUBPIXELS * _NEIGHBOURS, size.state)
        self.answer = nn.Conv2d(size.block, sum(self.output_widths), 3, 1, 1)
        self.last = _conv(2 * 12 + size.state + 5, size.head)
        self.paint = nn.Conv2d(size.head, 16, 3, 1, 1)
        for head in (self.answer, self.paint):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]  # there is a bias

    def forward(self, first: Tensor, second: Tensor, time: Tensor) -> LiteOutput:
        """Return motion, mask and residual of the frame at a time."""
        motion, state = self.estimate_motion(first, second, time)[-1]
        return self.render_frame(first, second, time, motion, state)[0]

    def estimate_motion(
        self, first: Tensor, second: Tensor, time: Tensor
    ) -> list[tuple[Tensor, Tensor]]:
        """Return motion (N, 4, 2h, 2w) and state (N, state, h, w) of each scale."""
        pyramids = [_build_pyramid(image) for image in (first, second)]
        motion = state = None
        results = []
        for one, other in zip(*pyramids, strict=True):
            before, after = self._encode(one), self._encode(other)
            if motion is None or state is None:
                count, _, *sides = before.shape
                motion = time.new_zeros(1).expand(count, 4, *sides)
                state = motion[:, :1].expand(-1, self.size.state, -1, -1)
            else:
                state = _upsample(state)
            gradients = _compute_gradients(one), _compute_gradients(other)
            match = self._match(*gradients, motion.detach(), time)
            before, after = _warp_both(before, after, motion, time)
            motion, state = self._update(before, after, match, motion, state, time)
            results.append((motion, state))
        return results

    def _encode(self, image: Tensor) -> Tensor:
        """Return colours and encoder features at a quarter of the size."""
        image = image - 0.5
        return torch.cat([_COLOUR_GAIN * functional.avg_pool2d(image, 4), self.look(image)], 1)

    def _match(self, before: Tensor, after: Tensor, motion: Tensor, time: Tensor) -> Tensor:
        """Return the probability of each shift after warping, (N, _SHIFTS, h, w).

        Gradients reach only strictness and stillness, not the motion.
        """
        costs = _compute_cost_volume(*_warp_both(before, after, motion, time)).float()
        prior = self.stillness * _list_shifts().to(time).square().sum(0)
        return torch.softmax(-self.strictness.exp() * costs - prior, 1)

    def _update(
        self,
        before: Tensor,
        after: Tensor,
        match: Tensor,
        motion: Tensor,
        state: Tensor,
        time: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the motion on a grid twice as fine, and the new state."""
        time_plane = (time - 0.5).expand(-1, 1, *before.shape[2:])
        shift = functional.conv2d(match, _list_shifts().to(time))
        features = torch.cat([before, after, 4 * match, shift, motion / 8, state, time_plane], 1)
        for k, layer in enumerate(self.block):
            features = layer(features) + (features if k else 0)
        residual, confidence, weights, state = self.answer(features).split(self.output_widths, 1)
        trusted_shift = 2 * torch.sigmoid(confidence.to(motion)) * shift.to(motion)
        motion = motion + trusted_shift.repeat(1, 2, 1, 1) + 2 * residual.to(motion)
        return _upsample_motion(motion, weights.to(motion)), state

    def render_frame(
        self, first: Tensor, second: Tensor, time: Tensor, motion: Tensor, state: Tensor
    ) -> tuple[LiteOutput, Tensor]:
        """Return the output, and the frame (N, 3, H, W) blended from it.

        Args:
            first, second, time: the inputs of the network.
            motion, state: of the finest scale.
        """
        full_size = 2 * _upsample(motion)
        before, after = _warp_both(first, second, full_size, time)
        blocks = [functional.pixel_unshuffle(image - 0.5, 2) for image in (before, after)]
        time_plane = (time - 0.5).expand(-1, 1, *motion.shape[2:])
        features = self.last(torch.cat([*blocks, _upsample(state), motion / 16, time_plane], 1))
        planes = functional.pixel_shuffle(self.paint(features), 2).to(motion)
        mask = 4 * planes[:, :1] + torch.log((1 - time) / time)
        residual = _RESIDUAL_SCALE * planes[:, 1:]
        share = torch.sigmoid(mask)
        frame = share * before + (1 - share) * after + residual
        return LiteOutput(motion, mask, residual), frame


def _warp_both(
    first: Tensor, second: Tensor, motion: Tensor, time: Tensor
) -> tuple[Tensor, Tensor]:
    """Warp both images to the time."""
    here = pixel_grid(*first.shape[2:]).to(time)
    before = here - (time * motion[:, :2]).permute(0, 2, 3, 1)
    after = here + ((1 - time) * motion[:, 2:]).permute(0, 2, 3, 1)
    return sample(first, before), sample(second, after)


def _compute_gradients(image: Tensor) -> Tensor:
    """Return colours and rectified horizontal and vertical gradients at a quarter of the size.

    (N, 15, h, w). Rising and falling gradients within a pixel do not cancel, so detail finer than
    the grid remains visible.
    """
    height, width = (side // 2 for side in image.shape[2:])
    around = functional.pad(functional.avg_pool2d(image, 2), [1] * 4, "replicate")
    horizontal = around[:, :, 1:-1, 2:] - around[:, :, 1:-1, :width]
    vertical = around[:, :, 2:, 1:-1] - around[:, :, :height, 1:-1]
    gradients = torch.cat([horizontal, vertical], 1)
    parts = torch.cat([around[:, :, 1:-1, 1:-1], gradients.relu(), (-gradients).relu()], 1)
    return _COLOUR_GAIN * functional.avg_pool2d(parts, 2)


def _upsample_motion(motion: Tensor, weights: Tensor) -> Tensor:
    """Upsample motion by two; each finer pixel is a convex combination of nine neighbours.

    Args:
        motion: (N, 4, h, w).
        weights: (N, 4 * 9, h, w), of the nine neighbours for each finer pixel, logits; zeros give
            nearly bilinear interpolation.
    """
    count, channels, height, width = motion.shape
    logits = weights.view(count, _NEIGHBOURS, _SUBPIXELS, height, width)
    shares = torch.softmax(logits + _build_bilinear_logits().to(motion), 1)
    padded = functional.pad(motion, [1] * 4, "replicate")
    mixed = sum(
        shares[:, None, 3 * y + x] * padded[:, :, None, y : y + height, x : x + width]
        for y in range(3)
        for x in range(3)
    )
    assert isinstance(mixed, Tensor)
    planes = mixed.view(count, channels * _SUBPIXELS, height, width)
    return 2 * functional.pixel_shuffle(planes, 2)


def _build_bilinear_logits() -> Tensor:
    """Return the logits of nearly bilinear upsampling by two, (9, 4, 1, 1)."""
    near = torch.tensor([[1, 3, 0], [0, 3, 1]]) / 4
    shares = torch.einsum("ay,bx->yxab", near, near).reshape(_NEIGHBOURS, _SUBPIXELS, 1, 1)
    return torch.log(shares + _INITIAL_SPREAD)


def _compute_cost_volume(before: Tensor, after: Tensor) -> Tensor:
    """Return the cost of each shift, (N, _SHIFTS, h, w).

    The cost is the mean absolute difference, averaged over 5x5 pixels.
    """
    height, width = before.shape[2:]
    padded = functional.pad(after, [_RADIUS] * 4, "replicate")
    costs = [
        (before - padded[:, :, y : y + height, x : x + width]).abs().mean(1, keepdim=True)
        for y in range(2 * _RADIUS + 1)
        for x in range(2 * _RADIUS + 1)
    ]
    return functional.avg_pool2d(torch.cat(costs, 1), 5, 1, 2, count_include_pad=False)


def _list_shifts() -> Tensor:
    """Return all shifts (x, y) as the kernel of a 1x1 convolution, (2, _SHIFTS, 1, 1)."""
    steps = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float32)
    shifts = torch.stack([steps.repeat(len(steps)), steps.repeat_interleave(len(steps))])
    return shifts[..., None, None]


def _build_pyramid(image: Tensor) -> list[Tensor]:
    """Return the image at four times each scale, coarsest first."""
    pyramid = [image]
    for _ in _STRIDES[1:]:
        pyramid.append(functional.avg_pool2d(pyramid[-1], 2))
    return pyramid[::-1]


def _upsample(field: Tensor) -> Tensor:
    return functional.interpolate(field, scale_factor=2, mode="bilinear", align_corners=False)


def _conv(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out, 3, stride, 1)
    nn.init.kaiming_normal_(convolution.weight, _LEAKY_SLOPE)
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]  # there is a bias
    return nn.Sequential(convolution, nn.LeakyReLU(_LEAKY_SLOPE))
