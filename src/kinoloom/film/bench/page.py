"""The report of a bench: its tables, its failure pictures, its data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kinoloom.base.arrays import Picture as Image
from kinoloom.base.arrays import to_float
from kinoloom.base.machine import describe_machine
from kinoloom.base.provenance import versions
from kinoloom.base.report import Picture, Report, Section, Table, Text
from kinoloom.film.bench.scores import Row, Score
from kinoloom.film.panels import panels
from kinoloom.film.quality.error_color import FULL, draw_error
from kinoloom.learn.bench.distance import MISSING
from kinoloom.learn.data.triplets import Triplet

SCHEMA = "kinoloom.bench.film/2"
_TITLE = "Frame interpolation: the middle frame of triplets"


@dataclass(frozen=True)
class Failure:
    """A triplet in which an engine did badly, and what it made."""

    engine: str
    triplet: Triplet
    score: Score
    made: Image


def bench_page(
    folder: str, rows: Sequence[Row], failures: Sequence[Failure], *, judged_by_looks: bool
) -> Report:
    """Make the report.

    Args:
        folder: the name of the data.
        rows: one for each engine.
        failures: the pictures to show, in order.
        judged_by_looks: whether ST-LPIPS was measured.
    """
    machine = describe_machine()
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "data": folder,
        "rows": [asdict(row) for row in rows],
        "machine": {**machine, "versions": versions()},
    }
    where = (
        f"{rows[0].triplets} triplets of {folder}; {machine['cpu']}, {machine['cores']} cores. "
        "Warping error: what remains between seven new frames once motion is undone, in levels "
        "of 8 bits; a blur keeps it low too."
    )
    sections: list[Section] = [Text(where), _engines(rows), _strata(rows)]
    if not judged_by_looks:
        sections.append(Text(MISSING))
    return Report(_TITLE, (*sections, *_pictures(failures)), data)


def _engines(rows: Sequence[Row]) -> Table:
    columns = ("engine", "PSNR dB", "SSIM", "ST-LPIPS", "warping error", "s / frame", "frames / s")
    cells = tuple(
        (
            row.engine,
            row.psnr_db,
            row.ssim,
            row.st_lpips,
            row.warping_error,
            row.seconds_per_frame,
            1 / row.seconds_per_frame,
            round(row.peak_mb),
        )
        for row in rows
    )
    return _without_empty(Table((*columns, "peak MB"), cells))


def _strata(rows: Sequence[Row]) -> Table:
    columns = ("mean motion", "triplets", "engine", "PSNR dB", "SSIM", "ST-LPIPS")
    groups = zip(*(row.strata for row in rows), strict=True)
    cells = tuple(
        (one.motion, one.triplets, row.engine, one.psnr_db, one.ssim, one.st_lpips)
        for group in groups
        for row, one in zip(rows, group, strict=True)
    )
    return _without_empty(Table(columns, cells, "By motion"))


def _without_empty(table: Table) -> Table:
    """The table without columns in which nothing was measured."""
    kept = [k for k in range(len(table.columns)) if any(row[k] is not None for row in table.rows)]
    rows = tuple(tuple(row[k] for k in kept) for row in table.rows)
    return Table(tuple(table.columns[k] for k in kept), rows, table.title)


def _pictures(failures: Sequence[Failure]) -> list[Picture]:
    drawn = []
    engine = ""
    for failure in failures:
        title = "" if failure.engine == engine else f"Where {failure.engine} did worst"
        engine = failure.engine
        drawn.append(_picture(failure, title))
    return drawn


def _picture(failure: Failure, title: str) -> Picture:
    first, truth, second = failure.triplet.load()
    error = np.abs(to_float(failure.made) - to_float(truth)).mean(axis=2)
    rows = [
        [("first", first), ("truth", truth), ("second", second)],
        [("made", failure.made), ("error", draw_error(error))],
    ]
    score = failure.score
    caption = (
        f"{failure.engine}, {failure.triplet.name}: {score.psnr_db:.2f} dB, SSIM {score.ssim:.3f}, "
        f"mean motion {score.displacement_px:.0f} px. In the error black is none, pale yellow "
        f"{FULL * 255:.0f} levels and more."
    )
    return panels(rows, caption, title)
