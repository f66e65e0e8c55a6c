"""Laplacian pyramid loss: coarse errors weigh more, by octave.

Source: Niklaus & Liu, "Context-aware synthesis for video frame interpolation", CVPR 2018,
equation 4: the sum over levels i = 1..5 of 2^(i-1) times the L1 norm of the difference of level i.
The pyramid is that of Burt & Adelson, "The Laplacian pyramid as a compact image code", 1983, with
the kernel (1, 4, 6, 4, 1)/16; its last level is the low-pass residual. Norms are means here.
"""

from __future__ import annotations

import torch
import torch.nn.functional as fn
from torch import Tensor

from kinoloom.errors import ArrayError
from kinoloom.learn.losses.photometric import at_least_float32

_KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_MIN_BLUR_PX = 3  # reflection padding needs this many pixels per side


def laplacian_loss(prediction: Tensor, target: Tensor, levels: int = 5) -> Tensor:
    """Return the loss of two (B, C, H, W) images.

    Raises:
        ArrayError: the images are too small for this number of levels.
    """
    pyramid = laplacian_pyramid(
        at_least_float32(prediction) - at_least_float32(target), levels
    )  # the pyramid is linear
    return torch.stack([2**i * level.abs().mean() for i, level in enumerate(pyramid)]).sum()


def laplacian_pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """Return the band-pass levels, finest first, then the low-pass residual.

    Raises:
        ArrayError: the image is too small for this number of levels.
    """
    bands = []
    for _ in range(levels - 1):
        if min(image.shape[-2:]) < 2 * _MIN_BLUR_PX - 1:
            raise ArrayError(
                f"A pyramid of {levels} levels needs images of at least "
                f"{(_MIN_BLUR_PX - 1) * 2 ** (levels - 1) + 1} pixels per side."
            )
        small = _blur(image)[..., ::2, ::2]
        bands.append(image - _expand(small, image))
        image = small
    return [*bands, image]


def _blur(image: Tensor) -> Tensor:
    channels = image.shape[1]
    row = torch.tensor(_KERNEL, dtype=image.dtype, device=image.device).view(1, 1, 1, 5)
    padded = fn.pad(image, (2, 2, 2, 2), "reflect")
    across = fn.conv2d(padded, row.expand(channels, 1, 1, 5), groups=channels)
    return fn.conv2d(across, row.mT.expand(channels, 1, 5, 1), groups=channels)


def _expand(small: Tensor, like: Tensor) -> Tensor:
    """Upsample twofold: insert zeros between the pixels, blur, multiply by 4."""
    wide = torch.zeros_like(like)
    wide[..., ::2, ::2] = small
    return 4 * _blur(wide)
