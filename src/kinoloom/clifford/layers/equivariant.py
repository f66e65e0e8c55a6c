"""Equivariant layers: when a field turns, what they make of it turns likewise.

Inputs and outputs: fields (B, channels, I, *space); conventions as in `symmetry`.

    GradeLinear, GradeProduct, InvariantGate   look at each place alone; equivariant under every
                                               orthogonal map of blades, of any signature
    SteerableConv2d, SteerableConv3d           in Cl(n, 0) over n axes of space; equivariant under
                                               turns and mirrors of the grid exactly, under other
                                               angles as far as a kernel on a grid can be

Why: an orthogonal map keeps grades and products. So numbers may be learned for each grade, or for
each triple of grades of a product, and gates may be functions of norms.

The steerable kernel at the offset o, of length r and direction u, is the sum over grades of
    a(r) x + b(r) u x + c(r) u x u,
each with a learned number for each ring r, input and output channel, and pair of grades. In two and
three dimensions these are all maps that O(n) allows (count the maps between grades that keep u).

Sources: Ruhe, Brandstetter and Forré, "Clifford Group Equivariant Neural Networks", NeurIPS 2023,
arXiv:2305.11141 (linear, product and gate layers); Weiler and Cesa, "General E(2)-Equivariant
Steerable CNNs", NeurIPS 2019, arXiv:1911.08251 (rings and steerable kernels); Zhdanov et al.,
"Clifford-Steerable Convolutional Neural Networks", ICML 2024, arXiv:2402.14730 (steerable kernels
for multivectors, there made by a network).
"""

from __future__ import annotations

import itertools
import math
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  torch's own convention
from numpy.typing import NDArray
from torch import Tensor, nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.layout import check_field, split_channels
from kinoloom.clifford.layers.product import Grades, Signature
from kinoloom.errors import UsageError

_CONV = {2: F.conv2d, 3: F.conv3d}


class GradeLinear(nn.Module):
    """y_o = sum over c and grades k of w_ock <x_c>_k, and an offset of the scalar part.

    Args:
        g: the algebra, or its signature as a list of squares.
        in_channels, out_channels: how many multivectors go in and come out.
        bias: whether the scalar part has a learned offset.

    Attributes:
        weight: (out_channels, in_channels, dim + 1); bias: (out_channels,) or None.

    Raises:
        UsageError: channels that are not positive.
    """

    grade_of: Tensor

    def __init__(
        self, g: Signature, in_channels: int, out_channels: int, bias: bool = True
    ) -> None:
        super().__init__()
        _check_channels(in_channels, out_channels)
        self.algebra = Algebra.of(g)
        self.in_channels, self.out_channels = in_channels, out_channels
        bound = 1 / math.sqrt(in_channels)
        weight = torch.empty(out_channels, in_channels, self.algebra.dim + 1)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.register_buffer("grade_of", torch.tensor(self.algebra.grades), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Mix the channels: (B, in_channels, I, *space) to (B, out_channels, I, *space).

        Raises:
            ArrayError: another shape.
        """
        check_field(x, self.in_channels, self.algebra.n_blades, None, type(self).__name__)
        y = torch.einsum("oci,bci...->boi...", self.weight[:, :, self.grade_of], x)
        if self.bias is None:
            return y
        unit = F.one_hot(torch.zeros_like(self.grade_of[0]), self.algebra.n_blades).to(y)
        return y + (self.bias[:, None] * unit).reshape(*y.shape[1:3], *[1] * (y.dim() - 3))


class GradeProduct(nn.Module):
    """y_c = sum over grades of w_cijk < <x_c>_i <z_c>_j >_k: a learned part of each product.

    Args:
        g: the algebra, or its signature as a list of squares.
        channels: how many multivectors at each place.

    Attributes:
        weight: (channels, T), one for each of the T triples of grades that occur.

    Raises:
        UsageError: no channel.
    """

    partner: Tensor
    sign: Tensor
    triple_of: Tensor

    def __init__(self, g: Signature, channels: int) -> None:
        super().__init__()
        _check_channels(channels, channels)
        self.algebra, self.channels = Algebra.of(g), channels
        grades, partner = self.algebra.grades, self.algebra.partner
        n = self.algebra.dim + 1
        codes = (grades[None, :] * n + grades[partner]) * n + grades[:, None]
        used, triple_of = np.unique(codes, return_inverse=True)
        self.triples = [(int(c) // n // n, int(c) // n % n, int(c) % n) for c in used]
        scale = 1 / math.sqrt(n)
        self.weight = nn.Parameter(torch.randn(channels, len(used)) * scale)
        shaped = torch.tensor(triple_of.reshape(codes.shape))
        sign = torch.tensor(self.algebra.sign, dtype=torch.get_default_dtype())
        self.register_buffer("triple_of", shaped, persistent=False)
        self.register_buffer("partner", torch.tensor(partner), persistent=False)
        self.register_buffer("sign", sign, persistent=False)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Multiply two fields (B, channels, I, *space) place by place; the same shape.

        Raises:
            ArrayError: another shape.
        """
        for field in (x, z):
            check_field(field, self.channels, self.algebra.n_blades, None, type(self).__name__)
        table = self.weight[:, self.triple_of] * self.sign  # (channels, k, j)
        tail = [1] * (x.dim() - 3)
        rows = [
            (
                x * z.index_select(2, self.partner[k]) * table[:, k].reshape(*x.shape[1:3], *tail)
            ).sum(2)
            for k in range(self.algebra.n_blades)
        ]
        return torch.stack(rows, dim=2)


class InvariantGate(nn.Module):
    """<x>_k sigmoid(a_k n_k + b_k) for each grade k, with n_k the invariant of that grade.

    The invariant of grade 0 is the scalar itself, of others <x>_k ~<x>_k; of signatures with
    squares -1 or 0 it may be negative or 0.

    Args:
        g: the algebra, or its signature as a list of squares.
        channels: how many multivectors at each place.

    Attributes:
        slope, offset: (channels, dim + 1), a and b.

    Raises:
        UsageError: no channel.
    """

    norms: Tensor
    grade_of: Tensor

    def __init__(self, g: Signature, channels: int) -> None:
        super().__init__()
        _check_channels(channels, channels)
        self.algebra, self.channels = Algebra.of(g), channels
        self.slope = nn.Parameter(torch.ones(channels, self.algebra.dim + 1))
        self.offset = nn.Parameter(torch.zeros(channels, self.algebra.dim + 1))
        every = np.eye(self.algebra.n_blades)
        squares = torch.tensor(self.algebra.norm_squared(every), dtype=torch.get_default_dtype())
        one_hot = F.one_hot(torch.tensor(self.algebra.grades)).T.to(squares)
        self.register_buffer("norms", one_hot * squares, persistent=False)
        self.register_buffer("grade_of", torch.tensor(self.algebra.grades), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Gate a field (B, channels, I, *space); the same shape.

        Raises:
            ArrayError: another shape.
        """
        check_field(x, self.channels, self.algebra.n_blades, None, type(self).__name__)
        tail = [1] * (x.dim() - 3)
        norms = torch.einsum("ki,bci...->bck...", self.norms, x * x)
        invariants = torch.cat([x[:, :, :1], norms[:, :, 1:]], dim=2)
        shape = (*self.slope.shape, *tail)
        gate = torch.sigmoid(self.slope.reshape(shape) * invariants + self.offset.reshape(shape))
        return x * gate.index_select(2, self.grade_of)


class SteerableConv(nn.Module):
    """A convolution of Cl(n, 0) over n axes of space that is equivariant; see the module's head.

    Args:
        in_channels, out_channels: how many multivectors at each place.
        kernel_size: odd; the field keeps its size.
        bias: whether the scalar part has a learned offset; needs the output grade 0.
        circular: whether the opposite side stands outside of the field, or zeros.
        in_grades, out_grades: the grades that inputs have and outputs need; None for all.

    Attributes:
        weight: (out_channels, in_channels, N), one for each map of the basis.

    Raises:
        UsageError: an even kernel size, channels that are not positive, grades that no map of the
            basis connects, a bias without grade 0.
    """

    space: ClassVar[int]
    basis: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        bias: bool = True,
        circular: bool = True,
        *,
        in_grades: Grades = None,
        out_grades: Grades = None,
    ) -> None:
        super().__init__()
        _check_channels(in_channels, out_channels)
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise UsageError(f"kernel_size must be odd, not {kernel_size}.")
        self.algebra = Algebra(self.space)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.in_blades = self.algebra.blades_of_grades(in_grades)
        self.out_blades = self.algebra.blades_of_grades(out_grades)
        if bias and 0 not in self.out_blades:
            raise UsageError("An equivariant bias is a scalar; the output has no grade 0.")
        self.rim, self.circular = kernel_size // 2, circular
        basis = build_steerable_basis(self.algebra, kernel_size, self.out_blades, self.in_blades)
        kept = torch.tensor(basis, dtype=torch.get_default_dtype())
        self.register_buffer("basis", kept, persistent=False)
        fan_in = in_channels * float((kept**2).sum() / len(self.out_blades))
        weight = torch.randn(out_channels, in_channels, len(kept)) / math.sqrt(fan_in)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Convolve: (B, in_channels, J, *space) to (B, out_channels, K, *space).

        Raises:
            ArrayError: another shape.
        """
        check_field(x, self.in_channels, len(self.in_blades), self.space, type(self).__name__)
        kernel = torch.einsum("ocn,nkj...->okcj...", self.weight, self.basis)
        kernel = kernel.flatten(2, 3).flatten(0, 1)
        mode = "circular" if self.circular else "constant"
        flat = F.pad(x.flatten(1, 2), [self.rim] * 2 * self.space, mode=mode)
        bias = None
        if self.bias is not None:
            bias = F.pad(self.bias[:, None], (0, len(self.out_blades) - 1)).flatten()
        return split_channels(_CONV[self.space](flat, kernel, bias), len(self.out_blades))


class SteerableConv2d(SteerableConv):
    """An equivariant convolution of Cl(2, 0) over two axes; see `SteerableConv`."""

    space = 2


class SteerableConv3d(SteerableConv):
    """An equivariant convolution of Cl(3, 0) over three axes; see `SteerableConv`."""

    space = 3


def build_steerable_basis(
    algebra: Algebra, kernel_size: int, out_blades: tuple[int, ...], in_blades: tuple[int, ...]
) -> NDArray[np.float64]:
    """All independent equivariant kernels on a grid: x, u x and u x u by ring and grades.

    Args:
        algebra: Cl(n, 0).
        kernel_size: odd, the same along each axis.
        out_blades, in_blades: places in the algebra's order, K and J of them.

    Returns:
        (N, K, J, *kernel): for each the matrix of every offset.

    Raises:
        UsageError: there are none between these blades.
    """
    rim, n = kernel_size // 2, algebra.dim
    offsets = list(itertools.product(range(-rim, rim + 1), repeat=n))
    rings = sorted({sum(c * c for c in o) for o in offsets})
    made = []
    for ring, kind in itertools.product(rings, range(3)):
        maps = np.zeros((*[kernel_size] * n, algebra.n_blades, algebra.n_blades))
        for offset in offsets:
            if sum(c * c for c in offset) == ring:
                maps[tuple(c + rim for c in offset)] = _maps(algebra, offset)[kind]
        maps = np.moveaxis(maps, (-2, -1), (0, 1))
        for out_grade, in_grade in itertools.product(range(n + 1), repeat=2):
            rows = (algebra.grades == out_grade)[:, None] & (algebra.grades == in_grade)[None, :]
            part = (maps * rows.reshape(*rows.shape, *[1] * n))[np.ix_(out_blades, in_blades)]
            same = kind == 2 and in_grade in (0, n)  # u x u is then x or -x
            if part.any() and not same:
                made.append(part)
    if not made:
        raise UsageError(f"No equivariant map of {algebra} leads from {in_blades} to {out_blades}.")
    return np.stack(made)


def _maps(algebra: Algebra, offset: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """The matrices (I, I) of x, u x and u x u; of the last two 0 at the centre."""
    every, length = np.eye(algebra.n_blades), math.sqrt(sum(c * c for c in offset))
    if length == 0:
        return [every, 0 * every, 0 * every]
    unit = algebra.embed([c / length for c in offset], range(1, algebra.dim + 1))
    once = algebra.geometric_product(unit, every)
    return [every, once.T, algebra.geometric_product(once, unit).T]


def _check_channels(in_channels: int, out_channels: int) -> None:
    if min(in_channels, out_channels) < 1:
        raise UsageError(f"Channels must be positive, not {in_channels} and {out_channels}.")
