"""The refinement network: it predicts corrections of motion candidates.

Architecture: one encoder sees each candidate; a small U-Net down to a quarter of the grid sees all
of them together; one head predicts the corrections of each candidate from both. All heads start at
zero, so the untrained network leaves the candidates unchanged.

Inputs and outputs are described in `film.synthesis.refine`. Submodules and ONNX tensors have the
names of the shipped weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.film.synthesis.refine import INPUT_PLANES, OUTPUT_PLANES

_LEAKY_SLOPE = 0.1
_INITIAL_LOG_ERROR = -3.5
"""The logarithm of the error that the untrained network predicts."""


@dataclass(frozen=True)
class RefineSize:
    """The size of the network.

    Attributes:
        candidates: number of motion candidates.
        encoder: channels per candidate.
        fine, half, quarter: channels at the size of the grid, at half and at a quarter of it.
        depth: number of convolutions at a quarter.
    """

    candidates: int = 5
    encoder: int = 16
    fine: int = 24
    half: int = 48
    quarter: int = 72
    depth: int = 3


class RefineNet(nn.Module):
    """The refinement network; see the module docstring."""

    def __init__(self, size: RefineSize) -> None:
        super().__init__()
        self.size = size
        together = size.candidates * size.encoder
        self.look = _stack(_conv(INPUT_PLANES, size.encoder))
        self.keep = _stack(_conv(together, size.fine, 1))
        self.down2 = _stack(_conv(together, size.half, stride=2), _conv(size.half, size.half))
        self.down4 = _stack(
            _conv(size.half, size.quarter, stride=2),
            *(_conv(size.quarter, size.quarter) for _ in range(size.depth - 1)),
        )
        self.up2 = _stack(_conv(size.half + size.quarter, size.half))
        self.up1 = _stack(_conv(size.half + size.fine, size.fine))
        self.judge = _stack(_conv(size.fine + size.encoder, size.encoder, 1))
        self.answer = _zero_weights(_conv(size.encoder, OUTPUT_PLANES))
        self.judged = _zero_weights(_conv(size.encoder, 2))
        self.light = _zero_weights(_conv(size.fine, 3))
        self.error = _zero_weights(_conv(size.fine, 1))

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Predict the corrections of all candidates.

        Args:
            planes: (n, candidates, INPUT_PLANES, h, w), sides multiples of 4.

        Returns:
            Corrections (n, candidates, OUTPUT_PLANES, h, w); residual (n, 3, h, w); log error of
            the blended frame (n, 1, h, w); log squared errors of the samples (n, candidates, 2,
            h, w), used only in training.
        """
        n, candidates, _, height, width = planes.shape
        each = self.look(planes.flatten(0, 1))
        together = each.reshape(n, -1, height, width)
        half = self.down2(together)
        coarse = self.up2(torch.cat([_upsample(self.down4(half)), half], 1))
        fine = self.up1(torch.cat([_upsample(coarse), self.keep(together)], 1))
        shared = (
            fine.repeat_interleave(candidates, 0) if n > 1 else fine.expand(candidates, -1, -1, -1)
        )
        features = self.judge(torch.cat([shared, each], 1))
        sample_errors = self.judged(features).reshape(n, candidates, 2, height, width)
        return (
            self.answer(features).reshape(n, candidates, OUTPUT_PLANES, height, width),
            self.light(fine),
            self.error(fine) + _INITIAL_LOG_ERROR,
            sample_errors + 2 * _INITIAL_LOG_ERROR,
        )


def _stack(*convolutions: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(*(_add_activation(convolution) for convolution in convolutions))


def _add_activation(convolution: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.LeakyReLU(_LEAKY_SLOPE))


def _conv(channels: int, out: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    convolution = nn.Conv2d(channels, out, kernel, stride, kernel // 2)
    nn.init.kaiming_normal_(convolution.weight, _LEAKY_SLOPE)
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]  # there is a bias
    return convolution


def _zero_weights(convolution: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(convolution.weight)
    return convolution


def _upsample(field: Tensor) -> Tensor:
    return functional.interpolate(field, scale_factor=2, mode="bilinear", align_corners=False)
