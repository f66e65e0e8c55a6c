"""The report of a benchmark of pictures: one table, and the data as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from kinoloom.base.machine import describe_machine
from kinoloom.base.provenance import versions
from kinoloom.base.report import Report, Table, Text

_COLUMNS = {
    "psnr_db": "PSNR dB",
    "psnr_y_db": "PSNR dB",
    "ssim_y": "SSIM",
    "seconds_per_megapixel": "s / megapixel",
    "peak_mb": "peak MB",
    "seconds_per_frame": "s / frame",
    "truth_flicker": "flicker of truth",
}


def build_bench_report(
    title: str,
    schema: str,
    folder: str,
    rows: Sequence[Any],
    count: str,
    about: str,
) -> Report:
    """Build the report.

    Args:
        title: of the benchmark.
        schema: of its data.
        folder: name of the data.
        rows: one or more of one dataclass, whose fields are the columns.
        count: number of pictures or clips, such as "5 pictures".
        about: what the columns mean, one paragraph.
    """
    machine = describe_machine()
    values: list[dict[str, Any]] = [asdict(row) for row in rows]
    data = {
        "schema": schema,
        "data": folder,
        "rows": values,
        "machine": {**machine, "versions": versions()},
    }
    summary = f"{count} of {folder}; {machine['cpu']}, {machine['cores']} cores. "
    columns = tuple(_COLUMNS.get(name, name) for name in values[0])
    cells = tuple(
        tuple(round(one) if name == "peak_mb" else one for name, one in row.items())
        for row in values
    )
    return Report(title, (Text(summary + about), Table(columns, cells)), data)
