"""WindowNet: removal of noise from a frame of video with the help of its neighbours.

Inputs: frames (B, T, 3, H, W) float32 RGB in 0..1, T odd, the frame to clean in the middle and the
others warped to it by their motion; noise (B, 1, H, W), the standard deviation of the noise of each
pixel in the same unit. H and W are even.
Output: (B, 3, H, W), the clean middle frame, not clipped.

Architecture: squares of 2x2 pixels become channels. The same three convolutions read each frame
next to the middle one and the noise, and return features and one logit per pixel; a softmax over
the frames weights both the features and the frames. Convolutions of the mean features, the mean
frame and the noise then estimate what is left to subtract from the mean frame. Occluded or badly
warped pixels differ from the middle frame, so that the network can give them a small weight. The
result does not depend on the order of the neighbours, and their number is free.

Source: kinoloom; the noise map is that of FFDNet (`ffdnet`), a window without explicit weights that
of FastDVDnet (Tassano, Delon and Veit, CVPR 2020, arXiv:1907.01361).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.errors import ArrayError

SIZE_MULTIPLE = 2
"""Height and width are multiples of this."""

_COLOURS = 3 * SIZE_MULTIPLE**2
_READERS = 3


class WindowNet(nn.Module):
    """WindowNet; see the module docstring.

    Args:
        channels: of the hidden layers.
        layers: convolutions after the frames are joined, at least 2.
    """

    def __init__(self, channels: int = 48, layers: int = 8) -> None:
        super().__init__()
        self.channels, self.layers = channels, layers
        self.reader = _chain([2 * _COLOURS + 1, *[channels] * (_READERS - 1), channels + 1])
        self.trunk = _chain([channels + _COLOURS + 1, *[channels] * (layers - 1), _COLOURS])

    @property
    def reach_px(self) -> int:
        """Distance at which an input pixel still affects the output, in pixels."""
        return SIZE_MULTIPLE * (_READERS + self.layers) + SIZE_MULTIPLE - 1

    def forward(self, frames: Tensor, noise: Tensor) -> Tensor:
        """Return the middle frame without its noise.

        Raises:
            ArrayError: the number of frames is even.
        """
        count = frames.shape[1]
        if count % 2 == 0:
            raise ArrayError(f"The window has {count} frames; expected an odd number.")
        squares = functional.pixel_unshuffle(frames, SIZE_MULTIPLE)
        levels = functional.avg_pool2d(noise, SIZE_MULTIPLE)
        middle = squares[:, count // 2]
        read = [self._read(squares[:, number], middle, levels) for number in range(count)]
        weights = torch.softmax(torch.stack([logit for _, logit in read], 1), 1)
        features = (weights * torch.stack([each for each, _ in read], 1)).sum(1)
        mean = (weights * squares).sum(1)
        residual = self.trunk(torch.cat([features, mean, levels], 1))
        return functional.pixel_shuffle(mean - residual, SIZE_MULTIPLE)

    def _read(self, squares: Tensor, middle: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        found = self.reader(torch.cat([squares, middle, levels], 1))
        return functional.relu(found[:, :-1]), found[:, -1:]


def _chain(channels: list[int]) -> nn.Sequential:
    """Return 3x3 convolutions between numbers of channels, with ReLUs in between."""
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        modules += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*modules[:-1])
