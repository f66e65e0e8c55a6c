"""Presets of enhance: those that are shipped, and files of users."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kinoloom.base.options import options_of
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.planning.presets import find_preset, list_presets
from kinoloom.enhance.planning.settings import merge_preset
from kinoloom.errors import RegistryError, UsageError

NAMES = ["anime", "live", "lowlight", "meeting", "old-film", "photo", "scan", "screen", "vhs"]


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_shipped_presets_are_listed_by_name() -> None:
    assert [one.name for one in list_presets()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_preset_states_options_that_exist_and_a_summary(name: str) -> None:
    preset = find_preset(name)
    declared = {one.name: one for one in options_of(EnhanceOptions)}
    assert preset.summary
    assert preset.values
    for key, value in preset.values.items():
        assert declared[key].parse(value) == value
        assert value != declared[key].default


def test_values_have_the_types_of_the_options(tmp_path: Path) -> None:
    text = 'summary = "mine"\nscale = 3\nfps = "30000/1001"\nlut = "film.cube"\ntier = "live"\n'
    preset = find_preset(write(tmp_path, text))
    assert (preset.name, preset.summary, preset.text) == ("mine", "mine", text)
    values = preset.values
    assert (values["scale"], type(values["scale"])) == (3.0, float)
    assert str(values["fps"]) == "30000/1001"
    assert values["lut"] == Path("film.cube")


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    assert find_preset(write(tmp_path, "")).values == {}


def test_an_unknown_name_lists_the_presets() -> None:
    with pytest.raises(RegistryError, match="Unknown preset 'meet'") as caught:
        find_preset("meet")
    assert "anime, live," in caught.value.hint
    assert ".toml" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scale == 2", r"is not TOML: .*line 1"),
        ("scal = 2", "unknown option 'scal'"),
        ('preset = "photo"', "unknown option 'preset'"),
        ("memory = 5", "unknown option 'memory'"),
        ("scale = 0", "--scale must be from 0.01 to 64, not 0"),
        ('tier = "huge"', "--tier must be one of auto, live"),
        ('deblock = "perhaps"', "--deblock"),
        ("scale = [1]", "--scale"),
        ("[scale]\nx = 1", "--scale"),
        ('scale = 2\nsize = "640x480"', "exclude each other"),
        ('size = "640"', "--size must be like 1920x1080"),
        ('denoise = "much"', "--denoise must be auto, off"),
        ("denoise = 101", "--denoise must be auto, off"),
    ],
)
def test_a_wrong_file_is_rejected_with_its_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        merge_preset(EnhanceOptions(preset=write(tmp_path, text)))
    assert "mine.toml" in caught.value.message


def test_numbers_are_accepted_as_noise(tmp_path: Path) -> None:
    assert find_preset(write(tmp_path, "denoise = 12.5")).values == {"denoise": "12.5"}


def save_latin(folder: Path) -> Any:
    (folder / "mine.toml").write_bytes('summary = "gr\xfcn"'.encode("latin-1"))


@pytest.mark.parametrize(
    "prepare", [lambda folder: None, save_latin, lambda f: (f / "mine.toml").mkdir()]
)
def test_an_unreadable_file_is_rejected(tmp_path: Path, prepare: Any) -> None:
    prepare(tmp_path)
    with pytest.raises(UsageError, match=r"The preset .*mine\.toml cannot be read: \w") as caught:
        find_preset(str(tmp_path / "mine.toml"))
    assert "Errno" not in caught.value.message
