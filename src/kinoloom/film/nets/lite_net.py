"""LiteNet: a small network that finds motion from coarse to fine with one set of weights.

Inputs: first, second (N, 3, H, W) float32 in 0..1, H and W multiples of 32; time (N, 1, 1, 1),
that of the frame to be made, in the open interval (0, 1).
Outputs: see `Answers`.

Architecture: at each of four sizes, from 1/32 to 1/4, one encoder looks at both pictures, made
smaller until they are four times that size; what it sees is warped by the motion that is known so
far. Each pixel of one is compared with its neighbours in the other; the shift to those that are
most alike is added to the motion. One block looks at all that and at the time, and says how far
to believe the shift and how else the motion differs, on a grid twice as fine. Its answer begins at
zero: untrained the network is a block matcher. Encoder and block are the same at every size, as in
FILM: what is learned of small motion holds for large motion.

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

from kinoloom.film.nets.mixing import pixel_grid, sample

MULTIPLE = 32
"""Sides of the pictures are multiples of this."""
_SIZES = (32, 16, 8, 4)
"""At which parts of the pictures' size motion is looked for."""
_REACH = 3
"""How far pixels are compared with their neighbours at each size."""
_COMPARED = 19
"""Channels that are compared: the colours, and the first that the encoder sees."""
_GAIN = 4.0
"""Of colours beside what the encoder sees."""
_SHIFTS = (2 * _REACH + 1) ** 2
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
        self.strictness = nn.Parameter(torch.tensor(6.0))
        self.stillness = nn.Parameter(torch.tensor(1.2))
        self.answer = nn.Conv2d(size.block, 16 + 2 + size.kept, 3, 1, 1)
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
            before, after = _warped(before, after, motion, time)
            more, kept = self._moved(before, after, motion, kept, time)
            motion = 2 * _doubled(motion) + more.to(motion)
            found.append((motion, kept))
        return found

    def _seen(self, picture: Tensor) -> Tensor:
        """What the encoder sees, after the colours themselves, at a quarter of the size."""
        picture = picture - 0.5
        return torch.cat([_GAIN * functional.avg_pool2d(picture, 4), self.look(picture)], 1)

    def _moved(
        self, before: Tensor, after: Tensor, motion: Tensor, kept: Tensor, time: Tensor
    ) -> tuple[Tensor, Tensor]:
        """How the motion differs, twice as fine, and what to keep."""
        moment = (time - 0.5).expand(-1, 1, *before.shape[2:])
        apart = _apart(before[:, :_COMPARED], after[:, :_COMPARED])
        shifts = _shifts().to(time)
        unlikely = self.stillness * shifts.square().sum(0)
        match = torch.softmax(-self.strictness.exp() * apart.float() - unlikely, 1)
        shift = functional.conv2d(match, shifts)
        features = torch.cat([before, after, 4 * match, shift, motion / 8, kept, moment], 1)
        for k, layer in enumerate(self.block):
            features = layer(features) + (features if k else 0)
        answer = self.answer(features)
        believed = 2 * torch.sigmoid(answer[:, 16:18]) * shift
        fine = 4 * functional.pixel_shuffle(answer[:, :16], 2)
        return fine + 2 * _doubled(believed.repeat(1, 2, 1, 1)), answer[:, 18:]

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
