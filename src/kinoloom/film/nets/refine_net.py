"""The refining network: it looks at several guesses of the motion and judges them.

One encoder looks at each guess, whatever their number is in a picture's grid cell; a small U-Net
looks at all of them together, down to a quarter of the grid; one head judges each guess from
both. The answers begin at zero, so that the untrained network leaves the guesses as they are.

In and out as `film.synthesis.refine` says.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.film.synthesis.refine import ANSWERS, PLANES

_SLOPE = 0.1
_FIRST_ERROR = -3.5
"""Logarithm of the error that is expected before anything was learned."""


@dataclass(frozen=True)
class RefineSize:
    """How large the network is.

    Attributes:
        guesses: how many there are.
        each: channels for each guess.
        fine, half, quarter: channels at the size of the grid, at half and at a quarter of it.
        depth: convolutions at a quarter.
    """

    guesses: int = 5
    each: int = 16
    fine: int = 24
    half: int = 48
    quarter: int = 72
    depth: int = 3


class RefineNet(nn.Module):
    """See the head of this module."""

    def __init__(self, size: RefineSize) -> None:
        super().__init__()
        self.size = size
        together = size.guesses * size.each
        self.look = _steps(_conv(PLANES, size.each))
        self.keep = _steps(_conv(together, size.fine, 1))
        self.down2 = _steps(_conv(together, size.half, stride=2), _conv(size.half, size.half))
        self.down4 = _steps(
            _conv(size.half, size.quarter, stride=2),
            *(_conv(size.quarter, size.quarter) for _ in range(size.depth - 1)),
        )
        self.up2 = _steps(_conv(size.half + size.quarter, size.half))
        self.up1 = _steps(_conv(size.half + size.fine, size.fine))
        self.judge = _steps(_conv(size.fine + size.each, size.each, 1))
        self.answer = _zero(_conv(size.each, ANSWERS))
        self.judged = _zero(_conv(size.each, 2))
        self.light = _zero(_conv(size.fine, 3))
        self.error = _zero(_conv(size.fine, 1))

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What it says of the guesses.

        Args:
            seen: (n, guesses, PLANES, h, w), sides multiples of 4.

        Returns:
            (n, guesses, ANSWERS, h, w); light (n, 3, h, w); error of the mix (n, 1, h, w), a
            logarithm; squared errors of the samples (n, guesses, 2, h, w), logarithms, which
            only training asks for.
        """
        n, guesses, _, height, width = seen.shape
        each = self.look(seen.flatten(0, 1))
        together = each.reshape(n, -1, height, width)
        half = self.down2(together)
        coarse = self.up2(torch.cat([_doubled(self.down4(half)), half], 1))
        fine = self.up1(torch.cat([_doubled(coarse), self.keep(together)], 1))
        shared = fine.repeat_interleave(guesses, 0) if n > 1 else fine.expand(guesses, -1, -1, -1)
        judged = self.judge(torch.cat([shared, each], 1))
        return (
            self.answer(judged).reshape(n, guesses, ANSWERS, height, width),
            self.light(fine),
            self.error(fine) + _FIRST_ERROR,
            self.judged(judged).reshape(n, guesses, 2, height, width) + 2 * _FIRST_ERROR,
        )


def _steps(*convolutions: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(*(_activated(convolution) for convolution in convolutions))


def _activated(convolution: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.LeakyReLU(_SLOPE))


def _conv(channels: int, out: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    made = nn.Conv2d(channels, out, kernel, stride, kernel // 2)
    nn.init.kaiming_normal_(made.weight, _SLOPE)
    nn.init.zeros_(made.bias)  # type: ignore[arg-type]  # there is a bias
    return made


def _zero(convolution: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(convolution.weight)
    return convolution


def _doubled(field: Tensor) -> Tensor:
    return functional.interpolate(field, scale_factor=2, mode="bilinear", align_corners=False)
