"""From options to fields: each trajectory has a random generator of its own, of seed and number."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from kinoloom.clifford.fields import maxwell, shallow_water, smoke
from kinoloom.clifford.fields.noun import Fields, Trajectory
from kinoloom.clifford.fields.periodic import Grid
from kinoloom.errors import UsageError

if TYPE_CHECKING:
    from kinoloom.clifford.options import MaxwellOptions, ShallowWaterOptions, SmokeOptions

_ELSEWHERE = ("trajectories", "steps", "step", "cells")


def smoke_fields(options: SmokeOptions) -> Fields:
    """Trajectories of rising smoke; see `fields.smoke`."""
    grid = Grid(options.cells, options.length, 2)
    coefficients = (options.viscosity, options.diffusivity, options.buoyancy)
    equation = smoke.Smoke(grid, *coefficients)

    def make(number: int) -> Trajectory:
        rng = _generator(options.seed, number)
        return smoke.smoke_trajectory(equation, rng, options.steps, options.step, options.skip)

    about = _about(options, grid, smoke.SIGNATURE, smoke.GRADES, 3)
    return Fields(name="smoke", make=make, **about)


def shallow_water_fields(options: ShallowWaterOptions) -> Fields:
    """Trajectories of shallow water; see `fields.shallow_water`."""
    grid = Grid(options.cells, options.length, 2)
    coefficients = (options.depth, options.gravity, options.coriolis, options.viscosity)
    equation = shallow_water.ShallowWater(grid, *coefficients)
    height = options.height * options.depth

    def make(number: int) -> Trajectory:
        rng = _generator(options.seed, number)
        return shallow_water.water_trajectory(equation, rng, options.steps, options.step, height)

    about = _about(options, grid, shallow_water.SIGNATURE, shallow_water.GRADES, 3)
    return Fields(name="shallow-water", make=make, **about)


def maxwell_fields(options: MaxwellOptions) -> Fields:
    """Trajectories of light; see `fields.maxwell`.

    Raises:
        UsageError: waves shorter than three cells, which the grid cannot hold.
    """
    grid = Grid(options.cells, options.length, 3)
    if options.wavelength < 3 * grid.cell:
        raise UsageError(
            f"Waves of length {options.wavelength:g} need cells of a third of that; these are "
            f"{grid.cell:g}.",
            hint="Take more cells or longer waves.",
        )
    equation = maxwell.Maxwell(grid)

    def make(number: int) -> Trajectory:
        rng = _generator(options.seed, number)
        sizes = (options.steps, options.step, options.wavelength)
        return maxwell.maxwell_trajectory(equation, rng, *sizes)

    about = _about(options, grid, maxwell.SIGNATURE, maxwell.GRADES, 6)
    return Fields(name="maxwell", make=make, **about)


def _generator(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))


def _about(
    options: Any, grid: Grid, signature: tuple[int, ...], grades: tuple[int, ...], blades: int
) -> dict[str, Any]:
    told = dataclasses.asdict(options)
    return {
        "signature": signature,
        "grades": grades,
        "shape": (options.steps, blades, *[grid.cells] * grid.dim),
        "count": options.trajectories,
        "step_s": options.step,
        "cell": grid.cell,
        "parameters": {key: value for key, value in told.items() if key not in _ELSEWHERE},
    }
