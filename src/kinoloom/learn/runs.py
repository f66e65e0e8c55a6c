"""What the training commands of all subjects share around the loop: settings, data, report."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kinoloom.base.provenance import check_job_inputs
from kinoloom.base.report import Picture, Table
from kinoloom.errors import InputChangedError
from kinoloom.learn.settings import Settings

_OVERRIDES = ("steps", "batch", "learning_rate", "hours", "device", "seed")


def override_settings(settings: Settings, options: Any) -> Settings:
    """Return the settings of a preset, overridden by the options that are not None.

    The warm-up is shortened to the number of steps.

    Args:
        settings: of the preset.
        options: has the fields steps, batch, learning_rate, hours, device and seed.
    """
    given = {name: getattr(options, name) for name in _OVERRIDES}
    merged = replace(
        settings, **{name: value for name, value in given.items() if value is not None}
    )
    return replace(merged, warmup_steps=min(merged.warmup_steps, merged.steps))


def check_data(out: Path) -> None:
    """Check that the data are unchanged before the network of a run is exported.

    Raises:
        InputChangedError: they changed; the message says that the run is kept.
    """
    try:
        check_job_inputs()
    except InputChangedError as error:
        raise error.with_kept(f"The run {out} is kept, and its network is not exported.") from error


def read_initial_figures(folder: Path) -> dict[str, float]:
    """Read the figures of the validation before the first step from the log of a run."""
    with (folder / "log.jsonl").open(encoding="utf-8") as lines:
        entry = next(line for line in map(json.loads, lines) if line["kind"] == "validation")
    return {name: value for name, value in entry.items() if name not in ("kind", "step")}


def build_figure_table(name: str, before: dict[str, float], after: dict[str, float]) -> Table:
    """Build the table of figures before and after training; `name` heads the first column."""
    rows = tuple(
        (figure, round(before[figure], 3), round(value, 3)) for figure, value in after.items()
    )
    return Table((name, "before", "after"), rows)


def encode_sheet(sheet: NDArray[np.uint8], caption: str) -> Picture:
    """Encode a contact sheet (H, W, 3) for a report."""
    out = io.BytesIO()
    Image.fromarray(sheet).save(out, "PNG")
    return Picture(out.getvalue(), "image/png", caption)
