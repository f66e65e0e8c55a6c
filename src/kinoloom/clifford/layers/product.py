"""Base class of linear Clifford layers: products with learned multivectors on the right.

A layer computes y = sum over channels of x w, the geometric product with learned multivectors w.
In terms of blades that is a real matrix: the entry from input blade j to output blade k is +w_l,
-w_l or 0, where e_j e_l = +-e_k. `ProductLayer` builds this matrix by one gather and one
multiplication, for the selected input and output grades. Blades of w that no pair of them uses have
no parameter.

While no gradient is recorded (evaluation, rollouts), the expanded kernel is cached on the CPU until
the weights change. The cache compares the values of the weights with a copy of them, so it notices
every change, also one through `.data`, which moving averages of weights make and torch does not
count. On other devices a comparison would wait for all work before it, so nothing is cached there.

Source: Brandstetter et al., "Clifford Neural Layers for PDE Modeling", ICLR 2023, arXiv:2209.04934
(the layer; grade selection and caching are additions).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.linear_map import is_traced
from kinoloom.errors import UsageError

Signature = Algebra | Sequence[int]
Grades = Iterable[int] | None


class _Cache(NamedTuple):
    """An expanded kernel, and a copy of the weights and the autocast dtype that it belongs to."""

    weight: Tensor
    autocast: torch.dtype | None
    kernel: Tensor


class ProductLayer(nn.Module):
    """Weights of a right product, and the real kernel they expand to.

    Args:
        g: algebra, or its signature as a sequence of squares.
        in_channels, out_channels: number of multivectors per cell.
        weight_shape: shape of the weights of each blade, such as (out_channels, in_channels, 3, 3).
        fan_in: number of multivectors that each output is a sum of, for the initialisation.
        bias: whether to add a learned multivector to each output channel.
        in_grades, out_grades: grades of the inputs and outputs; None for all.

    Attributes:
        weight: (L, *weight_shape), one entry for each blade in `weight_blades`.
        bias: (out_channels, K) or None.
        in_blades, out_blades, weight_blades: J, K and L indices of blades.

    Raises:
        UsageError: the signature, a grade or a number of channels is invalid, or no product leads
            from the input to the output grades.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None
    index: Tensor
    sign: Tensor

    def __init__(
        self,
        g: Signature,
        in_channels: int,
        out_channels: int,
        weight_shape: tuple[int, ...],
        fan_in: int,
        bias: bool,
        in_grades: Grades,
        out_grades: Grades,
    ) -> None:
        super().__init__()
        if min(in_channels, out_channels) < 1:
            raise UsageError(
                f"Invalid channels {in_channels} and {out_channels}: expected at least 1."
            )
        self.algebra = Algebra.of(g)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.in_blades = self.algebra.blades_of_grades(in_grades)
        self.out_blades = self.algebra.blades_of_grades(out_grades)
        self.weight_blades = self._register_tables()
        self.weight = nn.Parameter(torch.empty(len(self.weight_blades), *weight_shape))
        self.bias = nn.Parameter(torch.empty(out_channels, len(self.out_blades))) if bias else None
        self._fan_in = fan_in * len(self.in_blades)
        self._cache: _Cache | None = None
        self.reset_parameters()

    def _register_tables(self) -> tuple[int, ...]:
        """Register `index` and `sign` (K * J,), and return the blades that need weights."""
        pairs = np.ix_(self.out_blades, self.in_blades)
        partner, sign = self.algebra.partner[pairs], self.algebra.sign[pairs]
        used = np.unique(partner[sign != 0])
        if not len(used):
            raise UsageError(
                f"No product in {self.algebra} leads from the blades {self.in_blades} to "
                f"{self.out_blades}.",
                hint="Change in_grades or out_grades.",
            )
        index = np.searchsorted(used, partner).clip(0, len(used) - 1)
        self.register_buffer("index", torch.tensor(index.ravel()), persistent=False)
        flat = torch.tensor(sign.ravel(), dtype=torch.get_default_dtype())
        self.register_buffer("sign", flat, persistent=False)
        return tuple(int(blade) for blade in used)

    def reset_parameters(self) -> None:
        """Draw weights and bias uniformly from +-1 / sqrt(fan_in * J)."""
        bound = 1 / math.sqrt(self._fan_in)
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)

    def signed_weights(self) -> Tensor:
        """Return the signed weights of every pair of blades, (K, J, *weight_shape)."""
        shape = (len(self.out_blades), len(self.in_blades), *self.weight.shape[1:])
        sign = self.sign.reshape(-1, *[1] * (self.weight.dim() - 1))
        return (self.weight.index_select(0, self.index) * sign).reshape(shape)

    def expand_kernel(self) -> Tensor:
        """Return the real kernel in the shape that the forward pass uses."""
        raise NotImplementedError

    def kernel(self) -> Tensor:
        """Return the real kernel, from the cache while no gradient is recorded."""
        weight = self.weight
        if torch.is_grad_enabled() or is_traced(weight) or weight.device.type != "cpu":
            return self.expand_kernel()
        autocast = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None
        cache = self._cache
        if (
            cache is None
            or cache.autocast != autocast
            or cache.weight.dtype != weight.dtype
            or not torch.equal(cache.weight, weight)
        ):
            cache = _Cache(weight.detach().clone(), autocast, self.expand_kernel())
            self._cache = cache
        return cache.kernel

    def clear_kernel_cache(self) -> None:
        """Discard the cached kernel, to free its memory."""
        self._cache = None

    def train(self, mode: bool = True) -> Self:
        """Set the training mode as `nn.Module.train`, and discard the cached kernel."""
        self.clear_kernel_cache()
        return super().train(mode)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_cache": None}  # a copy must not share the cache

    def extra_repr(self) -> str:
        """Return the arguments that `print` shows."""
        grades = f", blades {len(self.in_blades)} -> {len(self.out_blades)}"
        return f"{self.algebra}, {self.in_channels}, {self.out_channels}{grades}"
