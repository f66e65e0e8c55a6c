"""Nonlinear layers of multivectors: gates and products of fields.

Inputs and outputs: fields (B, channels, I, *space), with 0 to 3 axes of space.
A gate multiplies a whole multivector by one number between 0 and 1 and so preserves its direction.
Activations such as `torch.nn.functional.gelu`, which act on each blade separately, do not.

Gates are not equivariant, because they depend on blades and not on invariants; `MultivectorProduct`
is. See `equivariant` for gates that depend on norms.

Sources: Ruhe et al., "Geometric Clifford Algebra Networks", ICML 2023, arXiv:2302.06594 (the
multivector sigmoid linear unit and its sum and mean variants); Ruhe, Brandstetter and Forré,
"Clifford Group Equivariant Neural Networks", NeurIPS 2023, arXiv:2305.11141 (the product layer,
here with one weight for all grades).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.conv import check_groups
from kinoloom.clifford.layers.layout import check_field
from kinoloom.clifford.layers.product import Grades, Signature
from kinoloom.errors import UsageError

GateMode = Literal["linear", "sum", "mean"]


class MultivectorGate(nn.Module):
    """Gate x sigmoid(f(x)), where f is a scalar function of each multivector.

    Args:
        g: algebra, or its signature as a sequence of squares.
        channels: number of multivectors per cell.
        mode: f is a learned linear function of the blades (linear), their sum or their mean.
        grades: grades of the fields; None for all.
        gate_grades: grades that f depends on; None for all grades of the fields.

    Raises:
        UsageError: the mode is unknown, the number of channels is not positive, or the fields do
            not have `gate_grades`.
    """

    def __init__(
        self,
        g: Signature,
        channels: int,
        mode: GateMode = "linear",
        *,
        grades: Grades = None,
        gate_grades: Grades = None,
    ) -> None:
        super().__init__()
        if mode not in ("linear", "sum", "mean") or channels < 1:
            raise UsageError(
                f"Invalid gate '{mode}' of {channels} channels: expected linear, sum or mean, and "
                "at least 1 channel."
            )
        algebra = Algebra.of(g)
        blades = algebra.blades_of_grades(grades)
        gating = blades if gate_grades is None else algebra.blades_of_grades(gate_grades)
        if not set(gating) <= set(blades):
            raise UsageError(
                f"The gate depends on the blades {gating}, but fields have the blades {blades}."
            )
        self.channels, self.blades, self.mode = channels, blades, mode
        self.gating_blades = [blades.index(blade) for blade in gating]
        if mode == "linear":
            bound = 1 / math.sqrt(len(gating))
            self.weight = nn.Parameter(torch.empty(channels, len(gating)).uniform_(-bound, bound))
            self.bias = nn.Parameter(torch.empty(channels).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Gate a field.

        Args:
            x: (B, channels, I, *space).

        Returns:
            The gated field, of the same shape.

        Raises:
            ArrayError: the shape is wrong.
        """
        check_field(x, self.channels, len(self.blades), None, type(self).__name__)
        uses_all = len(self.gating_blades) == len(self.blades)
        blades = x if uses_all else x[:, :, self.gating_blades]
        return x * torch.sigmoid(self._compute_logit(blades))

    def _compute_logit(self, blades: Tensor) -> Tensor:
        if self.mode == "mean":
            return blades.mean(2, keepdim=True)
        if self.mode == "sum":
            return blades.sum(2, keepdim=True)
        tail = [1] * (blades.dim() - 3)
        weighted = (blades * self.weight.reshape(*self.weight.shape, *tail)).sum(2, keepdim=True)
        return weighted + self.bias.reshape(-1, 1, *tail)

    def extra_repr(self) -> str:
        """Return the arguments that `print` shows."""
        return f"{self.channels}, {self.mode}, blades {len(self.blades)}"


class MultivectorProduct(nn.Module):
    """Product layer y_o = sum over channels c of w_oc (x_c z_c), with real weights.

    Both factors have all blades; passing the same field twice gives a layer of second degree.

    Args:
        g: algebra, or its signature as a sequence of squares.
        in_channels, out_channels: number of multivectors of inputs and outputs.
        groups: number of blocks of channels; block k of the output depends on block k of the
            inputs only.

    Attributes:
        weight: (out_channels, in_channels / groups).

    Raises:
        UsageError: the groups do not divide the channels.
    """

    index: Tensor
    sign: Tensor

    def __init__(self, g: Signature, in_channels: int, out_channels: int, groups: int = 1) -> None:
        super().__init__()
        check_groups(in_channels, out_channels, groups)
        self.algebra = Algebra.of(g)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        bound = 1 / math.sqrt(in_channels // groups)
        weight = torch.empty(out_channels, in_channels // groups).uniform_(-bound, bound)
        self.weight = nn.Parameter(weight)
        table = torch.tensor(self.algebra.partner)
        self.register_buffer("index", table, persistent=False)
        sign = torch.tensor(self.algebra.sign, dtype=torch.get_default_dtype())
        self.register_buffer("sign", sign, persistent=False)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Multiply two fields pointwise and sum over channels.

        Args:
            x, z: (B, in_channels, I, *space).

        Returns:
            (B, out_channels, I, *space).

        Raises:
            ArrayError: a shape is wrong.
        """
        size = self.algebra.n_blades
        for field in (x, z):
            check_field(field, self.in_channels, size, None, type(self).__name__)
        rows = [
            (x * z.index_select(2, self.index[k]) * self._signs(k, x.dim() - 3)).sum(2)
            for k in range(size)
        ]
        product = torch.stack(rows, dim=2).flatten(2)
        weight = self.weight.reshape(self.groups, -1, self.weight.shape[1])
        grouped = product.reshape(len(x), self.groups, -1, product.shape[-1])
        mixed = torch.einsum("goc,bgcn->bgon", weight, grouped)
        return mixed.reshape(len(x), self.out_channels, size, *x.shape[3:])

    def _signs(self, k: int, space: int) -> Tensor:
        return self.sign[k].reshape(-1, *[1] * space)
