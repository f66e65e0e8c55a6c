"""Compact (SRVGGNetCompact): super-resolution by plain convolutions on the small image.

Input: (B, 3, H, W) float32 RGB in 0..1.
Output: (B, 3, S H, S W), not clipped.

Architecture: 3x3 convolutions with PReLUs, a last one to 3 S^2 channels, a pixel shuffle, plus the
input enlarged by repeating pixels.

Conventions: the names of the weights are those of the published files.

Source: Wang et al., "Real-ESRGAN", ICCVW 2021, arXiv:2107.10833, and its repository
(SRVGGNetCompact of the models general-x4v3 and animevideov3).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Compact(nn.Module):
    """SRVGGNetCompact; see the module docstring.

    Args:
        channels: of the hidden layers.
        blocks: hidden layers from `channels` to `channels`; 32 in general-x4v3.
        scale: factor S of both sides, at least 1.
    """

    def __init__(self, channels: int = 64, blocks: int = 32, scale: int = 4) -> None:
        super().__init__()
        self.channels, self.blocks, self.scale = channels, blocks, scale
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.PReLU(channels)]
        for _ in range(blocks):
            layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.PReLU(channels)]
        layers.append(nn.Conv2d(channels, 3 * scale**2, 3, padding=1))
        self.body = nn.ModuleList(layers)

    @property
    def reach_px(self) -> int:
        """Distance at which an input pixel still affects the output, in input pixels."""
        return self.blocks + 2

    def forward(self, image: Tensor) -> Tensor:
        """Return the image enlarged by the scale."""
        features = image
        for layer in self.body:
            features = layer(features)
        enlarged = functional.pixel_shuffle(features, self.scale)
        return enlarged + functional.interpolate(image, scale_factor=self.scale, mode="nearest")
