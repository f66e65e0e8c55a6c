"""Interpolation of colour LUTs, and the filter that applies them."""

from pathlib import Path

import numpy as np
import pytest
from filter_pictures import build_scene, pictures
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kinoloom.enhance.filters.lut.cube_file import write_cube
from kinoloom.enhance.filters.lut.filter import Lut
from kinoloom.enhance.filters.lut.interpolation import Interpolation, apply_lut
from kinoloom.enhance.filters.lut.tables import ColorLut, Lut1D, Lut3D, identity_lut

METHODS: tuple[Interpolation, ...] = ("tetrahedral", "trilinear")
UNIT = st.floats(0, 1, width=32)


def linear_lut(matrix: np.ndarray, size: int) -> ColorLut:
    table = identity_lut(size).table @ matrix.astype(np.float32).T
    return ColorLut(lattice=Lut3D(np.asarray(table, np.float32)))


@given(picture=pictures(), size=st.integers(2, 40), method=st.sampled_from(METHODS))
@settings(max_examples=60)
def test_the_identity_is_exact(picture: np.ndarray, size: int, method: Interpolation) -> None:
    assert (apply_lut(picture, ColorLut(lattice=identity_lut(size)), method) == picture).all()
    ramp = np.repeat(np.linspace(0, 1, size, dtype=np.float32), 3).reshape(-1, 3)
    assert (apply_lut(picture, ColorLut(Lut1D(ramp))) == picture).all()


@given(
    picture=pictures(),
    size=st.integers(2, 20),
    matrix=arrays.arrays(np.float64, (3, 3), elements=st.floats(-1, 1)),
)
@settings(max_examples=60)
def test_both_methods_are_exact_for_linear_tables(
    picture: np.ndarray, size: int, matrix: np.ndarray
) -> None:
    lut = linear_lut(matrix, size)
    one, two = (apply_lut(picture, lut, method) for method in METHODS)
    np.testing.assert_allclose(one, two, atol=3e-6)
    np.testing.assert_allclose(one, picture @ matrix.T, atol=1e-5)


@given(
    table=arrays.arrays(np.float32, (3, 3, 3, 3), elements=UNIT),
    color=arrays.arrays(np.float64, 3, elements=st.floats(0, 1)),
)
@settings(max_examples=100)
def test_methods_match_their_definitions(table: np.ndarray, color: np.ndarray) -> None:
    cell = np.minimum((color * 2).astype(int), 1)
    fraction = color * 2 - cell
    corner = table[cell[2] : cell[2] + 2, cell[1] : cell[1] + 2, cell[0] : cell[0] + 2]
    corner = corner.astype(np.float64)
    trilinear = np.zeros(3)
    for blue, green, red in np.ndindex(2, 2, 2):
        at = np.array([red, green, blue])
        trilinear += np.where(at, fraction, 1 - fraction).prod() * corner[blue, green, red]
    walk, at, tetrahedral = np.argsort(-fraction), [0, 0, 0], corner[0, 0, 0].copy()
    for axis in walk:
        before = corner[at[2], at[1], at[0]]
        at[axis] = 1
        tetrahedral += fraction[axis] * (corner[at[2], at[1], at[0]] - before)
    pixel, lut = color.astype(np.float32).reshape(1, 1, 3), ColorLut(lattice=Lut3D(table))
    np.testing.assert_allclose(apply_lut(pixel, lut)[0, 0], tetrahedral, atol=3e-6)
    np.testing.assert_allclose(apply_lut(pixel, lut, "trilinear")[0, 0], trilinear, atol=3e-6)


def test_entries_are_reproduced_exactly() -> None:
    rng = np.random.default_rng(4)
    lattice = Lut3D(rng.random((5, 5, 5, 3), np.float32))
    inputs = identity_lut(5).table.reshape(1, -1, 3)
    for method in METHODS:
        result = apply_lut(inputs, ColorLut(lattice=lattice), method)
        np.testing.assert_allclose(result.reshape(lattice.table.shape), lattice.table, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_inputs_beyond_the_domain_are_clipped(method: Interpolation) -> None:
    low, high = (0.25, 0.25, 0.25), (0.75, 0.75, 0.75)
    table = np.asarray(1 - identity_lut(3, low, high).table, np.float32)
    lut = ColorLut(lattice=Lut3D(table, low, high))
    picture = np.float32([[[0.0, 0.5, 1.0], [0.25, 0.3, 0.75]]])
    expected = [[[0.75, 0.5, 0.25], [0.75, 0.7, 0.25]]]
    np.testing.assert_allclose(apply_lut(picture, lut, method), expected, atol=1e-6)


def test_the_shaper_acts_first() -> None:
    shaper = Lut1D(np.float32([[0, 0, 0], [0.5, 0.5, 0.5]]))
    lattice = Lut3D(np.asarray(1 - identity_lut(2).table, np.float32))
    white = np.ones((1, 1, 3), np.float32)
    assert apply_lut(white, ColorLut(shaper, lattice))[0, 0].tolist() == [0.5, 0.5, 0.5]


def test_a_1d_table_interpolates_linearly() -> None:
    shaper = Lut1D(np.float32([[0, 1, 0], [1, 0, 0], [0, 1, 1]]))
    picture = np.float32([[[0.25, 0.125, 0.75]]])
    np.testing.assert_allclose(
        apply_lut(picture, ColorLut(shaper)), [[[0.5, 0.75, 0.5]]], atol=1e-6
    )


def test_the_filter_reads_a_file_and_blends(tmp_path: Path) -> None:
    path = tmp_path / "negative.cube"
    write_cube(path, ColorLut(lattice=Lut3D(np.asarray(1 - identity_lut(2).table, np.float32))))
    scene = build_scene()
    np.testing.assert_allclose(Lut(file=path)(scene), 1 - scene, atol=1e-6)
    np.testing.assert_allclose(Lut(file=path, strength=0.5)(scene), 0.5, atol=1e-6)
    assert Lut(file=path, strength=0)(scene) is scene
    assert Lut(file=path).reach_px == 0
