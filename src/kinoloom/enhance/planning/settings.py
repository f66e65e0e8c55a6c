"""Settings: what is done to one input, from the options, a preset and measurements."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from math import ceil
from typing import Any, Literal

from kinoloom.base.options import options_of
from kinoloom.base.units import parse_fraction
from kinoloom.enhance.estimate.measure import Measurement
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.planning.auto import Choice, choose
from kinoloom.enhance.planning.presets import find_preset
from kinoloom.errors import UsageError

Measure = Callable[[], Measurement]
"""Measures the input; called at most once."""

_MAX_NOISE = 100.0
CORRECTIONS = (
    "deblock",
    "denoise",
    "chroma",
    "white_balance",
    "lowlight",
    "sharpen",
    "deband",
    "grain",
    "curves",
    "lut",
)
"""Options that change pictures and not their number or size."""
_OTHERS = ("scale", "size", "fps", "times", "slow", "dedup", "weights")
"""Options that request work, too."""


@dataclass(frozen=True)
class Settings:
    """What is done to one input.

    Attributes:
        options: those of the command and of the preset together.
        choices: what was chosen from measurements, and why.
        measurement: of the input; None if nothing depends on it.
        size: width and height that were requested, or None.
    """

    options: EnhanceOptions
    choices: tuple[Choice, ...] = ()
    measurement: Measurement | None = None
    size: tuple[int, int] | None = None

    @property
    def strength(self) -> float:
        """Of all corrections, 0..1."""
        return 1.0 if self.options.strength is None else self.options.strength

    @property
    def denoise(self) -> Literal["auto", "off"] | float:
        """Whether noise is removed, or its standard deviation in 8-bit levels."""
        return parse_denoise(self.options.denoise)

    def find_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height of the result for those of a source."""
        if self.size is not None:
            return self.size
        scale = Fraction(self.options.scale or 1).limit_denominator(10_000)
        return max(1, _round(width * scale)), max(1, _round(height * scale))

    def find_factor(self, width: int, height: int) -> int:
        """Return the least whole factor by which a source must be enlarged, at least 1."""
        wide, high = self.find_size(width, height)
        return max(1, ceil(Fraction(wide, width)), ceil(Fraction(high, height)))


def resolve(options: EnhanceOptions, measure: Measure) -> Settings:
    """Combine the options of the command with a preset and with choices from measurements.

    An option of the command takes precedence over the preset. Without anything to do, the
    corrections are chosen as with --auto.

    Args:
        options: of the command.
        measure: measures the input.

    Raises:
        RegistryError: an unknown preset.
        UsageError: options that contradict each other, or an invalid value.
    """
    given = merge_preset(options)
    parse_denoise(given.denoise)
    settings = Settings(given, size=parse_size(given.size))
    if options.auto or not _requests_work(given):
        measurement = measure()
        left_out = _parse_names(options.without)
        choices = tuple(one for one in choose(measurement) if one.option not in left_out)
        chosen = {one.option: one.value for one in choices if one.option}
        settings = replace(
            settings, options=_add(given, chosen), choices=choices, measurement=measurement
        )
    elif settings.denoise == "auto" or given.deblock:
        settings = replace(settings, measurement=measure())
    return settings


def merge_preset(options: EnhanceOptions) -> EnhanceOptions:
    """Return the options with those of the preset where they are not set.

    Raises:
        RegistryError, UsageError: as `presets.find_preset`; a name in `--without` is unknown; both
            a scale and a size.
    """
    _exclude_both(options.scale, options.size)
    values = _read_preset(options.preset) if options.preset else {}
    if options.scale is not None or options.size is not None:
        values = {name: one for name, one in values.items() if name not in ("scale", "size")}
    if any((options.fps, options.times, options.slow)):
        values = {name: one for name, one in values.items() if name not in ("fps", "times", "slow")}
    merged = _add(options, values)
    defaults = {one.name: one.default for one in options_of(EnhanceOptions)}
    return replace(merged, **{name: defaults[name] for name in _parse_names(options.without)})


def _read_preset(name: str) -> dict[str, object]:
    """Return the values of a preset, also checked together.

    Raises:
        RegistryError, UsageError: as `merge_preset`.
    """
    values = dict(find_preset(name).values)
    try:
        parse_size(values.get("size"))
        parse_denoise(values.get("denoise"))
        _exclude_both(values.get("scale"), values.get("size"))
    except UsageError as error:
        raise UsageError(f"The preset {name}: {error.message}", hint=error.hint) from error
    return values


def _exclude_both(scale: object, size: object) -> None:
    if scale is not None and size is not None:
        raise UsageError("--scale and --size exclude each other.", hint="Leave out one of them.")


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Return width and height of "1920x1080", None for None.

    Raises:
        UsageError: it has another form, or a side is outside 1..32766.
    """
    if text is None:
        return None
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(re.fullmatch(r"\s*[0-9]{1,9}\s*", side) for side in sides):
        raise UsageError(f"--size must be like 1920x1080, not '{text}'.")
    width, height = (int(side) for side in sides)
    check_size(width, height)
    return width, height


def check_size(width: int, height: int) -> None:
    """Check the size of a result.

    Raises:
        UsageError: a side is outside 1..32766.
    """
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
        raise UsageError(
            f"The result would have {width}x{height} pixels; each side must be from 1 to "
            f"{MAX_SIDE_PX}.",
            hint="Choose another --scale or --size.",
        )


MAX_SIDE_PX = 32766
"""The longest side that encoders support."""


def parse_denoise(text: str | None) -> Literal["auto", "off"] | float:
    """Return the value of --denoise.

    Raises:
        UsageError: neither auto, off, nor a number from 0 to 100.
    """
    if text in (None, "off"):
        return "off"
    if text == "auto":
        return "auto"
    try:
        sigma = float(parse_fraction(text))
    except (UsageError, ValueError, OverflowError):
        sigma = -1.0
    if not 0 <= sigma <= _MAX_NOISE:
        raise UsageError(f"--denoise must be auto, off, or a number from 0 to 100, not '{text}'.")
    return sigma


def _parse_names(text: str) -> list[str]:
    """Return the corrections of --without.

    Raises:
        UsageError: one is unknown.
    """
    names = [name.strip().replace("-", "_") for name in text.split(",") if name.strip()]
    for name in names:
        if name not in CORRECTIONS:
            raise UsageError(
                f"--without: '{name}' is not a correction.",
                hint=f"Corrections: {', '.join(CORRECTIONS)}.",
            )
    return names


def _add(options: EnhanceOptions, values: dict[str, object]) -> EnhanceOptions:
    """Return the options with values where the command sets none."""
    unset = {one.name for one in fields(options) if _is_unset(getattr(options, one.name))}
    added: dict[str, Any] = {name: one for name, one in values.items() if name in unset}
    return replace(options, **added)


def _is_unset(value: object) -> bool:
    return value is None or value is False or value == ""


def _requests_work(options: EnhanceOptions) -> bool:
    defaults = {one.name: one.default for one in options_of(EnhanceOptions)}
    return any(getattr(options, name) != defaults[name] for name in (*CORRECTIONS, *_OTHERS))


def _round(value: Fraction) -> int:
    """Round half up, so that 2.5 times 3 is 8."""
    return int(value + Fraction(1, 2))
