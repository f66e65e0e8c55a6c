"""Equivariant layers: a transformation of the input transforms the output likewise.

Inputs and outputs: fields (B, channels, I, *space); conventions as in `symmetry`.

    GradeLinear, GradeProduct, InvariantGate   pointwise; equivariant under every orthogonal
                                               transformation of blades, for any signature
    SteerableConv2d, SteerableConv3d           Cl(n, 0) over n axes of space; equivariant under
                                               rotations and reflections of the grid exactly, under
                                               other rotations up to the sampling of the kernel

Orthogonal transformations preserve grades and products. So weights may depend on the grade, or on
the triple of grades of a product, and gates may be functions of norms.

The steerable kernel at an offset of length r and direction u is the sum over grades of
    a(r) x + b(r) u x + c(r) u x u,
with a learned weight for each ring r, input and output channel, and pair of grades. In two and
three dimensions these are all maps that O(n) equivariance allows.

Sources: Ruhe, Brandstetter and Forré, "Clifford Group Equivariant Neural Networks", NeurIPS 2023,
arXiv:2305.11141 (linear, product and gate layers); Weiler and Cesa, "General E(2)-Equivariant
Steerable CNNs", NeurIPS 2019, arXiv:1911.08251 (rings and steerable kernels); Zhdanov et al.,
"Clifford-Steerable Convolutional Neural Networks", ICML 2024, arXiv:2402.14730 (steerable kernels
of multivectors, there parametrised by a network).
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
    """Linear layer y_o = sum over c and grades k of w_ock <x_c>_k, plus a scalar bias.

    Args:
        g: algebra, or its signature as a sequence of squares.
        in_channels, out_channels: number of multivectors of inputs and outputs.
        bias: whether to add a learned bias to the scalar part.

    Attributes:
        weight: (out_channels, in_channels, dim + 1).
        bias: (out_channels,) or None.

    Raises:
        UsageError: a number of channels is not positive.
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
        """Map fields (B, in_channels, I, *space) to (B, out_channels, I, *space).

        Raises:
            ArrayError: the shape is wrong.
        """
        check_field(x, self.in_channels, self.algebra.n_blades, None, type(self).__name__)
        y = torch.einsum("oci,bci...->boi...", self.weight[:, :, self.grade_of], x)
        if self.bias is None:
            return y
        unit = F.one_hot(torch.zeros_like(self.grade_of[0]), self.algebra.n_blades).to(y)
        return y + (self.bias[:, None] * unit).reshape(*y.shape[1:3], *[1] * (y.dim() - 3))


class GradeProduct(nn.Module):
    """Weighted geometric product y_c = sum over grades of w_cijk < <x_c>_i <z_c>_j >_k.

    Args:
        g: algebra, or its signature as a sequence of squares.
        channels: number of multivectors per cell.

    Attributes:
        weight: (channels, T), one for each of the T triples of grades that occur.
        triples: the T triples (i, j, k).

    Raises:
        UsageError: the number of channels is not positive.
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
        """Multiply two fields (B, channels, I, *space) pointwise.

        Raises:
            ArrayError: a shape is wrong.
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
    """Gate <x>_k sigmoid(a_k n_k + b_k) of each grade k by its invariant n_k.

    The invariant of grade 0 is the scalar itself, that of other grades <x>_k ~<x>_k, which can be
    negative or 0 for signatures with squares -1 or 0.

    Args:
        g: algebra, or its signature as a sequence of squares.
        channels: number of multivectors per cell.

    Attributes:
        slope: (channels, dim + 1), a.
        offset: (channels, dim + 1), b.

    Raises:
        UsageError: the number of channels is not positive.
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
        """Gate a field (B, channels, I, *space).

        Raises:
            ArrayError: the shape is wrong.
        """
        check_field(x, self.channels, self.algebra.n_blades, None, type(self).__name__)
        tail = [1] * (x.dim() - 3)
        norms = torch.einsum("ki,bci...->bck...", self.norms, x * x)
        invariants = torch.cat([x[:, :, :1], norms[:, :, 1:]], dim=2)
        shape = (*self.slope.shape, *tail)
        gate = torch.sigmoid(self.slope.reshape(shape) * invariants + self.offset.reshape(shape))
        return x * gate.index_select(2, self.grade_of)


class SteerableConv(nn.Module):
    """Steerable convolution of Cl(n, 0) over n axes of space; see the module docstring.

    Args:
        in_channels, out_channels: number of multivectors per cell.
        kernel_size: odd number; the output has the size of the input.
        bias: whether to add a learned bias to the scalar part; requires the output grade 0.
        circular: whether to pad with the opposite side; with zeros otherwise.
        in_grades, out_grades: grades of the inputs and outputs; None for all.

    Attributes:
        weight: (out_channels, in_channels, N), one for each of the N kernels of the basis.
        bias: (out_channels,) or None.

    Raises:
        UsageError: the kernel size is even, a number of channels is not positive, no equivariant
            map connects the grades, or a bias is requested without grade 0.
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
            raise UsageError(f"Invalid kernel_size {kernel_size}: expected an odd number.")
        self.algebra = Algebra(self.space)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.in_blades = self.algebra.blades_of_grades(in_grades)
        self.out_blades = self.algebra.blades_of_grades(out_grades)
        if bias and 0 not in self.out_blades:
            raise UsageError(
                "An equivariant bias is a scalar, but out_grades has no grade 0.",
                hint="Add grade 0 or use bias=False.",
            )
        self.padding, self.circular = kernel_size // 2, circular
        basis = build_steerable_basis(self.algebra, kernel_size, self.out_blades, self.in_blades)
        kernels = torch.tensor(basis, dtype=torch.get_default_dtype())
        self.register_buffer("basis", kernels, persistent=False)
        fan_in = in_channels * float((kernels**2).sum() / len(self.out_blades))
        weight = torch.randn(out_channels, in_channels, len(kernels)) / math.sqrt(fan_in)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Convolve fields (B, in_channels, J, *space) to (B, out_channels, K, *space).

        Raises:
            ArrayError: the shape is wrong.
        """
        check_field(x, self.in_channels, len(self.in_blades), self.space, type(self).__name__)
        kernel = torch.einsum("ocn,nkj...->okcj...", self.weight, self.basis)
        kernel = kernel.flatten(2, 3).flatten(0, 1)
        mode = "circular" if self.circular else "constant"
        flat = F.pad(x.flatten(1, 2), [self.padding] * 2 * self.space, mode=mode)
        bias = None
        if self.bias is not None:
            bias = F.pad(self.bias[:, None], (0, len(self.out_blades) - 1)).flatten()
        return split_channels(_CONV[self.space](flat, kernel, bias), len(self.out_blades))


class SteerableConv2d(SteerableConv):
    """Steerable convolution of Cl(2, 0) over two axes of space; see `SteerableConv`."""

    space = 2


class SteerableConv3d(SteerableConv):
    """Steerable convolution of Cl(3, 0) over three axes of space; see `SteerableConv`."""

    space = 3


def build_steerable_basis(
    algebra: Algebra, kernel_size: int, out_blades: tuple[int, ...], in_blades: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return a basis of the equivariant kernels on a grid: x, u x and u x u by ring and grades.

    Args:
        algebra: Cl(n, 0).
        kernel_size: odd number, the same along each axis.
        out_blades, in_blades: K and J indices of blades.

    Returns:
        (N, K, J, *kernel): the matrix of every offset of each of the N kernels.

    Raises:
        UsageError: no equivariant map connects these blades.
    """
    reach, n = kernel_size // 2, algebra.dim
    offsets = list(itertools.product(range(-reach, reach + 1), repeat=n))
    rings = sorted({sum(c * c for c in o) for o in offsets})
    basis = []
    for ring, kind in itertools.product(rings, range(3)):
        maps = np.zeros((*[kernel_size] * n, algebra.n_blades, algebra.n_blades))
        for offset in offsets:
            if sum(c * c for c in offset) == ring:
                maps[tuple(c + reach for c in offset)] = _build_maps(algebra, offset)[kind]
        maps = np.moveaxis(maps, (-2, -1), (0, 1))
        for out_grade, in_grade in itertools.product(range(n + 1), repeat=2):
            mask = (algebra.grades == out_grade)[:, None] & (algebra.grades == in_grade)[None, :]
            kernel = (maps * mask.reshape(*mask.shape, *[1] * n))[np.ix_(out_blades, in_blades)]
            is_redundant = kind == 2 and in_grade in (0, n)  # u x u is then x or -x
            if kernel.any() and not is_redundant:
                basis.append(kernel)
    if not basis:
        raise UsageError(
            f"No equivariant map of {algebra} leads from the blades {in_blades} to {out_blades}.",
            hint="Change in_grades or out_grades.",
        )
    return np.stack(basis)


def _build_maps(algebra: Algebra, offset: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """Return the matrices (I, I) of x, u x and u x u; the last two are 0 at the centre."""
    identity, length = np.eye(algebra.n_blades), math.sqrt(sum(c * c for c in offset))
    if length == 0:
        return [identity, 0 * identity, 0 * identity]
    unit = algebra.embed([c / length for c in offset], range(1, algebra.dim + 1))
    product = algebra.geometric_product(unit, identity)
    return [identity, product.T, algebra.geometric_product(product, unit).T]


def _check_channels(in_channels: int, out_channels: int) -> None:
    if min(in_channels, out_channels) < 1:
        raise UsageError(f"Invalid channels {in_channels} and {out_channels}: expected at least 1.")
