"""The Laplacian pyramid loss: coarse errors weigh more, by octave.

Source: Niklaus & Liu, "Context-aware synthesis for video frame interpolation", CVPR 2018,
equation 4: the sum over levels i = 1..5 of 2^(i-1) times the L1 norm of the difference of level i.
The pyramid is that of Burt & Adelson, "The Laplacian pyramid as a compact image code", 1983, with
the kernel (1, 4, 6, 4, 1)/16; its last level is the low-pass remainder. Norms are means here.
"""

from __future__ import annotations

import torch
import torch.nn.functional as fn
from torch import Tensor

from kinoloom.errors import ArrayError
from kinoloom.learn.losses.photometric import exact

_KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_LEAST = 3  # pixels that a level must have on each side to be blurred


def laplacian_loss(made: Tensor, truth: Tensor, levels: int = 5) -> Tensor:
    """The loss of two (B, C, H, W) pictures.

    Raises:
        ArrayError: the pictures are too small for so many levels.
    """
    pyramid = laplacian_pyramid(exact(made) - exact(truth), levels)  # it is linear
    return torch.stack([2**i * level.abs().mean() for i, level in enumerate(pyramid)]).sum()


def laplacian_pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """Band-pass levels from the finest on, then the low-pass remainder.

    Raises:
        ArrayError: the picture is too small for so many levels.
    """
    found = []
    for _ in range(levels - 1):
        if min(image.shape[-2:]) < 2 * _LEAST - 1:
            raise ArrayError(
                f"A pyramid of {levels} levels needs pictures of at least "
                f"{(_LEAST - 1) * 2 ** (levels - 1) + 1} pixels on each side."
            )
        small = _blur(image)[..., ::2, ::2]
        found.append(image - _expand(small, image))
        image = small
    return [*found, image]


def _blur(image: Tensor) -> Tensor:
    channels = image.shape[1]
    row = torch.tensor(_KERNEL, dtype=image.dtype, device=image.device).view(1, 1, 1, 5)
    padded = fn.pad(image, (2, 2, 2, 2), "reflect")
    across = fn.conv2d(padded, row.expand(channels, 1, 1, 5), groups=channels)
    return fn.conv2d(across, row.mT.expand(channels, 1, 5, 1), groups=channels)


def _expand(small: Tensor, like: Tensor) -> Tensor:
    """Twice the size: zeros between the pixels, blurred, times 4 for the pixels put in."""
    wide = torch.zeros_like(like)
    wide[..., ::2, ::2] = small
    return 4 * _blur(wide)
