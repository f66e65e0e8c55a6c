"""Recipes: bit-identical replay, the record, and messages about damaged records."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from degraded_pictures import draw_scene, sample
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.enhance.degrade.recipe import Recipe, apply_recipe
from kinoloom.enhance.degrade.records import (
    SCHEMA,
    format_record,
    parse_record,
    read_record,
    write_record,
)
from kinoloom.enhance.degrade.sampling.presets import PRESETS, sample_recipe
from kinoloom.errors import (
    ArrayError,
    DefinitionError,
    InputNotFoundError,
    OutputExistsError,
    UnreadableMediaError,
)


@given(st.sampled_from(list(PRESETS)), st.integers(0, 2**31), st.integers(1, 8), st.booleans())
def test_a_record_restores_its_recipes(preset: str, seed: int, scale: int, moving: bool) -> None:
    rng = np.random.default_rng((seed, 0))
    recipe = sample_recipe(preset, rng, scale, moving=moving)
    assert parse_record(format_record([recipe]), "record") == [recipe]


@pytest.mark.parametrize("preset", PRESETS)
def test_replay_is_bit_identical_and_frames_have_their_own_noise(preset: str) -> None:
    picture = draw_scene()
    recipe = sample(preset)
    (replayed,) = parse_record(format_record([recipe]), "record")
    result = apply_recipe(picture, recipe, 5)
    np.testing.assert_array_equal(result, apply_recipe(picture, replayed, 5))
    assert result.dtype == np.uint8
    assert result.shape == (72 // recipe.scale, 96 // recipe.scale, 3)
    noise = {"gaussian-noise", "poisson-noise", "correlated-noise", "camera-noise", "tape"}
    assert noise & {step["step"] for step in recipe.to_dict()["steps"]}
    assert not np.array_equal(result, apply_recipe(picture, recipe, 6))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_every_preset_takes_odd_and_tiny_pictures_of_all_types(preset: str, dtype: str) -> None:
    for height, width in ((1, 1), (3, 61), (37, 23)):
        picture = draw_scene(height, width)
        if dtype == "uint16":
            picture = picture.astype(np.uint16) * 257
        elif dtype == "float32":
            picture = picture.astype(np.float32) / 255
        for seed in range(3):
            recipe = sample(preset, seed, 4)
            shape = (max(1, height // 4), max(1, width // 4), 3)
            assert apply_recipe(picture, recipe).shape == shape


def test_alpha_is_only_reduced() -> None:
    alpha = np.zeros((72, 96, 1), np.uint8)
    alpha[:, 49:] = 200
    result = apply_recipe(np.concatenate([draw_scene(), alpha], axis=2), sample("heavy"))
    assert result.shape == (18, 24, 4)
    np.testing.assert_array_equal(
        result[..., 3], np.repeat([[0] * 12 + [150] + [200] * 11], 18, axis=0)
    )


def test_arrays_that_are_no_pictures_are_rejected() -> None:
    with pytest.raises(ArrayError, match="shape"):
        apply_recipe(np.zeros((4, 4), np.uint8), sample("light"))


def test_a_record_is_not_replaced_by_another(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    recipes = [sample("light", seed) for seed in (1, 2)]
    write_record(recipes, path)
    write_record(recipes, path)
    assert read_record(path) == recipes
    with pytest.raises(OutputExistsError):
        write_record(recipes[:1], path)


def edit(change: str, value: Any) -> str:
    """Return a record of one recipe in which the value at a path, "steps.0.sigma_x", differs."""
    recipe = sample_recipe("meeting", np.random.default_rng(1), moving=True)
    content = json.loads(format_record([recipe]))
    place = content["recipes"][0]
    *parents, last = change.split(".")
    for key in parents:
        place = place[int(key)] if key.isdigit() else place[key]
    if value is KeyError:
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    ("change", "value", "words"),
    [
        ("scale", 9, r"recipes\[0\].scale must be from 1 to 8, not 9"),
        ("scale", 2.0, r"recipes\[0\].scale must be a whole number, not 2.0"),
        ("scale", True, r"scale must be a whole number, not True"),
        ("seed", -1, r"recipes\[0\].seed must be from 0"),
        ("steps", {}, r"recipes\[0\].steps must be a list"),
        (
            "steps",
            [{"step": "jpeg", "quality": 9}] * 65,
            "steps must be a list of at most 64 steps",
        ),
        ("steps.5.factor", 10.0, r"steps\[5\].factor enlarges the picture to 5 times the sides"),
        ("steps.0", 3, r"recipes\[0\].steps\[0\] must be an object"),
        ("steps.0.step", "smear", r"steps\[0\].step must be one of blur, .*, not 'smear'"),
        ("steps.0.shape", "box", r"steps\[0\].shape must be one of gaussian, plateau"),
        ("steps.0.size_px", 8, r"steps\[0\].size_px must be odd, not 8"),
        ("steps.0.size_px", 10**9, r"steps\[0\].size_px must be from 3 to 31"),
        ("steps.0.sigma_x", "wide", r"steps\[0\].sigma_x must be a number, not 'wide'"),
        ("steps.0.sigma_x", KeyError, r"steps\[0\].sigma_x is missing"),
        ("steps.0.sigma_z", 1, r"steps\[0\].sigma_z is not a field: expected shape, size_px"),
        ("steps.1.shot", float("nan"), r"steps\[1\].shot must be from 0 to 0.1, not nan"),
        ("steps.4.quality", 0, r"steps\[4\].quality must be from 1 to 100, not 0"),
        ("video.codec", "vp9", r"video.codec must be one of h264"),
        ("video.crf", 20, r"video must have either crf or bits_per_pixel"),
        ("video.freeze", 1.5, r"video.freeze must be from 0 to 0.9, not 1.5"),
        ("video", [], r"recipes\[0\].video must be an object"),
        ("video", KeyError, r"recipes\[0\].video is missing"),
        ("preset", 3, r"recipes\[0\].preset must be text"),
        ("note", "x", r"recipes\[0\].note is not a field"),
    ],
)
def test_a_damaged_record_names_the_field(change: str, value: Any, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        parse_record(edit(change, value), "record.json")


def test_the_factor_of_a_codec_has_its_own_limit() -> None:
    recipe = sample("vhs", moving=True).to_dict()
    recipe["video"]["crf"] = 40
    with pytest.raises(DefinitionError, match="crf must be from 0 to 31 for mpeg4, not 40"):
        parse_record(json.dumps({"schema": SCHEMA, "recipes": [recipe]}), "record.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("[]", "its schema must be"),
        ('{"schema": "kinoloom.degradations/2"}', "its schema must be"),
        (json.dumps({"schema": SCHEMA, "recipes": []}), "at least one"),
        (json.dumps({"schema": SCHEMA, "recipes": [1]}), r"recipes\[0\] must be an object"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_a_file_that_is_no_record_is_rejected(text: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        parse_record(text, "record.json")


def test_missing_and_binary_records_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="does not exist"):
        read_record(tmp_path / "none.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableMediaError, match="cannot be read"):
        read_record(tmp_path / "binary.json")


PLACES = ("preset", "scale", "steps", "video", "steps.0.beta", "steps.1", "video.crf")
VALUES = st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5)


@given(st.sampled_from(PLACES), VALUES)
def test_any_values_are_read_or_rejected(place: str, value: Any) -> None:
    try:
        (recipe,) = parse_record(edit(place, value), "record.json")
    except DefinitionError:
        return
    assert isinstance(recipe, Recipe)
