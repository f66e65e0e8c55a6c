"""Settings of enhance: options, presets and choices together."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import measured

from kinoloom.base.options import build
from kinoloom.enhance.estimate.measure import Measurement
from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.planning.settings import (
    CORRECTIONS,
    MAX_SIDE_PX,
    Settings,
    check_size,
    merge_preset,
    parse_denoise,
    parse_size,
    resolve,
)
from kinoloom.errors import RegistryError, UsageError

NOISY = measured(noise=Noise(8.0, 64.0, 0.0), jpeg_quality=50)


def options(**values: object) -> EnhanceOptions:
    found: EnhanceOptions = build(EnhanceOptions, values)
    return found


def settle(**values: object) -> Settings:
    return resolve(options(**values), lambda: NOISY)


def never() -> Measurement:
    raise AssertionError("measured")


class TestPresets:
    def test_its_values_fill_what_is_not_set(self) -> None:
        merged = merge_preset(options(preset="meeting", tier="live"))
        assert (merged.scale, merged.fps, merged.tier) == (2.0, Fraction(30), "live")
        assert merged.deblock
        assert merged.dedup
        assert merged.denoise == "auto"

    def test_the_command_takes_precedence(self) -> None:
        merged = merge_preset(options(preset="photo", strength=0, denoise="off"))
        assert (merged.strength, merged.denoise) == (0.0, "off")
        assert merged.sharpen

    def test_a_size_replaces_the_scale_of_the_preset(self) -> None:
        merged = merge_preset(options(preset="meeting", size="640x360"))
        assert (merged.scale, merged.size) == (None, "640x360")

    def test_a_rate_replaces_the_rate_of_the_preset(self) -> None:
        for values in ({"times": 2}, {"slow": 4}):
            assert merge_preset(options(preset="meeting", **values)).fps is None
        assert merge_preset(options(preset="meeting", fps=60)).fps == 60

    def test_corrections_can_be_left_out(self) -> None:
        merged = merge_preset(options(preset="old-film", without="white-balance, grain"))
        assert not merged.white_balance
        assert not merged.grain
        assert merged.deband

    def test_unknown_corrections_are_rejected(self) -> None:
        with pytest.raises(UsageError, match="'scale' is not a correction") as caught:
            merge_preset(options(preset="meeting", without="scale"))
        assert "deblock" in caught.value.hint

    def test_unknown_presets_are_rejected(self) -> None:
        with pytest.raises(RegistryError, match="Unknown preset 'best'"):
            settle(preset="best")

    def test_a_file_is_a_preset(self, tmp_path: Path) -> None:
        (tmp_path / "a.toml").write_text('deband = true\ncurves = "r=0/0 1/1"\n')
        merged = merge_preset(options(preset=str(tmp_path / "a.toml")))
        assert merged.deband
        assert merged.curves == "r=0/0 1/1"


class TestChoices:
    def test_without_a_request_the_corrections_are_chosen(self) -> None:
        settings = settle()
        assert settings.options.denoise == "auto"
        assert settings.options.deblock
        assert [one.option for one in settings.choices] == ["denoise", "deblock"]
        assert settings.measurement is NOISY

    @pytest.mark.parametrize(
        "values",
        [
            *({name: True} for name in CORRECTIONS if name not in ("denoise", "curves", "lut")),
            {"denoise": "off"},
            {"curves": "r=0/0 1/1"},
            {"lut": "a.cube"},
            {"scale": 2},
            {"size": "20x10"},
            {"fps": 30},
            {"times": 2},
            {"slow": 2},
            {"dedup": True},
            {"weights": "a.onnx"},
        ],
    )
    def test_a_request_is_all_that_is_done(self, values: dict[str, object]) -> None:
        settings = settle(**values)
        assert settings.choices == ()
        assert settings.options == options(**values)

    def test_auto_adds_to_a_request(self) -> None:
        settings = settle(auto=True, scale=2, denoise="off")
        assert (settings.options.scale, settings.options.denoise) == (2.0, "off")
        assert settings.options.deblock

    def test_what_is_left_out_is_not_chosen(self) -> None:
        settings = settle(auto=True, without="denoise")
        assert settings.options.denoise is None
        assert settings.options.deblock
        assert [one.option for one in settings.choices] == ["deblock"]

    @pytest.mark.parametrize(
        ("values", "is_measured"),
        [
            ({"scale": 2}, False),
            ({"denoise": "20"}, False),
            ({"sharpen": True}, False),
            ({"denoise": "auto"}, True),
            ({"deblock": True}, True),
            ({"preset": "meeting"}, True),
        ],
    )
    def test_the_input_is_measured_only_where_needed(
        self, values: dict[str, object], is_measured: bool
    ) -> None:
        if is_measured:
            assert settle(**values).measurement is NOISY
        else:
            assert resolve(options(**values), never).measurement is None


class TestSizes:
    @given(width=st.integers(1, 5000), height=st.integers(1, 5000), scale=st.floats(0.01, 6.0))
    def test_a_scale_changes_both_sides(self, width: int, height: int, scale: float) -> None:
        settings = settle(scale=scale)
        found = settings.find_size(width, height)
        for side, large in zip((width, height), found, strict=True):
            assert large >= 1
            assert abs(large - side * scale) <= max(0.5 + side * 1e-4, 1 - side * scale)
        factor = settings.find_factor(width, height)
        assert factor * width >= found[0]
        assert factor * height >= found[1]
        smaller = factor - 1
        assert factor == 1 or smaller * width < found[0] or smaller * height < found[1]

    def test_halves_are_rounded_up(self) -> None:
        assert settle(scale=2.5).find_size(3, 1) == (8, 3)
        assert settle(scale=0.01).find_size(10, 3) == (1, 1)

    def test_one_third_is_exact_enough_for_large_pictures(self) -> None:
        assert settle(scale=1 / 3).find_size(30_000, 3) == (10_000, 1)

    def test_a_size_is_that_of_the_result(self) -> None:
        settings = settle(size="1920X1080")
        assert settings.find_size(640, 360) == (1920, 1080)
        assert settings.find_factor(640, 360) == 3
        assert settings.find_factor(641, 2000) == 3

    def test_scale_and_size_exclude_each_other(self) -> None:
        with pytest.raises(UsageError, match="--scale and --size exclude each other"):
            settle(scale=2, size="10x10")

    @pytest.mark.parametrize(
        "text",
        ["1920", "1920x", "x1080", "axb", "1920x1080x3", "-1x5", "1.5x2", "", f"{'9' * 5000}x1"],
    )
    def test_other_forms_of_a_size_are_rejected(self, text: str) -> None:
        with pytest.raises(UsageError, match="--size must be like 1920x1080"):
            parse_size(text)

    @pytest.mark.parametrize("size", [(0, 5), (5, 0), (MAX_SIDE_PX + 1, 5), (5, MAX_SIDE_PX + 1)])
    def test_sides_beyond_the_limits_are_rejected(self, size: tuple[int, int]) -> None:
        with pytest.raises(UsageError, match=r"must be from 1 to 32766") as caught:
            check_size(*size)
        assert "--scale or --size" in caught.value.hint
        check_size(MAX_SIDE_PX, 1)

    @pytest.mark.parametrize("scale", ["0", "-1", "65", "nan", "inf", "much"])
    def test_scales_out_of_range_are_rejected(self, scale: str) -> None:
        with pytest.raises(UsageError, match="--scale"):
            options(scale=scale)


class TestDenoise:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [(None, "off"), ("off", "off"), ("auto", "auto"), ("0", 0.0), ("12.5", 12.5), ("100", 100)],
    )
    def test_values(self, text: str | None, expected: object) -> None:
        assert parse_denoise(text) == expected

    @pytest.mark.parametrize("text", ["-1", "100.1", "nan", "inf", "much", "", "1/0"])
    def test_others_are_rejected(self, text: str) -> None:
        with pytest.raises(UsageError, match="--denoise must be auto, off, or a number from 0 to"):
            parse_denoise(text)

    def test_a_wrong_value_is_rejected_before_the_input_is_measured(self) -> None:
        with pytest.raises(UsageError, match="--denoise"):
            resolve(options(denoise="much"), never)
