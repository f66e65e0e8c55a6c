"""CliffordLinear: channels of multivectors mixed by learned geometric products."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812  torch's own convention
from torch import Tensor

from kinoloom.clifford.layers.product import Grades, ProductLayer, Signature
from kinoloom.errors import ArrayError


class CliffordLinear(ProductLayer):
    """y_o = sum over i of x_i w_oi, plus b_o, with multivectors x, w, b.

    Args:
        g: the algebra, or its signature as a list of squares.
        in_channels, out_channels: how many multivectors go in and come out.
        bias: whether to add b.
        in_grades, out_grades: the grades that inputs have and outputs need; None for all.

    Attributes:
        weight: (L, out_channels, in_channels).
        bias: (out_channels, K) or None.

    Raises:
        UsageError: as `ProductLayer`.
    """

    def __init__(
        self,
        g: Signature,
        in_channels: int,
        out_channels: int,
        bias: bool = True,
        *,
        in_grades: Grades = None,
        out_grades: Grades = None,
    ) -> None:
        shape = (out_channels, in_channels)
        super().__init__(
            g, in_channels, out_channels, shape, in_channels, bias, in_grades, out_grades
        )

    def expand(self) -> Tensor:
        """The matrix (out_channels * K, in_channels * J)."""
        return self.entries().permute(2, 0, 3, 1).flatten(2, 3).flatten(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Mix the channels.

        Args:
            x: (..., in_channels, J).

        Returns:
            (..., out_channels, K).

        Raises:
            ArrayError: the last two axes are not in_channels and J long.
        """
        if tuple(x.shape[-2:]) != (self.in_channels, len(self.in_blades)):
            raise ArrayError(
                f"CliffordLinear takes (..., {self.in_channels}, {len(self.in_blades)}), "
                f"channels and blades last, not {tuple(x.shape)}."
            )
        bias = None if self.bias is None else self.bias.flatten()
        y = F.linear(x.flatten(-2), self.kernel(), bias)
        return y.reshape(*y.shape[:-1], self.out_channels, len(self.out_blades))
