"""Nonlinear layers of multivectors: gates, and products of a field with itself.

Inputs and outputs: fields (B, channels, I, *space), with 0 to 3 axes of space.
A gate multiplies a whole multivector by one number between 0 and 1, so that its direction stays.
Ordinary functions such as `torch.nn.functional.gelu` act on each blade alone and may be used too;
they turn multivectors about.

Equivariance: none of these are equivariant, because a gate looks at blades and not at invariants,
save `MultivectorProduct`'s product itself; see `equivariant` for gates of norms.

Sources: Ruhe et al., "Geometric Clifford Algebra Networks", ICML 2023, arXiv:2302.06594 (the
multivector sigmoid linear unit, and its sum and mean variants). The product layer is the
plain form of the one in Ruhe, Brandstetter and Forré, "Clifford Group Equivariant Neural
Networks", NeurIPS 2023, arXiv:2305.11141.
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
    """x sigmoid(f(x)), with f one number for each multivector.

    Args:
        g: the algebra, or its signature as a list of squares.
        channels: how many multivectors at each place.
        mode: f is a learned sum of blades and an offset (linear), their sum, or their mean.
        grades: the grades that fields have; None for all.
        gate_grades: the grades that f looks at; None for all that the field has.

    Raises:
        UsageError: another mode, no channel, or grades that the field does not have.
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
                f"A gate is linear, sum or mean of at least 1 channel, not {mode} of {channels}."
            )
        algebra = Algebra.of(g)
        blades = algebra.blades_of_grades(grades)
        seen = blades if gate_grades is None else algebra.blades_of_grades(gate_grades)
        if not set(seen) <= set(blades):
            raise UsageError(f"The gate looks at blades {seen}, the field has {blades}.")
        self.channels, self.blades, self.mode = channels, blades, mode
        self.seen = [blades.index(blade) for blade in seen]
        if mode == "linear":
            bound = 1 / math.sqrt(len(seen))
            self.weight = nn.Parameter(torch.empty(channels, len(seen)).uniform_(-bound, bound))
            self.bias = nn.Parameter(torch.empty(channels).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Gate a field.

        Args:
            x: (B, channels, I, *space).

        Returns:
            The same shape.

        Raises:
            ArrayError: another shape.
        """
        check_field(x, self.channels, len(self.blades), None, type(self).__name__)
        blades = x if len(self.seen) == len(self.blades) else x[:, :, self.seen]
        return x * torch.sigmoid(self._number(blades))

    def _number(self, blades: Tensor) -> Tensor:
        if self.mode == "mean":
            return blades.mean(2, keepdim=True)
        if self.mode == "sum":
            return blades.sum(2, keepdim=True)
        tail = [1] * (blades.dim() - 3)
        weighted = (blades * self.weight.reshape(*self.weight.shape, *tail)).sum(2, keepdim=True)
        return weighted + self.bias.reshape(-1, 1, *tail)

    def extra_repr(self) -> str:
        """What `print` shows of the layer."""
        return f"{self.channels}, {self.mode}, blades {len(self.blades)}"


class MultivectorProduct(nn.Module):
    """y_o = sum over channels c of its group of w_oc (x_c z_c): learned sums of products.

    Both factors are fields of all blades; give the same field twice for a layer of second degree.

    Args:
        g: the algebra, or its signature as a list of squares.
        in_channels, out_channels: how many multivectors go in and come out.
        groups: into how many blocks of channels the sum is split.

    Attributes:
        weight: (out_channels, in_channels / groups), real numbers.

    Raises:
        UsageError: groups that do not divide the channels.
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
        """Multiply two fields place by place and mix the channels.

        Args:
            x, z: (B, in_channels, I, *space).

        Returns:
            (B, out_channels, I, *space).

        Raises:
            ArrayError: another shape.
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
