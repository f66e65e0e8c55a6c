"""LiteNet: a small network that finds motion from coarse to fine with one set of weights.

Inputs: first, second (N, 3, H, W) float32 in 0..1, H and W multiples of 32; time (N, 1, 1, 1),
that of the frame to be made, in the open interval (0, 1).
Outputs: see `Answers`.

Architecture: at each of four sizes, from 1/32 to 1/4, one encoder looks at both pictures, made
smaller until they are four times that size; what it sees is warped by the motion that is known so
far. Each pixel of one is compared with its neighbours in the other, by colours and their slopes;
the shift to those that are most alike is added to the motion. One block looks at all that and at
the time, and says how far to believe the shift, how else the motion differs, and how the pixels of
a grid twice as fine are mixed of those around. Its answer begins at zero: untrained the network is
a block matcher. Encoder and block are the same at every size, as in FILM: what is learned of small
motion holds for large motion.

At half the pictures' size a last stage looks at the pictures themselves, warped, four pixels at a
time, and says which of both to believe and what light is missing, for each pixel.

Motion is told as the whole way from first to second, once going by each picture: what is at p in
the frame at t is at p - t * motion in the first and at p + (1 - t) * motion in the second. So the
motion of a thing that moves evenly is the same at every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.film.nets.blending import pixel_grid, sample

MULTIPLE = 32
"""Sides of the pictures are multiples of this."""
_SIZES = (32, 16, 8, 4)
"""At which parts of the pictures' size motion is looked for."""
_REACH = 3
"""How far pixels are compared with their neighbours at each size."""
_GAIN = 4.0
"""Of colours and slopes beside what the encoder sees."""
_SHIFTS = (2 * _REACH + 1) ** 2
_PARTS = 4
"""Finer pixels in one."""
_AROUND = 9
"""Pixels that a finer one is mixed of."""
_SPREAD = 0.005
"""Share of each of these to begin with, beside that of bilinear interpolation."""
_SLOPE = 0.1
_LIGHT = 0.1
"""Unit of the missing light, in whole brightness."""


@dataclass(frozen=True)
class LiteSize:
    """How large the network is.

    Attributes:
        seen: channels of the encoder.
        block: channels of the block.
        kept: channels that a size hands to the next.
        last: channels of the last stage.
        depth: convolutions of the block before its answer.
    """

    seen: int = 32
    block: int = 64
    kept: int = 16
    last: int = 32
    depth: int = 4


class Answers(NamedTuple):
    """What the network says.

    Attributes:
        motion: (N, 4, H/2, W/2) in pixels of that grid: the whole way from first to second, going
            by the first picture (x, y) and by the second (x, y).
        mask: (N, 1, H, W), the share of the first picture, a logit.
        light: (N, 3, H, W), what is added, in whole brightness.
    """

    motion: Tensor
    mask: Tensor
    light: Tensor


class LiteNet(nn.Module):
    """See the head of this module."""

    def __init__(self, size: LiteSize | None = None) -> None:
        super().__init__()
        self.size = size = size or LiteSize()
        half = size.seen // 2
        self.look = nn.Sequential(
            _conv(3, half, 2), _conv(half, size.seen, 2), _conv(size.seen, size.seen)
        )
        wide = [2 * (size.seen + 3) + _SHIFTS + 2 + size.kept + 5] + [size.block] * size.depth
        self.block = nn.ModuleList(_conv(*each) for each in pairwise(wide))
        self.strictness = nn.Parameter(torch.tensor(5.2))
        self.stillness = nn.Parameter(torch.tensor(1.2))
        self.said = (4, 2, _PARTS * _AROUND, size.kept)
        self.answer = nn.Conv2d(size.block, sum(self.said), 3, 1, 1)
        self.last = _conv(2 * 12 + size.kept + 5, size.last)
        self.paint = nn.Conv2d(size.last, 16, 3, 1, 1)
        for head in (self.answer, self.paint):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]  # there is a bias

    def forward(self, first: Tensor, second: Tensor, time: Tensor) -> Answers:
        """What it says of the frame at a time."""
        motion, kept = self.motions(first, second, time)[-1]
        return self.painted(first, second, time, motion, kept)[0]

    def motions(self, first: Tensor, second: Tensor, time: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Motion and what is kept, (N, 4, 2h, 2w) and (N, kept, h, w), at each size."""
        pyramids = [_pyramid(picture) for picture in (first, second)]
        motion = kept = None
        found = []
        for one, other in zip(*pyramids, strict=True):
            before, after = self._seen(one), self._seen(other)
            if motion is None or kept is None:
                count, _, *sides = before.shape
                motion = time.new_zeros(1).expand(count, 4, *sides)
                kept = motion[:, :1].expand(-1, self.size.kept, -1, -1)
            else:
                kept = _doubled(kept)
            match = self._match(_slopes(one), _slopes(other), motion.detach(), time)
            before, after = _warped(before, after, motion, time)
            motion, kept = self._moved(before, after, match, motion, kept, time)
            found.append((motion, kept))
        return found

    def _seen(self, picture: Tensor) -> Tensor:
        """The colours and what the encoder sees, at a quarter of the size."""
        picture = picture - 0.5
        return torch.cat([_GAIN * functional.avg_pool2d(picture, 4), self.look(picture)], 1)

    def _match(self, before: Tensor, after: Tensor, motion: Tensor, time: Tensor) -> Tensor:
        """How likely each shift is, (N, _SHIFTS, h, w), of what is warped by the motion.

        It teaches no motion: errors reach strictness and stillness alone.
        """
        apart = _apart(*_warped(before, after, motion, time)).float()
        unlikely = self.stillness * _shifts().to(time).square().sum(0)
        return torch.softmax(-self.strictness.exp() * apart - unlikely, 1)

    def _moved(
        self,
        before: Tensor,
        after: Tensor,
        match: Tensor,
        motion: Tensor,
        kept: Tensor,
        time: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """The motion, twice as fine, and what to keep."""
        moment = (time - 0.5).expand(-1, 1, *before.shape[2:])
        shift = functional.conv2d(match, _shifts().to(time))
        features = torch.cat([before, after, 4 * match, shift, motion / 8, kept, moment], 1)
        for k, layer in enumerate(self.block):
            features = layer(features) + (features if k else 0)
        more, belief, shares, kept = self.answer(features).split(self.said, 1)
        believed = 2 * torch.sigmoid(belief.to(motion)) * shift.to(motion)
        motion = motion + believed.repeat(1, 2, 1, 1) + 2 * more.to(motion)
        return _finer(motion, shares.to(motion)), kept

    def painted(
        self, first: Tensor, second: Tensor, time: Tensor, motion: Tensor, kept: Tensor
    ) -> tuple[Answers, Tensor]:
        """The answers, and the frame (N, 3, H, W) that they make.

        Args:
            first, second, time: as they were given to the network.
            motion, kept: of the finest size.
        """
        fine = 2 * _doubled(motion)
        before, after = _warped(first, second, fine, time)
        seen = [functional.pixel_unshuffle(picture - 0.5, 2) for picture in (before, after)]
        moment = (time - 0.5).expand(-1, 1, *motion.shape[2:])
        features = self.last(torch.cat([*seen, _doubled(kept), motion / 16, moment], 1))
        said = functional.pixel_shuffle(self.paint(features), 2).to(motion)
        mask, light = 4 * said[:, :1] + torch.log((1 - time) / time), _LIGHT * said[:, 1:]
        share = torch.sigmoid(mask)
        return Answers(motion, mask, light), share * before + (1 - share) * after + light


def _warped(first: Tensor, second: Tensor, motion: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Both as they are seen at the time."""
    here = pixel_grid(*first.shape[2:]).to(time)
    before = here - (time * motion[:, :2]).permute(0, 2, 3, 1)
    after = here + ((1 - time) * motion[:, 2:]).permute(0, 2, 3, 1)
    return sample(first, before), sample(second, after)


def _slopes(picture: Tensor) -> Tensor:
    """The colours, and how far each rises and falls, across and down, at a quarter of the size.

    (N, 15, h, w). Falls and rises within a pixel do not cancel out, so detail finer than it shows.
    """
    height, width = (side // 2 for side in picture.shape[2:])
    around = functional.pad(functional.avg_pool2d(picture, 2), [1] * 4, "replicate")
    across = around[:, :, 1:-1, 2:] - around[:, :, 1:-1, :width]
    down = around[:, :, 2:, 1:-1] - around[:, :, :height, 1:-1]
    slopes = torch.cat([across, down], 1)
    parts = torch.cat([around[:, :, 1:-1, 1:-1], slopes.relu(), (-slopes).relu()], 1)
    return _GAIN * functional.avg_pool2d(parts, 2)


def _finer(motion: Tensor, shares: Tensor) -> Tensor:
    """Motion on a grid twice as fine, each pixel a mix of the nine around it.

    Args:
        motion: (N, 4, h, w).
        shares: (N, 4 * 9, h, w), of the nine for each finer pixel, logits; with zeros the mix is
            nearly bilinear.
    """
    count, channels, height, width = motion.shape
    logits = shares.view(count, _AROUND, _PARTS, height, width) + _bilinear().to(motion)
    weights = torch.softmax(logits, 1)
    padded = functional.pad(motion, [1] * 4, "replicate")
    mixed = sum(
        weights[:, None, 3 * y + x] * padded[:, :, None, y : y + height, x : x + width]
        for y in range(3)
        for x in range(3)
    )
    assert isinstance(mixed, Tensor)
    return 2 * functional.pixel_shuffle(mixed.view(count, channels * _PARTS, height, width), 2)


def _bilinear() -> Tensor:
    """Logits of the shares that make a grid twice as fine, nearly bilinear, (9, 4, 1, 1)."""
    near = torch.tensor([[1, 3, 0], [0, 3, 1]]) / 4
    shares = torch.einsum("ay,bx->yxab", near, near).reshape(_AROUND, _PARTS, 1, 1)
    return torch.log(shares + _SPREAD)


def _apart(before: Tensor, after: Tensor) -> Tensor:
    """How far each pixel of one is from its neighbours in the other, (N, _SHIFTS, h, w).

    Mean absolute differences, averaged over 5x5 pixels.
    """
    height, width = before.shape[2:]
    padded = functional.pad(after, [_REACH] * 4, "replicate")
    found = [
        (before - padded[:, :, y : y + height, x : x + width]).abs().mean(1, keepdim=True)
        for y in range(2 * _REACH + 1)
        for x in range(2 * _REACH + 1)
    ]
    return functional.avg_pool2d(torch.cat(found, 1), 5, 1, 2, count_include_pad=False)


def _shifts() -> Tensor:
    """The kernel that takes shares of shifts to the mean shift (x, y), (2, _SHIFTS, 1, 1)."""
    steps = torch.arange(-_REACH, _REACH + 1, dtype=torch.float32)
    return torch.stack([steps.repeat(len(steps)), steps.repeat_interleave(len(steps))])[
        ..., None, None
    ]


def _pyramid(picture: Tensor) -> list[Tensor]:
    """The picture at four times each of the sizes, the coarsest first."""
    found = [picture]
    for _ in _SIZES[1:]:
        found.append(functional.avg_pool2d(found[-1], 2))
    return found[::-1]


def _doubled(field: Tensor) -> Tensor:
    return functional.interpolate(field, scale_factor=2, mode="bilinear", align_corners=False)


def _conv(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    made = nn.Conv2d(channels, out, 3, stride, 1)
    nn.init.kaiming_normal_(made.weight, _SLOPE)
    nn.init.zeros_(made.bias)  # type: ignore[arg-type]  # there is a bias
    return nn.Sequential(made, nn.LeakyReLU(_SLOPE))
