"""What the linear Clifford layers share: a learned multivector on the right of every input.

A layer computes y = sum over channels of x w, the geometric product with learned multivectors w.
Written out in blades that is a real matrix: the entry from input blade j to output blade k is
+w_l, -w_l or 0, where e_j e_l = +-e_k. `ProductLayer` makes that matrix by one gather and one
multiplication, for those input and output grades that are asked for; blades of w that no pair of
them needs have no parameter.

While no gradient is recorded (evaluation, rollout) the expanded matrix is kept and used again until
the weights change. What it watches is the weights' version and memory: every in-place operation of
torch, optimisers, load_state_dict and .to() are seen; a write through `.data` in place is not, and
needs `clear_kernel_cache()` or a call of `train()`.

Source of the layer: Brandstetter et al., "Clifford Neural Layers for PDE Modeling", ICLR 2023,
arXiv:2209.04934. The grade selection and the caching are ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.linear_map import is_traced
from kinoloom.errors import UsageError

Signature = Algebra | Sequence[int]
Grades = Iterable[int] | None


class ProductLayer(nn.Module):
    """Weights of a right product, and the real matrix they stand for.

    Args:
        g: the algebra, or its signature as a list of squares.
        in_channels, out_channels: how many multivectors at each place.
        weight_shape: of each blade's weights, such as (out_channels, in_channels, 3, 3).
        fan_in: how many numbers each output number is a sum of, for the initial range.
        bias: whether a learned multivector is added to each output channel.
        in_grades, out_grades: the grades that inputs have and outputs need; None for all.

    Attributes:
        weight: (L, *weight_shape), one entry for each blade in `weight_blades`.
        bias: (out_channels, K) or None.
        in_blades, out_blades, weight_blades: places in the algebra's order; J, K and L of them.

    Raises:
        UsageError: no algebra, a grade that it lacks, grades that cannot reach one another, or
            channels that are not positive.
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
            raise UsageError(f"Channels must be positive, not {in_channels} and {out_channels}.")
        self.algebra = Algebra.of(g)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.in_blades = self.algebra.blades_of_grades(in_grades)
        self.out_blades = self.algebra.blades_of_grades(out_grades)
        self.weight_blades = self._register_tables()
        self.weight = nn.Parameter(torch.empty(len(self.weight_blades), *weight_shape))
        self.bias = nn.Parameter(torch.empty(out_channels, len(self.out_blades))) if bias else None
        self._fan_in = fan_in * len(self.in_blades)
        self._kept: tuple[Tensor, int, Tensor] | None = None
        self.reset_parameters()

    def _register_tables(self) -> tuple[int, ...]:
        """Set `index` and `sign` (K * J,), and return the blades of the weights that are used."""
        pairs = np.ix_(self.out_blades, self.in_blades)
        partner, sign = self.algebra.partner[pairs], self.algebra.sign[pairs]
        used = np.unique(partner[sign != 0])
        if not len(used):
            raise UsageError(
                f"No product in {self.algebra} leads from the blades {self.in_blades} to "
                f"{self.out_blades}."
            )
        index = np.searchsorted(used, partner).clip(0, len(used) - 1)
        self.register_buffer("index", torch.tensor(index.ravel()), persistent=False)
        flat = torch.tensor(sign.ravel(), dtype=torch.get_default_dtype())
        self.register_buffer("sign", flat, persistent=False)
        return tuple(int(blade) for blade in used)

    def reset_parameters(self) -> None:
        """Draw weights and bias evenly from +-1 / sqrt(numbers summed for one output number)."""
        bound = 1 / math.sqrt(self._fan_in)
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)

    def entries(self) -> Tensor:
        """The signed weights of every pair of blades: (K, J, *weight_shape)."""
        shape = (len(self.out_blades), len(self.in_blades), *self.weight.shape[1:])
        sign = self.sign.reshape(-1, *[1] * (self.weight.dim() - 1))
        return (self.weight.index_select(0, self.index) * sign).reshape(shape)

    def expand(self) -> Tensor:
        """The real kernel of the layer, in the shape that its forward pass takes."""
        raise NotImplementedError

    def kernel(self) -> Tensor:
        """The expanded kernel: kept while no gradient is recorded, else made anew."""
        if torch.is_grad_enabled() or is_traced(self.weight) or self.weight.is_inference():
            return self.expand()
        if self._kept is not None:
            source, version, kernel = self._kept
            same = source.data_ptr() == self.weight.data_ptr()
            if same and source._version == version and source.dtype == self.weight.dtype:
                return kernel
        source = self.weight.detach()
        self._kept = (source, source._version, self.expand())
        return self._kept[2]

    def clear_kernel_cache(self) -> None:
        """Drop the kept kernel; needed only after writing to `weight.data` in place."""
        self._kept = None

    def train(self, mode: bool = True) -> Self:
        """As `nn.Module.train`; also drops the kept kernel."""
        self.clear_kernel_cache()
        return super().train(mode)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_kept": None}  # copies and pickles start without it

    def extra_repr(self) -> str:
        """What `print` shows of the layer."""
        grades = f", blades {len(self.in_blades)} -> {len(self.out_blades)}"
        return f"{self.algebra}, {self.in_channels}, {self.out_channels}{grades}"
