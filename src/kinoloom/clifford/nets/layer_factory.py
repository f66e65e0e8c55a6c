"""Layer factories, which create the layers of a network in a Clifford or a plain form.

Each network (`resnet`, `fno`, `unet`) is defined once for both factories, so the networks of a
comparison differ in their layers only.

    CliffordLayers   channels are multivectors: hidden fields are (B, C, I, *space)
    PlainLayers      channels are numbers: hidden fields are (B, C, *space)

Inputs: fields (B, in_channels, J, *space); outputs: fields (B, out_channels, K, *space), with the J
and K blades of `in_grades` and `out_grades`, which plain layers treat as channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor, nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.conv import (
    CliffordConv1d,
    CliffordConv2d,
    CliffordConv3d,
    CliffordConvTranspose1d,
    CliffordConvTranspose2d,
    CliffordConvTranspose3d,
)
from kinoloom.clifford.layers.gate import MultivectorGate
from kinoloom.clifford.layers.layout import check_field, split_channels
from kinoloom.clifford.layers.norm import CliffordGroupNorm
from kinoloom.clifford.layers.padding import PaddingMode
from kinoloom.clifford.layers.product import Signature
from kinoloom.clifford.layers.rotation import CliffordRotationConv2d
from kinoloom.clifford.layers.spectral import CliffordSpectralConv2d, CliffordSpectralConv3d
from kinoloom.clifford.nets.spectral import SpectralConv
from kinoloom.errors import UsageError

Activation = Literal["gelu", "gate"]
_CONV = {1: CliffordConv1d, 2: CliffordConv2d, 3: CliffordConv3d}
_UP = {1: CliffordConvTranspose1d, 2: CliffordConvTranspose2d, 3: CliffordConvTranspose3d}
_PLAIN = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_PLAIN_UP = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


@dataclass(frozen=True)
class FieldSpec:
    """Inputs and outputs of a network.

    Attributes:
        in_channels, out_channels: number of multivectors per cell, such as one per time step.
        in_grades, out_grades: their grades; None for all.
    """

    in_channels: int = 1
    out_channels: int = 1
    in_grades: tuple[int, ...] | None = None
    out_grades: tuple[int, ...] | None = None


class LayerFactory(Protocol):
    """Creates the layers of a network; channels are multivectors or numbers."""

    @property
    def space(self) -> int:
        """Number of axes of space."""

    def lift(self, spec: FieldSpec, channels: int) -> nn.Module:
        """Create the pointwise convolution from input fields to hidden fields."""

    def project(self, spec: FieldSpec, channels: int) -> nn.Module:
        """Create the pointwise convolution from hidden fields to output fields."""

    def conv(self, in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.Module:
        """Create a convolution with padding size // 2."""

    def up(self, in_channels: int, out_channels: int) -> nn.Module:
        """Create a transposed convolution that doubles the resolution."""

    def spectral(self, channels: int, modes: tuple[int, ...]) -> nn.Module:
        """Create a spectral convolution."""

    def norm(self, channels: int) -> nn.Module:
        """Create a normalisation over all channels and space, or the identity."""

    def activation(self, channels: int) -> nn.Module:
        """Create the nonlinearity."""


@dataclass(frozen=True)
class CliffordLayers:
    """Factory of Clifford layers.

    Args:
        g: algebra, or its signature as a sequence of squares.
        space: number of axes of space, 1 to 3.
        padding_mode: values outside the field.
        rotation: whether hidden convolutions are rotational; requires g = (-1, -1) and space = 2.
        with_norm: whether hidden fields are normalised (`CliffordGroupNorm` of one group).
        activation_kind: GELU of each blade, or a learned gate of each multivector.

    Raises:
        UsageError: the number of axes is not supported, or `rotation` does not match the algebra.
    """

    g: Signature
    space: int
    padding_mode: PaddingMode = "circular"
    rotation: bool = False
    with_norm: bool = False
    activation_kind: Activation = "gelu"

    def __post_init__(self) -> None:
        _check_space(self.space)
        if self.rotation and (Algebra.of(self.g).metric != (-1, -1) or self.space != 2):
            raise UsageError(
                f"Rotational layers do not support the signature {self.g} and {self.space} axes of "
                "space: expected (-1, -1) and 2."
            )

    def lift(self, spec: FieldSpec, channels: int) -> nn.Module:
        """See `LayerFactory.lift`."""
        return _CONV[self.space](self.g, spec.in_channels, channels, 1, in_grades=spec.in_grades)

    def project(self, spec: FieldSpec, channels: int) -> nn.Module:
        """See `LayerFactory.project`."""
        return _CONV[self.space](self.g, channels, spec.out_channels, 1, out_grades=spec.out_grades)

    def conv(self, in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.Module:
        """See `LayerFactory.conv`."""
        sizes = (in_channels, out_channels, size, stride, size // 2)
        if self.rotation:
            return CliffordRotationConv2d(*sizes, padding_mode=self.padding_mode)
        return _CONV[self.space](self.g, *sizes, padding_mode=self.padding_mode)

    def up(self, in_channels: int, out_channels: int) -> nn.Module:
        """See `LayerFactory.up`."""
        return _UP[self.space](self.g, in_channels, out_channels, 2, 2)

    def spectral(self, channels: int, modes: tuple[int, ...]) -> nn.Module:
        """See `LayerFactory.spectral`."""
        _check_modes(modes, self.space)
        if self.space == 2:
            return CliffordSpectralConv2d(self.g, channels, channels, modes[0], modes[1])
        return CliffordSpectralConv3d(self.g, channels, channels, modes[0], modes[1], modes[2])

    def norm(self, channels: int) -> nn.Module:
        """See `LayerFactory.norm`."""
        return CliffordGroupNorm(self.g, 1, channels) if self.with_norm else nn.Identity()

    def activation(self, channels: int) -> nn.Module:
        """See `LayerFactory.activation`."""
        return nn.GELU() if self.activation_kind == "gelu" else MultivectorGate(self.g, channels)


@dataclass(frozen=True)
class PlainLayers:
    """Factory of plain layers, for comparison.

    Args:
        g: algebra of the fields, or its signature as a sequence of squares; determines the number
            of blades of the grades of `FieldSpec`.
        space: number of axes of space, 1 to 3.
        padding_mode: values outside the field.
        with_norm: whether hidden fields are normalised (group norm of one group).

    Raises:
        UsageError: the number of axes is not supported.
    """

    g: Signature
    space: int
    padding_mode: PaddingMode = "circular"
    with_norm: bool = False

    def __post_init__(self) -> None:
        _check_space(self.space)

    def lift(self, spec: FieldSpec, channels: int) -> nn.Module:
        """See `LayerFactory.lift`."""
        blades = len(Algebra.of(self.g).blades_of_grades(spec.in_grades))
        conv = _PLAIN[self.space](spec.in_channels * blades, channels, 1)
        return _FromField(spec.in_channels, blades, self.space, conv)

    def project(self, spec: FieldSpec, channels: int) -> nn.Module:
        """See `LayerFactory.project`."""
        blades = len(Algebra.of(self.g).blades_of_grades(spec.out_grades))
        conv = _PLAIN[self.space](channels, spec.out_channels * blades, 1)
        return _ToField(blades, conv)

    def conv(self, in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.Module:
        """See `LayerFactory.conv`."""
        layer: Callable[..., nn.Module] = _PLAIN[self.space]
        sizes = (in_channels, out_channels, size, stride, size // 2)
        return layer(*sizes, padding_mode=self.padding_mode)

    def up(self, in_channels: int, out_channels: int) -> nn.Module:
        """See `LayerFactory.up`."""
        return _PLAIN_UP[self.space](in_channels, out_channels, 2, 2)

    def spectral(self, channels: int, modes: tuple[int, ...]) -> nn.Module:
        """See `LayerFactory.spectral`."""
        _check_modes(modes, self.space)
        return SpectralConv(channels, channels, modes)

    def norm(self, channels: int) -> nn.Module:
        """See `LayerFactory.norm`."""
        return nn.GroupNorm(1, channels) if self.with_norm else nn.Identity()

    def activation(self, channels: int) -> nn.Module:
        """See `LayerFactory.activation`."""
        return nn.GELU()


class _FromField(nn.Module):
    """Convolution of a field whose blades are treated as channels."""

    def __init__(self, channels: int, blades: int, space: int, conv: nn.Module) -> None:
        super().__init__()
        self.channels, self.blades, self.space, self.conv = channels, blades, space, conv

    def forward(self, x: Tensor) -> Tensor:
        check_field(x, self.channels, self.blades, self.space, "the network")
        output: Tensor = self.conv(x.flatten(1, 2))
        return output


class _ToField(nn.Module):
    """Convolution whose output channels are treated as the blades of a field."""

    def __init__(self, blades: int, conv: nn.Module) -> None:
        super().__init__()
        self.blades, self.conv = blades, conv

    def forward(self, x: Tensor) -> Tensor:
        return split_channels(self.conv(x), self.blades)


def _check_space(space: int) -> None:
    if space not in _CONV:
        raise UsageError(f"Unsupported number of axes of space {space}: expected 1, 2 or 3.")


def _check_modes(modes: tuple[int, ...], space: int) -> None:
    if space == 1 or len(modes) != space:
        raise UsageError(
            f"Unsupported spectral layer with {space} axes of space and modes {modes}: expected 2 "
            "or 3 axes, and one number of modes for each."
        )
