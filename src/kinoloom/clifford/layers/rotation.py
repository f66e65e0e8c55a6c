"""Rotational convolution in Cl(0, 2), whose weights rotate instead of multiply.

Inputs: fields (B, in_channels, 4, H, W); outputs: fields (B, out_channels, 4, H', W').
Cl(0, 2) is the algebra of quaternions w0 + w1 i + w2 j + w3 k with i = e1, j = e2, k = e12. The
scalar of the output is that of the product x w. The other three blades are those of the input,
rotated as a 3-vector by the unit quaternion w / |w| and multiplied by a learned scale; the scalar
of the input does not contribute to them.

Source: Brandstetter et al., ICLR 2023, arXiv:2209.04934 ("rotational Clifford CNN layers"; 1e-4 is
added to |w|^2 before the square root).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from kinoloom.clifford.layers.conv import CliffordConv2d, Sizes
from kinoloom.clifford.layers.padding import PaddingMode

_EPS = 1e-4


class CliffordRotationConv2d(CliffordConv2d):
    """Rotational convolution of quaternions over two axes of space.

    Args:
        in_channels, out_channels: number of quaternions per cell.
        kernel_size, stride, padding, dilation, groups, bias, padding_mode: see `CliffordConv`.

    Attributes:
        weight: (4, out_channels, in_channels / groups, kh, kw).
        scale: (out_channels, in_channels / groups, kh, kw), factors of the rotations.
        bias: (out_channels, 4) or None.

    Raises:
        UsageError: see `CliffordConv`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes = 3,
        stride: Sizes = 1,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
    ) -> None:
        sizes = (kernel_size, stride, padding, dilation)
        super().__init__((-1, -1), in_channels, out_channels, *sizes, groups, bias, padding_mode)
        self.scale = nn.Parameter(torch.empty(self.weight.shape[1:]))
        self._reset_scale()

    def reset_parameters(self) -> None:
        """Redraw all parameters; the scale as the weights of a plain convolution."""
        super().reset_parameters()
        if hasattr(self, "scale"):
            self._reset_scale()

    def _reset_scale(self) -> None:
        nn.init.kaiming_uniform_(self.scale, a=math.sqrt(5))

    def signed_weights(self) -> Tensor:
        """Return the rows of the scalar product and of the rotation, (4, 4, *weight_shape)."""
        scalar = super().signed_weights()[:1]
        rotation = torch.cat(
            [
                torch.zeros_like(scalar[0, :1])[None].expand(3, 1, *self.scale.shape),
                self.scale * rotation_matrix(self.weight),
            ],
            dim=1,
        )
        return torch.cat([scalar, rotation])

    def kernel(self) -> Tensor:
        """Return the real kernel; it is not cached, because it depends on `scale` as well."""
        return self.expand_kernel()


def rotation_matrix(quaternion: Tensor) -> Tensor:
    """Return the rotation matrix of a quaternion.

    Args:
        quaternion: (4, ...), of any length.

    Returns:
        (3, 3, ...), orthogonal if the squared length of the quaternion is much larger than 1e-4.
    """
    length = torch.sqrt((quaternion * quaternion).sum(0) + _EPS)
    w, x, y, z = quaternion / length
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row) for row in rows])
