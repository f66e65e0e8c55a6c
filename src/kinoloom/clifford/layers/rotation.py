"""CliffordRotationConv2d: a convolution in Cl(0, 2) whose weights rotate instead of multiply.

Inputs: fields (B, in_channels, 4, H, W); outputs (B, out_channels, 4, H', W').
Cl(0, 2) is the algebra of quaternions w0 + w1 i + w2 j + w3 k with i = e1, j = e2, k = e12. The
scalar of the output is that of the product x w. The other three blades are those of the input,
turned as a vector of three by the rotation of the unit quaternion w / |w|, and stretched by a
learned factor; the scalar of the input does not reach them.

Source: Brandstetter et al., ICLR 2023, arXiv:2209.04934 ("rotational Clifford CNN
layers"), where |w| is made safe by adding 1e-4 under the root; the matrix of a unit quaternion is
the usual one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from kinoloom.clifford.layers.conv import CliffordConv2d, Sizes
from kinoloom.clifford.layers.padding import PaddingMode

_SAFE = 1e-4


class CliffordRotationConv2d(CliffordConv2d):
    """A rotational convolution over two axes of space, of quaternions.

    Args:
        in_channels, out_channels: how many quaternions at each place.
        kernel_size, stride, padding, dilation, groups, bias, padding_mode: as `CliffordConv`.

    Attributes:
        weight: (4, out_channels, in_channels / groups, kh, kw).
        scale: (out_channels, in_channels / groups, kh, kw), how much each turned part is stretched.
        bias: (out_channels, 4) or None.

    Raises:
        UsageError: as `CliffordConv`.
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
        """Draw all parameters anew; the stretch as a plain convolution of its size."""
        super().reset_parameters()
        if hasattr(self, "scale"):
            self._reset_scale()

    def _reset_scale(self) -> None:
        nn.init.kaiming_uniform_(self.scale, a=math.sqrt(5))

    def entries(self) -> Tensor:
        """Rows of the scalar product and of the stretched rotation: (4, 4, *weight_shape)."""
        scalar = super().entries()[:1]
        turned = torch.cat(
            [
                torch.zeros_like(scalar[0, :1])[None].expand(3, 1, *self.scale.shape),
                self.scale * rotation_matrix(self.weight),
            ],
            dim=1,
        )
        return torch.cat([scalar, turned])

    def kernel(self) -> Tensor:
        """The expanded kernel; made anew each time, for it follows `scale` as well."""
        return self.expand()


def rotation_matrix(quaternion: Tensor) -> Tensor:
    """The rotation of a quaternion of any length but nearly 0.

    Args:
        quaternion: (4, ...).

    Returns:
        (3, 3, ...): orthogonal up to the 1e-4 that keeps the length from 0.
    """
    length = torch.sqrt((quaternion * quaternion).sum(0) + _SAFE)
    w, x, y, z = quaternion / length
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row) for row in rows])
