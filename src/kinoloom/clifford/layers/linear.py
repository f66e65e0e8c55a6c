"""The linear Clifford layer: geometric products with learned multivectors."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812  torch's own convention
from torch import Tensor

from kinoloom.clifford.layers.product import Grades, ProductLayer, Signature
from kinoloom.errors import ArrayError


class CliffordLinear(ProductLayer):
    """Linear layer y_o = sum over i of x_i w_oi, plus b_o, with multivectors x, w and b.

    Args:
        g: algebra, or its signature as a sequence of squares.
        in_channels, out_channels: number of multivectors of inputs and outputs.
        bias: whether to add b.
        in_grades, out_grades: grades of the inputs and outputs; None for all.

    Attributes:
        weight: (L, out_channels, in_channels).
        bias: (out_channels, K) or None.

    Raises:
        UsageError: see `ProductLayer`.
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

    def expand_kernel(self) -> Tensor:
        """Return the real matrix (out_channels * K, in_channels * J)."""
        return self.signed_weights().permute(2, 0, 3, 1).flatten(2, 3).flatten(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to multivectors.

        Args:
            x: (..., in_channels, J).

        Returns:
            (..., out_channels, K).

        Raises:
            ArrayError: the last two axes do not have the sizes in_channels and J.
        """
        if tuple(x.shape[-2:]) != (self.in_channels, len(self.in_blades)):
            raise ArrayError(
                f"The input of CliffordLinear has shape {tuple(x.shape)}: expected "
                f"(..., {self.in_channels}, {len(self.in_blades)}), channels and blades last."
            )
        bias = None if self.bias is None else self.bias.flatten()
        y = F.linear(x.flatten(-2), self.kernel(), bias)
        return y.reshape(*y.shape[:-1], self.out_channels, len(self.out_blades))
