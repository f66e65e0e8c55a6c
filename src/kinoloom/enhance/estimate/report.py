"""The report of `measure`: one table for each file, and the data as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from kinoloom.base.report import Report, Table, Text
from kinoloom.enhance.estimate.measure import Measurement

SCHEMA = "kinoloom.measure/1"
_ABOUT = (
    "Brightness and noise are in 8-bit levels. The guide on measuring states the error of each "
    "estimate."
)


def build_measure_report(found: Sequence[Measurement]) -> Report:
    """Build the report.

    Args:
        found: one per photo, or one for a video.
    """
    data = {"schema": SCHEMA, "files": [_to_plain(one) for one in found]}
    heads = ("quantity", "value")
    tables = [Table(heads, list_quantities(one), one.name or "clip") for one in found]
    return Report("Measurement", (*tables, Text(_ABOUT)), data)


def _to_plain(one: Measurement) -> dict[str, Any]:
    values = asdict(one)
    estimates: dict[str, Any] = values.pop("estimates")
    return values | estimates


def list_quantities(one: Measurement) -> tuple[tuple[str, str], ...]:
    """Return the names and values of what was measured, as text."""
    estimates, light = one.estimates, one.estimates.exposure
    rows = [
        ("size in pixels", f"{one.width} x {one.height}"),
        ("noise, standard deviation", _number(estimates.noise.sigma, 1)),
        ("noise variance at black", _number(estimates.noise.constant, 1)),
        ("noise variance per level of brightness", _number(estimates.noise.slope, 2)),
        ("JPEG quality", _describe_jpeg(one)),
        ("blockiness (0: none)", _number(estimates.blockiness, 2)),
        ("blur, standard deviation in pixels", _number(estimates.blur_px, 2)),
        ("area with banding", _percent(estimates.banding)),
        ("true resolution, share of the size", _percent(estimates.true_resolution)),
        ("mean brightness", _number(light.mean, 0)),
        ("brightness, 1st to 99th percentile", f"{light.low:.0f} to {light.high:.0f}"),
        ("black pixels", _percent(light.dark_share)),
        ("overexposed pixels", _percent(light.bright_share)),
    ]
    if one.repeated_share is not None:
        rows = [row for row in rows if row[0] != "JPEG quality"]
        rows.insert(1, ("frames measured", str(one.frames)))
        rows.append(("interlacing", one.interlacing or "none"))
        rows.append(("repeated frames", _percent(one.repeated_share)))
    return tuple(rows)


def _describe_jpeg(one: Measurement) -> str:
    if one.estimates.jpeg_quality is None:
        return "no trace"
    origin = "from the file" if one.jpeg_source == "file" else "estimated from pixels"
    return f"{one.estimates.jpeg_quality} ({origin})"


def _number(value: float, digits: int) -> str:
    return "unknown" if value != value else f"{value:.{digits}f}"  # nan differs from itself


def _percent(share: float) -> str:
    return "unknown" if share != share else f"{share:.0%}"
