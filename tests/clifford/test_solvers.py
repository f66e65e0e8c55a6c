"""Tests of the solvers: exact solutions, orders of convergence, conservation laws."""

import math

import numpy as np
import pytest

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.fields.maxwell import Maxwell
from kinoloom.clifford.fields.periodic import Grid, advance, count_substeps
from kinoloom.clifford.fields.shallow_water import ShallowWater
from kinoloom.clifford.fields.smoke import Smoke
from kinoloom.errors import UsageError

TAU = 2 * math.pi
PLANE = Grid(32, TAU, 2)


def convergence_order(errors: list[float]) -> float:
    """Return the order of convergence from errors of a step and half of it."""
    return math.log2(errors[0] / errors[1])


# ---- grid ----


def test_gradient_of_waves_is_exact() -> None:
    x, y = PLANE.coordinates
    slope = PLANE.gradient(PLANE.fft(np.sin(2 * x) * np.cos(3 * y)))
    np.testing.assert_allclose(slope[0], 2 * np.cos(2 * x) * np.cos(3 * y), atol=1e-12)
    np.testing.assert_allclose(slope[1], -3 * np.sin(2 * x) * np.sin(3 * y), atol=1e-12)


@pytest.mark.parametrize("cells", [16, 15])
def test_dealiasing_mask_prevents_aliasing(cells: int) -> None:
    """The aliases of products of kept modes are dropped modes."""
    grid = Grid(cells, TAU, 1)
    highest = int(grid.wave_vectors[0][grid.dealiasing_mask].max().round())
    assert highest >= cells // 3 - 1
    assert cells - 2 * highest > highest
    assert not grid.dealiasing_mask[cells // 2] or cells % 2


def test_sampled_fields_are_smooth_and_seeded() -> None:
    drawn = [PLANE.sample_field(np.random.default_rng(seed), TAU / 4) for seed in (1, 1, 2)]
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()
    assert abs(drawn[0].mean()) < 1e-12
    assert drawn[0].std() == pytest.approx(1)
    power = np.abs(PLANE.fft(drawn[0])) ** 2
    assert power[PLANE.squared_wave_numbers > 12**2].sum() < 0.02 * power.sum()


def test_step_is_fourth_order_and_exact_for_linear_decay() -> None:
    """y' = -y ** 2 - 3 y from 1 has the solution 3 / (4 exp(3 t) - 1)."""
    errors = []
    for steps in (8, 16):
        y = np.ones((1, 1), complex)
        for _ in range(steps):
            y = advance(y, np.array([[3.0]]), lambda s: -s * s, 1 / steps)
        errors.append(abs(y[0, 0] - 3 / (4 * math.exp(3) - 1)))
    assert 3.7 < convergence_order(errors) < 4.5
    alone = advance(np.ones((1, 1), complex), np.array([[3.0]]), lambda s: 0 * s, 1.0)
    assert alone[0, 0] == pytest.approx(math.exp(-3))


def test_substeps_follow_the_courant_number() -> None:
    assert count_substeps(1.0, 0.0, 0.5) == 1
    assert count_substeps(1.0, 2.0, 0.5) == 8
    for speed in (1e6, float("inf"), float("nan")):
        with pytest.raises(UsageError, match="expected at most 100000"):
            count_substeps(1.0, speed, 0.5)


# ---- smoke ----


def test_taylor_green_vortices_decay_exactly() -> None:
    x, y = PLANE.coordinates
    swirl = np.stack([0 * x, np.sin(2 * x) * np.cos(2 * y), -np.cos(2 * x) * np.sin(2 * y)])
    equation = Smoke(PLANE, viscosity=0.03, diffusivity=0.01, buoyancy=0.0)
    later = equation.to_field(equation.advance(equation.to_spectra(swirl), 2.0, substeps=5))
    np.testing.assert_allclose(later, swirl * math.exp(-2 * 0.03 * 4 * 2.0), atol=1e-13)


def test_column_of_smoke_converges_to_exact_solution() -> None:
    """s = cos 3x: u2 = b s (exp(-kappa 9 t) - exp(-nu 9 t)) / (9 (nu - kappa)), to fourth order."""
    x, _ = PLANE.coordinates
    column = np.stack([np.cos(3 * x), 0 * x, 0 * x])
    equation = Smoke(PLANE, viscosity=0.3, diffusivity=0.1, buoyancy=2.0)
    fade, drag = math.exp(-0.1 * 9), math.exp(-0.3 * 9)
    lift = 2.0 * (fade - drag) / (9 * 0.2)
    expected = np.stack([fade * np.cos(3 * x), 0 * x, lift * np.cos(3 * x)])
    errors = []
    for steps in (2, 4):
        later = equation.to_field(equation.advance(equation.to_spectra(column), 1.0, steps))
        errors.append(float(np.abs(later - expected).max()))
    assert errors[1] < 1e-4
    assert 3.6 < convergence_order(errors) < 4.6


def test_stratified_smoke_is_stationary() -> None:
    _, y = PLANE.coordinates
    layers = np.stack([np.sin(y), 0 * y, 0 * y])
    equation = Smoke(PLANE, 0.0, 0.0, 1.0)
    later = equation.to_field(equation.advance(equation.to_spectra(layers), 3.0, substeps=3))
    np.testing.assert_allclose(later, layers, atol=1e-13)


def test_smoke_is_divergence_free_and_conserves_energy() -> None:
    equation = Smoke(PLANE, 0.0, 0.0, 0.0)
    rng = np.random.default_rng(0)
    start = equation.sample_initial_state(rng)
    start[1] = PLANE.fft(PLANE.sample_field(rng, TAU / 2))
    changes = []
    for steps in (20, 40):
        state = equation.advance(start, 1.0, steps)
        smoke, u1, u2 = equation.to_field(state)
        before = equation.to_field(start)
        energy = [float((f[1] ** 2 + f[2] ** 2).mean()) for f in (before, (smoke, u1, u2))]
        changes.append(abs(energy[1] / energy[0] - 1))
        assert abs((smoke**2).mean() / (before[0] ** 2).mean() - 1) < 1e-4
        assert abs(smoke.mean() - before[0].mean()) < 1e-14
        divergence = PLANE.gradient(PLANE.fft(u1))[0] + PLANE.gradient(PLANE.fft(u2))[1]
        assert np.abs(divergence).max() < 1e-12
    assert changes[1] < 1e-6
    assert convergence_order(changes) > 3.5


def test_smoke_converges_at_fourth_order() -> None:
    equation = Smoke(PLANE, 0.02, 0.02, 1.0)
    start = equation.sample_initial_state(np.random.default_rng(3))
    runs = [equation.to_field(equation.advance(start, 1.0, n)) for n in (10, 20, 80)]
    errors = [float(np.abs(run - runs[2]).max()) for run in runs[:2]]
    assert 3.5 < convergence_order(errors) < 5
    chosen = equation.to_field(equation.advance(start, 1.0))
    assert np.abs(chosen - runs[2]).max() < 1e-3


# ---- shallow water ----


@pytest.mark.parametrize("coriolis", [0.0, 1.5])
def test_gravity_waves_follow_the_dispersion_relation(coriolis: float) -> None:
    """h = a cos(k x - w t), u1 = a w / (H k) cos, u2 = a f / (H k) sin."""
    x, _ = PLANE.coordinates
    depth, gravity, k, size = 2.0, 3.0, 2, 1e-7
    frequency = math.sqrt(coriolis**2 + gravity * depth * k**2)

    def wave(time: float) -> np.ndarray:
        cos, sin = np.cos(k * x - frequency * time), np.sin(k * x - frequency * time)
        along, across = frequency / (depth * k), coriolis / (depth * k)
        return size * np.stack([cos, along * cos, across * sin])

    equation = ShallowWater(PLANE, depth, gravity, coriolis, 0.0)
    errors = []
    for steps in (10, 20):
        later = equation.to_field(equation.advance(equation.to_spectra(wave(0)), 1.0, steps))
        errors.append(float(np.abs(later - wave(1.0)).max() / size))
    assert errors[1] < 1e-3
    assert 3.5 < convergence_order(errors) < 5


def test_geostrophic_ridge_is_stationary() -> None:
    x, _ = PLANE.coordinates
    ridge = np.stack([0.4 * np.cos(x), 0 * x, -3.0 / 1.5 * 0.4 * np.sin(x)])
    equation = ShallowWater(PLANE, depth=1.0, gravity=3.0, coriolis=1.5, viscosity=0.0)
    later = equation.to_field(equation.advance(equation.to_spectra(ridge), 2.0, substeps=40))
    np.testing.assert_allclose(later, ridge, atol=1e-12)


def test_shallow_water_conserves_mass_and_energy() -> None:
    equation = ShallowWater(PLANE, 1.0, 1.0, 0.5, 0.0)
    start = equation.sample_initial_state(np.random.default_rng(0), 0.05)

    def energy(state: np.ndarray) -> float:
        h, u1, u2 = equation.to_field(state)
        return float(((1 + h) * (u1**2 + u2**2) + h**2).mean() / 2)

    later = equation.advance(start, 2.0)
    assert abs(equation.to_field(later)[0].mean()) < 1e-14
    assert energy(later) == pytest.approx(energy(start), rel=1e-3)
    errors = []
    reference = equation.to_field(equation.advance(start, 2.0, 160))
    for steps in (20, 40):
        run = equation.to_field(equation.advance(start, 2.0, steps))
        errors.append(float(np.abs(run - reference).max()))
    assert convergence_order(errors) > 3.5


# ---- Maxwell ----


def test_plane_wave_propagates_at_the_speed_of_light() -> None:
    cube = Grid(8, TAU, 3)
    x, y, _ = cube.coordinates
    k, length = np.array([1.0, 2.0, 0.0]), math.sqrt(5)
    electric = np.array([0.0, 0.0, 1.0])
    magnetic = np.cross(k / length, electric)

    def wave(time: float) -> np.ndarray:
        phase = np.cos(k[0] * x + k[1] * y - length * time)
        return np.stack([v[:, None, None, None] * phase for v in (electric, magnetic)])

    equation = Maxwell(cube)
    later = equation.propagate(cube.fft(wave(0.0)), 3.7)
    np.testing.assert_allclose(cube.ifft(later), wave(3.7), atol=1e-12)


def test_maxwell_satisfies_the_geometric_algebra_equation() -> None:
    """(d/dt + grad) F = 0 with the geometric product and a central difference in time."""
    algebra, cube = Algebra(3), Grid(8, TAU, 3)
    equation = Maxwell(cube)
    start = equation.sample_initial_state(np.random.default_rng(0), TAU / 2)

    def multivector(time: float) -> np.ndarray:
        field = equation.to_field(equation.propagate(start, time))
        full = np.zeros((8, 8, 8, 8))
        full[[1, 2, 3, 4, 5, 6]] = field
        return full

    step = 1e-3
    rate = (multivector(step) - multivector(-step)) / (2 * step)
    spectrum = cube.fft(multivector(0.0))
    slopes = [cube.ifft(1j * wave * spectrum) for wave in cube.wave_vectors]
    gradient = sum(
        algebra.geometric_product(np.eye(8)[1 + axis], np.moveaxis(slope, 0, -1))
        for axis, slope in enumerate(slopes)
    )
    np.testing.assert_allclose(np.moveaxis(rate, 0, -1), -gradient, atol=1e-4)
    assert np.abs(gradient).max() > 1


def test_maxwell_conserves_energy_and_is_divergence_free() -> None:
    cube = Grid(12, 5.0, 3)
    equation = Maxwell(cube)
    start = equation.sample_initial_state(np.random.default_rng(1), 3.0)
    for time in (0.0, 0.3, -40.0):
        state = equation.propagate(start, time)
        assert (cube.ifft(state) ** 2).mean() == pytest.approx(1.0)
        assert np.abs(cube.ifft((cube.wave_vectors * state).sum(1) * 1j)).max() < 1e-12
    both = equation.propagate(equation.propagate(start, 0.7), 0.9)
    np.testing.assert_allclose(both, equation.propagate(start, 1.6), atol=1e-9)
