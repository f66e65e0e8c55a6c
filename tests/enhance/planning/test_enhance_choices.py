"""Choices from measurements: which corrections, and the sentences that say why."""

from math import nan

import pytest
from measured import PERFECT, measured

from kinoloom.enhance.estimate.light import Exposure
from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.planning.auto import choose

DARK = Exposure(30.0, 0.0, 120.0, 0.3, 0.0)
NIGHT_LIGHTS = Exposure(30.0, 0.0, 250.0, 0.3, 0.0)


def chosen(**estimates: object) -> dict[str, object]:
    return {one.option: one.value for one in choose(measured(**estimates)) if one.option}


def test_a_good_picture_needs_nothing() -> None:
    assert chosen() == {}
    (choice,) = choose(measured())
    assert choice.reason == "Nothing needs a correction."


@pytest.mark.parametrize(
    ("estimates", "expected", "words"),
    [
        ({"noise": Noise(6.0, 36.0, 0.0)}, {"denoise": "auto"}, "6.0 levels"),
        ({"jpeg_quality": 40}, {"deblock": True}, "quality 40"),
        ({"blockiness": 0.5}, {"deblock": True}, "Blocks"),
        ({"banding": 0.1}, {"deband": True}, "10%"),
        ({"exposure": DARK}, {"lowlight": True}, "12%"),
        ({"blur_px": 1.6}, {"sharpen": True}, "1.6 px"),
    ],
)
def test_each_defect_has_its_correction_and_reason(
    estimates: dict[str, object], expected: dict[str, object], words: str
) -> None:
    assert chosen(**estimates) == expected
    (choice,) = choose(measured(**estimates))
    assert words in choice.reason


@pytest.mark.parametrize(
    "estimates",
    [
        {"noise": Noise(1.9, 3.6, 0.0)},
        {"jpeg_quality": 95},
        {"jpeg_quality": 95, "blockiness": 0.5},
        {"blockiness": 0.1},
        {"banding": 0.01},
        {"exposure": NIGHT_LIGHTS},
        {"blur_px": 0.9},
        {"noise": Noise(nan, nan, nan), "blockiness": nan, "blur_px": nan, "banding": nan},
        {"true_resolution": nan},
    ],
)
def test_small_and_unknown_defects_are_left(estimates: dict[str, object]) -> None:
    assert chosen(**estimates) == {}


def test_all_defects_are_corrected_together() -> None:
    found = chosen(
        noise=Noise(6.0, 36.0, 0.0), jpeg_quality=40, banding=0.1, exposure=DARK, blur_px=2.0
    )
    assert set(found) == {"denoise", "deblock", "deband", "lowlight", "sharpen"}


def test_a_low_true_resolution_is_stated_and_nothing_is_chosen_for_it() -> None:
    choices = choose(measured(true_resolution=0.5))
    assert [one.option for one in choices] == ["", ""]
    assert "50%" in choices[-1].reason
    assert PERFECT.true_resolution == 1.0
