"""Tone curves."""

from itertools import pairwise

import numpy as np
import pytest
from filter_pictures import build_scene, pictures
from hypothesis import given, settings
from hypothesis import strategies as st

from kinoloom.enhance.filters.curves import (
    NAMED_CURVES,
    Curves,
    Points,
    ToneCurves,
    evaluate_curve,
    parse_curves,
)
from kinoloom.errors import UsageError

STRAIGHT: Points = ((0.0, 0.0), (1.0, 1.0))


@st.composite
def curves(draw: st.DrawFn) -> Points:
    """Points with any y, their x at least 1/64 apart."""
    middle = draw(st.sets(st.integers(1, 63), max_size=6))
    x = [0.0, *(step / 64 for step in sorted(middle)), 1.0]
    return tuple((value, draw(st.floats(0, 1))) for value in x)


@given(points=curves())
def test_curves_pass_through_their_points(points: Points) -> None:
    x, y = np.array(points).T
    np.testing.assert_allclose(evaluate_curve(points, x), y, atol=1e-12)


@given(points=curves())
def test_curves_are_monotone_between_points(points: Points) -> None:
    for (x0, y0), (x1, y1) in pairwise(points):
        steps = np.diff(evaluate_curve(points, np.linspace(x0, x1, 50)))
        assert (steps * np.sign(y1 - y0) >= -1e-12).all()
        assert abs(steps.sum() - (y1 - y0)) < 1e-9


def test_a_curve_through_points_of_a_line_is_the_line() -> None:
    values = np.linspace(0, 1, 101)
    points = ((0.0, 0.2), (0.3, 0.35), (0.8, 0.6), (1.0, 0.7))
    np.testing.assert_allclose(evaluate_curve(points, values), 0.2 + values / 2, atol=1e-12)


@given(picture=pictures())
@settings(max_examples=30)
def test_points_on_the_diagonal_change_nothing(picture: np.ndarray) -> None:
    assert Curves(curves="r=0/0 0.3/0.3 1/1 : all=0.6/0.6")(picture) is picture


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r=0/0 0.5/0.6 1/1", ToneCurves(red=((0, 0), (0.5, 0.6), (1, 1)))),
        ("0.5/0.6", ToneCurves(master=((0, 0), (0.5, 0.6), (1, 1)))),
        (
            "r='0/0.11 .42/.51 1/0.95':g='0.5/0.48'",
            ToneCurves(
                red=((0, 0.11), (0.42, 0.51), (1, 0.95)), green=((0, 0), (0.5, 0.48), (1, 1))
            ),
        ),
        ("blue=0/1 1/0 m=0/0 1/1", ToneCurves(blue=((0, 1), (1, 0)))),
        ("negative", ToneCurves(master=((0, 1), (1, 0)))),
    ],
)
def test_parsing(text: str, expected: ToneCurves) -> None:
    assert parse_curves(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "have no points"),
        ("sepia", "'sepia' in the tone curves 'sepia' is not a point x/y.*name one of: none"),
        ("q=0/0 1/1", "Unknown channel 'q' .*expected r, g, b or all"),
        ("r=0/0 0.5/1.2", r"'0.5/1.2' .* is not a point x/y in 0\.\.1"),
        ("r=0/0 0.5/-0.2", "'0.5/-0.2' .* is not a point"),
        ("r=0.5/0 0.5/1", "The x of '0.5/1' .* is not above the one before it"),
        ("r=0/0 r=1/1", "give red twice"),
        ("r= g=0/0", "A channel .* has no points"),
        ("r=0/nan", "'0/nan' .* is not a point|Unknown channel"),
    ],
)
def test_wrong_curves_are_rejected(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Curves(curves=text)


@pytest.mark.parametrize("name", sorted(set(NAMED_CURVES) - {"none"}))
def test_named_curves_change_the_picture(name: str) -> None:
    scene = build_scene()
    result = Curves(curves=name)(scene)
    assert 0.005 < np.abs(result - scene).mean() < 0.6


def test_values_follow_the_curve_of_their_channel() -> None:
    ramp = np.repeat(np.linspace(0, 1, 1001, dtype=np.float32), 3).reshape(1, -1, 3)
    result = Curves(curves="r=0/0 0.5/0.7 1/1 g=0/1 1/0")(ramp)[0]
    exact = evaluate_curve(((0, 0), (0.5, 0.7), (1, 1)), ramp[0, :, 0].astype(np.float64))
    np.testing.assert_allclose(result[:, 0], exact, atol=3e-5)
    np.testing.assert_allclose(result[:, 1], 1 - ramp[0, :, 1], atol=3e-5)
    assert (result[:, 2] == ramp[0, :, 2]).all()


def test_the_common_curve_acts_after_those_of_the_channels() -> None:
    grey = np.full((1, 1, 3), 0.25, np.float32)
    result = Curves(curves="r=0/0.5 1/0.5 all=0/0 0.5/0.9 1/1")(grey)
    assert result[0, 0, 0] == pytest.approx(0.9, abs=1e-4)


def test_strength_blends_with_the_original() -> None:
    scene = build_scene()
    half = Curves(curves="negative", strength=0.5)(scene)
    np.testing.assert_allclose(half, 0.5, atol=1e-4)
