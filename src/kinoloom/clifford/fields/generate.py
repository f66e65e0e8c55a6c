"""Generation of fields from options.

Each trajectory has its own random generator, seeded by the seed of the options and its index, so
it does not depend on the number of trajectories.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from kinoloom.clifford.fields import maxwell, shallow_water, smoke
from kinoloom.clifford.fields.dataset import Fields, Trajectory
from kinoloom.clifford.fields.periodic import Grid
from kinoloom.errors import UsageError

if TYPE_CHECKING:
    from kinoloom.clifford.options import MaxwellOptions, ShallowWaterOptions, SmokeOptions

_MIN_CELLS_PER_WAVELENGTH = 3
_STORED_ELSEWHERE = ("trajectories", "steps", "step", "cells")


def generate_smoke(options: SmokeOptions) -> Fields:
    """Return trajectories of rising smoke; see `fields.smoke`."""
    grid = Grid(options.cells, options.length, 2)
    coefficients = (options.viscosity, options.diffusivity, options.buoyancy)
    equation = smoke.Smoke(grid, *coefficients)

    def load(index: int) -> Trajectory:
        rng = _create_generator(options.seed, index)
        return smoke.simulate_smoke(equation, rng, options.steps, options.step, options.skip)

    metadata = _describe(options, grid, smoke.SIGNATURE, smoke.GRADES, 3)
    return Fields(name="smoke", load=load, **metadata)


def generate_shallow_water(options: ShallowWaterOptions) -> Fields:
    """Return trajectories of shallow water; see `fields.shallow_water`."""
    grid = Grid(options.cells, options.length, 2)
    coefficients = (options.depth, options.gravity, options.coriolis, options.viscosity)
    equation = shallow_water.ShallowWater(grid, *coefficients)
    height = options.height * options.depth

    def load(index: int) -> Trajectory:
        rng = _create_generator(options.seed, index)
        sizes = (options.steps, options.step, height)
        return shallow_water.simulate_shallow_water(equation, rng, *sizes)

    metadata = _describe(options, grid, shallow_water.SIGNATURE, shallow_water.GRADES, 3)
    return Fields(name="shallow-water", load=load, **metadata)


def generate_maxwell(options: MaxwellOptions) -> Fields:
    """Return trajectories of electromagnetic waves; see `fields.maxwell`.

    Raises:
        UsageError: the grid does not resolve the wavelength.
    """
    grid = Grid(options.cells, options.length, 3)
    shortest = _MIN_CELLS_PER_WAVELENGTH * grid.cell
    if options.wavelength < shortest:
        raise UsageError(
            f"The wavelength {options.wavelength:g} is too short for grid cells of "
            f"{grid.cell:g}: expected at least {shortest:g}.",
            hint="Increase --cells or --wavelength.",
        )
    equation = maxwell.Maxwell(grid)

    def load(index: int) -> Trajectory:
        rng = _create_generator(options.seed, index)
        sizes = (options.steps, options.step, options.wavelength)
        return maxwell.simulate_maxwell(equation, rng, *sizes)

    metadata = _describe(options, grid, maxwell.SIGNATURE, maxwell.GRADES, 6)
    return Fields(name="maxwell", load=load, **metadata)


def _create_generator(seed: int, index: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))


def _describe(
    options: Any, grid: Grid, signature: tuple[int, ...], grades: tuple[int, ...], blades: int
) -> dict[str, Any]:
    """Return the metadata of `Fields`."""
    values = dataclasses.asdict(options)
    return {
        "signature": signature,
        "grades": grades,
        "shape": (options.steps, blades, *[grid.cells] * grid.dim),
        "count": options.trajectories,
        "step_s": options.step,
        "cell": grid.cell,
        "parameters": {k: value for k, value in values.items() if k not in _STORED_ELSEWHERE},
    }
