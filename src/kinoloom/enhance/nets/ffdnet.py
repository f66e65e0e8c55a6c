"""FFDNet: removal of Gaussian noise whose level is an input.

Inputs: image (B, 3, H, W) float32 RGB in 0..1, H and W even; noise (B, 1, H, W), the standard
deviation of the noise of each pixel, in the same unit (25 levels of 255 are 25/255).
Output: (B, 3, H, W), not clipped.

Architecture: each square of 2x2 pixels becomes one pixel of 12 channels; the noise, averaged over
the squares, is one more channel; then 3x3 convolutions with ReLUs at half size, and the inverse
rearrangement. It is fast because it works at half size.

Conventions: the names of the weights are those of the published files. The published network takes
one level per image; a noise of one value gives its result.

Source: Zhang, Zuo and Zhang, "FFDNet", IEEE TIP 27(9), 2018, arXiv:1710.04026; KAIR.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

SIZE_MULTIPLE = 2
"""Height and width are multiples of this."""


class FFDNet(nn.Module):
    """FFDNet; see the module docstring.

    Args:
        channels: of the hidden layers; 96 in the published colour network.
        layers: convolutions, at least 2; 12 in the published colour network.
    """

    def __init__(self, channels: int = 96, layers: int = 12) -> None:
        super().__init__()
        self.channels, self.layers = channels, layers
        colours = 3 * SIZE_MULTIPLE**2
        modules: list[nn.Module] = [nn.Conv2d(colours + 1, channels, 3, padding=1), nn.ReLU()]
        for _ in range(layers - 2):
            modules += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()]
        modules.append(nn.Conv2d(channels, colours, 3, padding=1))
        self.model = nn.Sequential(*modules)

    @property
    def reach_px(self) -> int:
        """Distance at which an input pixel still affects the output, in pixels."""
        return SIZE_MULTIPLE * self.layers + SIZE_MULTIPLE - 1

    def forward(self, image: Tensor, noise: Tensor) -> Tensor:
        """Return the image without its noise."""
        squares = functional.pixel_unshuffle(image, SIZE_MULTIPLE)
        levels = functional.avg_pool2d(noise, SIZE_MULTIPLE)
        cleaned = self.model(torch.cat([squares, levels], 1))
        return functional.pixel_shuffle(cleaned, SIZE_MULTIPLE)
