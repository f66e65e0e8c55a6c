"""Kits: the layers that a network is made of, in a Clifford and in a plain form.

A network (`resnet`, `fno`, `unet`) is written once, of a factory's layers; so the two forms that are
compared differ in their layers and in nothing else.

    CliffordLayers   channels are multivectors: hidden fields are (B, C, I, *space)
    PlainLayers      channels are numbers: hidden fields are (B, C, *space)

Both take fields (B, in_channels, J, *space) and give fields (B, out_channels, K, *space), J and K
blades of `in_grades` and `out_grades`; the plain factory takes blades for mere channels.
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
    """What goes into a network and what comes out.

    Attributes:
        in_channels, out_channels: multivectors at each place, a moment of time each, say.
        in_grades, out_grades: the grades that they have; None for all.
    """

    in_channels: int = 1
    out_channels: int = 1
    in_grades: tuple[int, ...] | None = None
    out_grades: tuple[int, ...] | None = None


class LayerFactory(Protocol):
    """Makes the layers of a network; channels are counted in the factory's own unit."""

    @property
    def space(self) -> int:
        """How many axes of space."""

    def lift(self, spec: FieldSpec, channels: int) -> nn.Module:
        """From fields that go in to hidden ones, at each place alone."""

    def project(self, spec: FieldSpec, channels: int) -> nn.Module:
        """From hidden fields to those that come out, at each place alone."""

    def conv(self, in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.Module:
        """A convolution that keeps the field's size, but for the stride."""

    def up(self, in_channels: int, out_channels: int) -> nn.Module:
        """A transposed convolution that doubles the field's size."""

    def spectral(self, channels: int, modes: tuple[int, ...]) -> nn.Module:
        """A spectral convolution."""

    def norm(self, channels: int) -> nn.Module:
        """A normalization over all channels and space, or nothing."""

    def activation(self, channels: int) -> nn.Module:
        """The nonlinearity."""


@dataclass(frozen=True)
class CliffordLayers:
    """Layers of multivectors.

    Args:
        g: the algebra, or its signature as a list of squares.
        space: how many axes of space, 1 to 3.
        padding_mode: what stands outside of the field.
        rotation: whether hidden convolutions rotate instead of multiply; g must be (-1, -1).
        with_norm: whether hidden fields are normalized (`CliffordGroupNorm` of one group).
        activation_kind: GELU of each blade, or a learned gate of each multivector.

    Raises:
        UsageError: no such number of axes, or rotation in another algebra or space.
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
                f"Rotational layers need signature (-1, -1) in the plane, not {self.g} in "
                f"{self.space} dimensions."
            )

    def lift(self, spec: FieldSpec, channels: int) -> nn.Module:
        """See `LayerFactory.lift`."""
        return _CONV[self.space](self.g, spec.in_channels, channels, 1, in_grades=spec.in_grades)

    def project(self, spec: FieldSpec, channels: int) -> nn.Module:
        """See `LayerFactory.project`."""
        return _CONV[self.space](self.g, channels, spec.out_channels, 1, out_grades=spec.out_grades)

    def conv(self, in_channels: int, out_channels: int, size: int, stride: int = 1) -> nn.Module:
        """See `LayerFactory.conv`."""
        rim = size // 2
        if self.rotation:
            return CliffordRotationConv2d(
                in_channels, out_channels, size, stride, rim, padding_mode=self.padding_mode
            )
        return _CONV[self.space](
            self.g, in_channels, out_channels, size, stride, rim, padding_mode=self.padding_mode
        )

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
    """Layers of numbers, for comparison.

    Args:
        g: the algebra of the fields, or its signature as a list of squares: tells how many
            numbers the grades of `FieldSpec` are.
        space: how many axes of space, 1 to 3.
        padding_mode: what stands outside of the field.
        with_norm: whether hidden fields are normalized (group norm of one group).

    Raises:
        UsageError: no such number of axes.
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
        make: Callable[..., nn.Module] = _PLAIN[self.space]
        rim = size // 2
        return make(in_channels, out_channels, size, stride, rim, padding_mode=self.padding_mode)

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
    """Takes the blades of a field for channels, then convolves."""

    def __init__(self, channels: int, blades: int, space: int, conv: nn.Module) -> None:
        super().__init__()
        self.channels, self.blades, self.space, self.conv = channels, blades, space, conv

    def forward(self, x: Tensor) -> Tensor:
        check_field(x, self.channels, self.blades, self.space, "The network")
        made: Tensor = self.conv(x.flatten(1, 2))
        return made


class _ToField(nn.Module):
    """Convolves, then takes channels for the blades of a field."""

    def __init__(self, blades: int, conv: nn.Module) -> None:
        super().__init__()
        self.blades, self.conv = blades, conv

    def forward(self, x: Tensor) -> Tensor:
        return split_channels(self.conv(x), self.blades)


def _check_space(space: int) -> None:
    if space not in _CONV:
        raise UsageError(f"Networks are for 1, 2 or 3 axes of space, not {space}.")


def _check_modes(modes: tuple[int, ...], space: int) -> None:
    if space == 1 or len(modes) != space:
        raise UsageError(
            f"Spectral networks are for 2 or 3 axes of space with as many modes, not {space} axes "
            f"and modes {modes}."
        )
