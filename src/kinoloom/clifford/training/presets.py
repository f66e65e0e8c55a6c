"""Presets: an equation, a network and how it is trained, by name: "smoke-cresnet".

A name is an equation and a form. The forms of one family are as large as one another: the plain
one is as wide as gives it nearest as many parameters as the Clifford one has. No torch is loaded
until a network is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from kinoloom.clifford.fields.make import maxwell_fields, shallow_water_fields, smoke_fields
from kinoloom.clifford.fields.noun import Fields
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

    from kinoloom.clifford.nets.kits import Kit

MOMENTS = 2
"""How many moments a network is shown: two tell a field and its motion."""


@dataclass(frozen=True)
class Equation:
    """What is learned.

    Attributes:
        make: the trajectories of options, or None where they come from files alone.
        options: the class of these options.
        given: those that differ from the class's defaults.
        signature, grades: of the fields.
        space: how many axes.
        widths: multivector channels of each family of networks.
        padding_mode: what networks see outside of the field.
    """

    make: Callable[[Any], Fields] | None
    options: type
    given: dict[str, Any]
    signature: tuple[int, ...]
    grades: tuple[int, ...]
    space: int
    widths: dict[str, int] = field(default_factory=dict)
    padding_mode: Literal["circular", "replicate"] = "circular"


@dataclass(frozen=True)
class Form:
    """A network of a family.

    Attributes:
        family: "resnet", "fno" or "unet".
        kit: "clifford", "rotation" or "plain".
    """

    family: str
    kit: str


EQUATIONS = {
    "smoke": Equation(
        smoke_fields, SmokeOptions, {"cells": 32, "steps": 16}, (1, 1), (0, 1), 2,
        {"resnet": 12, "fno": 8, "unet": 8},
    ),
    "shallow-water": Equation(
        shallow_water_fields, ShallowWaterOptions, {"cells": 32, "steps": 16}, (1, 1), (0, 1), 2,
        {"resnet": 12, "fno": 8, "unet": 8},
    ),
    "maxwell": Equation(
        maxwell_fields, MaxwellOptions, {"cells": 16, "steps": 16}, (1, 1, 1), (1, 2), 3,
        {"resnet": 8, "fno": 4, "unet": 4},
    ),
    "video": Equation(
        None, FromClipOptions, {}, (1, 1), (0, 1, 2), 2, {"resnet": 12, "fno": 8, "unet": 8},
        "replicate",
    ),
}  # fmt: skip
FORMS = {
    "cresnet": Form("resnet", "clifford"),
    "rotresnet": Form("resnet", "rotation"),
    "resnet": Form("resnet", "plain"),
    "cfno": Form("fno", "clifford"),
    "fno": Form("fno", "plain"),
    "cunet": Form("unet", "clifford"),
    "unet": Form("unet", "plain"),
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
    """An equation and a form of network."""

    name: str
    equation: Equation
    form: Form

    def fields(self, trajectories: int, seed: int) -> Fields:
        """Trajectories to learn from or to be tested on, by their seed.

        Raises:
            UsageError: they cannot be made, only read.
        """
        if self.equation.make is None:
            raise UsageError(
                f"{self.name} learns from videos: give it --learned and --held-out.",
                hint="`kinoloom fields from-clip in.mp4 -o field.npz` makes them.",
            )
        given = {**self.equation.given, "trajectories": trajectories, "seed": seed}
        return self.equation.make(self.equation.options(**given))

    def net(self) -> nn.Module:
        """The network, its weights drawn anew from torch's generator."""
        from kinoloom.clifford.nets.size import parameter_count, width_of_equal_size

        width = self.equation.widths[self.form.family]
        if self.form.kit != "clifford":
            target = parameter_count(self._of_width("clifford", width))
            width = width_of_equal_size(lambda w: self._of_width(self.form.kit, w), target)
        return self._of_width(self.form.kit, width)

    def _of_width(self, kit_name: str, width: int) -> nn.Module:
        from kinoloom.clifford.nets.fno import FNO
        from kinoloom.clifford.nets.kits import Ends
        from kinoloom.clifford.nets.resnet import ResNet
        from kinoloom.clifford.nets.unet import UNet

        kit, grades = self._kit(kit_name), self.equation.grades
        ends = Ends(MOMENTS, 1, grades, grades)
        if self.form.family == "fno":
            modes = (_MODES // (self.equation.space - 1),) * self.equation.space
            return FNO(kit, ends, width, modes, _BLOCKS)
        if self.form.family == "unet":
            return UNet(kit, ends, width)
        return ResNet(kit, ends, width, _BLOCKS)

    def _kit(self, name: str) -> Kit:
        from kinoloom.clifford.nets.kits import CliffordKit, PlainKit

        signature, space = self.equation.signature, self.equation.space
        padding = self.equation.padding_mode
        if name == "plain":
            return PlainKit(signature, space, padding)
        if name == "rotation":
            return CliffordKit((-1, -1), space, padding, rotation=True)
        return CliffordKit(signature, space, padding)


def names() -> list[str]:
    """The names of all presets."""
    return [
        f"{equation}-{form}" for equation in EQUATIONS for form in FORMS if _goes(equation, form)
    ]


def preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        UsageError: there is none of that name.
    """
    equation, _, form = name.rpartition("-")
    if equation not in EQUATIONS or form not in FORMS or not _goes(equation, form):
        raise UsageError(f"There is no preset '{name}'.", hint=f"There are {', '.join(names())}.")
    return Preset(name, EQUATIONS[equation], FORMS[form])


def _goes(equation: str, form: str) -> bool:
    """Rotations are of the plane."""
    return FORMS[form].kit != "rotation" or EQUATIONS[equation].space == 2
