"""What all filters have in common."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from filter_pictures import FILTERS, build_scene, name_of, pictures, to_dtype
from hypothesis import given, settings
from hypothesis import strategies as st

from kinoloom.base.options import options_of
from kinoloom.enhance.filters.curves import Curves
from kinoloom.enhance.filters.deband import Deband
from kinoloom.enhance.filters.filter import TILE_STEP_PX, Context, Filter, apply
from kinoloom.enhance.filters.grain import Grain
from kinoloom.enhance.filters.grain_model import measure_grain
from kinoloom.enhance.filters.sharpen import Sharpen
from kinoloom.errors import ArrayError, UsageError

GRAIN = measure_grain(build_scene())
CONTEXT = Context(frame=3, seed=7, grain=GRAIN, gains=(0.9, 1.0, 1.2))
each_filter = pytest.mark.parametrize("one", FILTERS, ids=name_of)


@each_filter
def test_the_scene_changes_and_is_not_modified(one: Filter) -> None:
    scene = build_scene()
    before = scene.copy()
    result = one(scene, CONTEXT)
    assert result.shape == scene.shape
    assert result.dtype == np.float32
    assert np.abs(result - scene).max() > 1e-3
    assert result.min() >= 0
    assert result.max() <= 1
    assert (scene == before).all()


@each_filter
def test_strength_0_is_bit_identical(one: Filter) -> None:
    off = replace(one, strength=0)
    scene = build_scene()
    assert off(scene, CONTEXT) is scene
    for dtype in (np.uint8, np.uint16):
        picture = to_dtype(scene, dtype)
        assert apply(picture, [off], CONTEXT) is picture


@each_filter
@given(picture=pictures(), strength=st.floats(0, 1))
@settings(max_examples=15)
def test_any_picture_stays_in_range(one: Filter, picture: Any, strength: float) -> None:
    context = replace(CONTEXT, gains=None)
    result = replace(one, strength=strength)(picture, context)
    assert result.shape == picture.shape
    assert np.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1


@each_filter
@given(
    color=st.lists(st.integers(0, 255), min_size=3, max_size=3),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
)
@settings(max_examples=15)
def test_a_constant_picture_stays_constant(
    one: Filter, color: list[int], height: int, width: int
) -> None:
    picture = np.full((height, width, 3), color, np.uint8)
    context = replace(CONTEXT, grain=replace(GRAIN, levels=np.zeros(8, np.float32)))
    result = apply(picture, [one], context)
    assert (result == result[0, 0]).all()
    floats = one((picture / np.float32(255)).astype(np.float32), context)
    np.testing.assert_allclose(floats, np.broadcast_to(floats[0, 0], floats.shape), atol=2e-6)


@each_filter
def test_8_and_16_bits_agree_to_rounding(one: Filter) -> None:
    narrow = to_dtype(build_scene(), np.uint8)
    wide = narrow.astype(np.uint16) * 257
    result = apply(wide, [one], CONTEXT) / 257
    np.testing.assert_allclose(apply(narrow, [one], CONTEXT), result, atol=0.505)


@each_filter
def test_results_are_deterministic(one: Filter) -> None:
    scene = build_scene()
    assert (one(scene, CONTEXT) == replace(one)(scene.copy(), replace(CONTEXT))).all()


@each_filter
def test_tiles_give_the_same_pixels_as_the_whole(one: Filter) -> None:
    scene = build_scene(240, 250)
    reach = one.reach_px
    if reach is None:
        reach = 0  # its gains are in the context
    whole = one(scene, CONTEXT)
    margin = -(-reach // TILE_STEP_PX) * TILE_STEP_PX
    for row, column in ((112, 96), (0, 144), (96, 0)):
        top, left = max(0, row - margin), max(0, column - margin)
        tile = scene[top : row + 32 + margin, left : column + 48 + margin]
        result = one(np.ascontiguousarray(tile), replace(CONTEXT, origin=(top, left)))
        inner = result[row - top : row - top + 32, column - left : column - left + 48]
        np.testing.assert_allclose(inner, whole[row : row + 32, column : column + 48], atol=1e-5)


def test_filters_of_a_chain_run_in_order() -> None:
    scene = build_scene()
    chain = (Curves(curves="negative"), Curves(curves="darker"))
    expected = chain[1](chain[0](scene))
    assert (apply(scene, chain) == expected).all()
    assert np.abs(apply(scene, chain[::-1]) - expected).max() > 0.05


def test_alpha_does_not_change() -> None:
    scene = to_dtype(build_scene(), np.uint8)
    alpha = np.random.default_rng(3).integers(0, 256, (*scene.shape[:2], 1), np.uint8)
    result = apply(np.concatenate([scene, alpha], axis=2), [Sharpen(strength=1)])
    assert (result[..., 3:] == alpha).all()
    assert (result[..., :3] == apply(scene, [Sharpen(strength=1)])).all()


def test_an_empty_chain_returns_the_picture() -> None:
    picture = to_dtype(build_scene(), np.uint16)
    assert apply(picture, []) is picture
    assert apply(picture, [Curves()]) is picture


@each_filter
def test_options_have_ranges_and_help(one: Filter) -> None:
    for declared in options_of(type(one)):
        assert declared.help[0].isupper()
        assert declared.kind in (bool, str) or declared.low is not None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"strength": 1.5}, r"Filter Sharpen: --strength must be from 0 to 1, not 1.5"),
        ({"radius": 0}, r"--radius must be from 0.3 to 5 px, not 0"),
        ({"margin": "wide"}, "'wide' is not a number"),
    ],
)
def test_options_out_of_range_are_rejected(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Sharpen(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frame": -1}, "frame must be at least 0, not -1"),
        ({"bits": 7}, "bits must be from 8 to 16, not 7"),
        ({"noise": float("nan")}, "noise must be from 0 to 1, not nan"),
        ({"jpeg_quality": 0}, "jpeg_quality must be from 1 to 100, not 0"),
        ({"gains": (1.0, 0.0, 1.0)}, "gains must be above 0"),
        ({"origin": (0, -8)}, "origin must be at least 0"),
    ],
)
def test_a_context_out_of_range_is_rejected(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Context(**values)


def test_pictures_of_other_kinds_are_rejected() -> None:
    with pytest.raises(ArrayError, match="dtype float64"):
        apply(build_scene().astype(np.float64), [Deband()])
    with pytest.raises(ArrayError, match="NaN"):
        apply(np.full((4, 4, 3), np.nan, np.float32), [Deband()])


def test_grain_that_was_not_measured_is_rejected() -> None:
    with pytest.raises(UsageError, match=r"Grain was not measured\. Set Context.grain"):
        Grain()(build_scene())
