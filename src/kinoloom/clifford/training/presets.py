"""Presets of `train clifford`: an equation and an architecture, such as "smoke-cresnet".

The networks of a family have equal sizes: the width of plain and rotational networks is chosen to
match the number of parameters of the Clifford network. torch is imported only to build a network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from kinoloom.clifford.fields.dataset import Fields
from kinoloom.clifford.fields.generate import (
    generate_maxwell,
    generate_shallow_water,
    generate_smoke,
)
from kinoloom.clifford.options import (
    FromClipOptions,
    MaxwellOptions,
    ShallowWaterOptions,
    SmokeOptions,
)
from kinoloom.errors import UsageError
from kinoloom.learn.settings import Settings

if TYPE_CHECKING:
    from torch import nn

    from kinoloom.clifford.nets.layer_factory import LayerFactory

HISTORY_STEPS = 2
"""Number of time steps of the input, enough to infer the rate of change."""


@dataclass(frozen=True)
class Equation:
    """An equation to learn.

    Attributes:
        generate: generates trajectories from options; None if they come from files only.
        options: class of these options.
        overrides: values that differ from the defaults of the class.
        signature, grades: of the fields.
        space: number of axes of space.
        widths: multivector channels of the Clifford network of each family.
        padding_mode: values outside the field.
    """

    generate: Callable[[Any], Fields] | None
    options: type
    overrides: dict[str, Any]
    signature: tuple[int, ...]
    grades: tuple[int, ...]
    space: int
    widths: dict[str, int] = field(default_factory=dict)
    padding_mode: Literal["circular", "replicate"] = "circular"


@dataclass(frozen=True)
class Architecture:
    """A network architecture.

    Attributes:
        family: "resnet", "fno" or "unet".
        layers: "clifford", "rotation" or "plain".
    """

    family: str
    layers: str


EQUATIONS = {
    "smoke": Equation(
        generate_smoke, SmokeOptions, {"cells": 32, "steps": 16}, (1, 1), (0, 1), 2,
        {"resnet": 12, "fno": 8, "unet": 8},
    ),
    "shallow-water": Equation(
        generate_shallow_water, ShallowWaterOptions, {"cells": 32, "steps": 16}, (1, 1), (0, 1), 2,
        {"resnet": 12, "fno": 8, "unet": 8},
    ),
    "maxwell": Equation(
        generate_maxwell, MaxwellOptions, {"cells": 16, "steps": 16}, (1, 1, 1), (1, 2), 3,
        {"resnet": 8, "fno": 4, "unet": 4},
    ),
    "video": Equation(
        None, FromClipOptions, {}, (1, 1), (0, 1, 2), 2, {"resnet": 12, "fno": 8, "unet": 8},
        "replicate",
    ),
}  # fmt: skip
ARCHITECTURES = {
    "cresnet": Architecture("resnet", "clifford"),
    "rotresnet": Architecture("resnet", "rotation"),
    "resnet": Architecture("resnet", "plain"),
    "cfno": Architecture("fno", "clifford"),
    "fno": Architecture("fno", "plain"),
    "cunet": Architecture("unet", "clifford"),
    "unet": Architecture("unet", "plain"),
}
SETTINGS = Settings(
    steps=2000,
    batch=8,
    learning_rate=2e-3,
    schedule="cosine",
    warmup_steps=50,
    clip=1.0,
    validate_steps=500,
    validate_s=None,
    tensorboard=False,
    loaders=0,
)
_BLOCKS = 4
_MODES = 8


@dataclass(frozen=True)
class Preset:
    """An equation and an architecture."""

    name: str
    equation: Equation
    architecture: Architecture

    def generate_fields(self, trajectories: int, seed: int) -> Fields:
        """Return simulated trajectories.

        Raises:
            UsageError: the equation has no solver.
        """
        if self.equation.generate is None:
            raise UsageError(
                f"The preset {self.name} cannot simulate fields: --train-data and --held-out are "
                "required.",
                hint="Convert videos with `kinoloom fields from-clip in.mp4 -o fields.npz`.",
            )
        values = {**self.equation.overrides, "trajectories": trajectories, "seed": seed}
        return self.equation.generate(self.equation.options(**values))

    def build_net(self) -> nn.Module:
        """Return the network, with weights drawn from torch's generator."""
        from kinoloom.clifford.nets.sizing import count_parameters, match_width

        layers, width = self.architecture.layers, self.equation.widths[self.architecture.family]
        if layers != "clifford":
            target = count_parameters(self._build("clifford", width))
            width = match_width(lambda channels: self._build(layers, channels), target)
        return self._build(layers, width)

    def _build(self, layers: str, width: int) -> nn.Module:
        from kinoloom.clifford.nets.fno import FNO
        from kinoloom.clifford.nets.layer_factory import FieldSpec
        from kinoloom.clifford.nets.resnet import ResNet
        from kinoloom.clifford.nets.unet import UNet

        factory, grades = self._create_factory(layers), self.equation.grades
        spec = FieldSpec(HISTORY_STEPS, 1, grades, grades)
        if self.architecture.family == "fno":
            modes = (_MODES // (self.equation.space - 1),) * self.equation.space
            return FNO(factory, spec, width, modes, _BLOCKS)
        if self.architecture.family == "unet":
            return UNet(factory, spec, width)
        return ResNet(factory, spec, width, _BLOCKS)

    def _create_factory(self, layers: str) -> LayerFactory:
        from kinoloom.clifford.nets.layer_factory import CliffordLayers, PlainLayers

        signature, space = self.equation.signature, self.equation.space
        padding = self.equation.padding_mode
        if layers == "plain":
            return PlainLayers(signature, space, padding)
        if layers == "rotation":
            return CliffordLayers((-1, -1), space, padding, rotation=True)
        return CliffordLayers(signature, space, padding)


def list_presets() -> list[str]:
    """Return the names of all presets."""
    return [
        f"{equation}-{architecture}"
        for equation in EQUATIONS
        for architecture in ARCHITECTURES
        if _is_supported(equation, architecture)
    ]


def get_preset(name: str) -> Preset:
    """Return a preset by its name.

    Raises:
        UsageError: the name is unknown.
    """
    equation, _, architecture = name.rpartition("-")
    is_known = equation in EQUATIONS and architecture in ARCHITECTURES
    if not is_known or not _is_supported(equation, architecture):
        raise UsageError(
            f"Unknown preset '{name}': expected an equation ({', '.join(EQUATIONS)}) and an "
            f"architecture ({', '.join(ARCHITECTURES)}), such as smoke-cresnet.",
            hint="rotresnet requires an equation in the plane.",
        )
    return Preset(name, EQUATIONS[equation], ARCHITECTURES[architecture])


def _is_supported(equation: str, architecture: str) -> bool:
    # Rotational layers exist in the plane only.
    return ARCHITECTURES[architecture].layers != "rotation" or EQUATIONS[equation].space == 2
