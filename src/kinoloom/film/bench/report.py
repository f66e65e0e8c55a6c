"""The report of a benchmark: tables, the worst frames of each engine, and the data as JSON."""

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
from kinoloom.film.bench.scores import EngineScores, FrameScore
from kinoloom.film.quality.error_color import FULL_SCALE_ERROR, draw_error_map
from kinoloom.learn.bench.distance import ST_LPIPS_HINT
from kinoloom.learn.data.triplets import Triplet
from kinoloom.media.figures.panels import draw_panels

SCHEMA = "kinoloom.bench.film/2"
_TITLE = "Frame interpolation: the middle frame of triplets"


@dataclass(frozen=True)
class Failure:
    """A triplet on which an engine scored poorly, and its frame."""

    engine: str
    triplet: Triplet
    score: FrameScore
    frame: Image


def build_benchmark_report(
    folder: str,
    rows: Sequence[EngineScores],
    failures: Sequence[Failure],
    *,
    has_perceptual_scores: bool,
) -> Report:
    """Build the report.

    Args:
        folder: name of the data.
        rows: one per engine.
        failures: the frames to show, in order.
        has_perceptual_scores: whether ST-LPIPS was measured.
    """
    machine = describe_machine()
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "data": folder,
        "rows": [asdict(row) for row in rows],
        "machine": {**machine, "versions": versions()},
    }
    summary = (
        f"{rows[0].triplets} triplets of {folder}; {machine['cpu']}, {machine['cores']} cores."
    )
    if rows[0].warping_error is not None:
        summary += (
            " Warping error: the difference between consecutive frames after motion compensation, "
            "over seven new frames, in 8-bit levels; blur lowers it too."
        )
    sections: list[Section] = [Text(summary), _tabulate_engines(rows), _tabulate_strata(rows)]
    if not has_perceptual_scores:
        sections.append(Text(ST_LPIPS_HINT))
    return Report(_TITLE, (*sections, *_draw_failures(failures)), data)


def _tabulate_engines(rows: Sequence[EngineScores]) -> Table:
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
    return _drop_empty_columns(Table((*columns, "peak MB"), cells))


def _tabulate_strata(rows: Sequence[EngineScores]) -> Table:
    columns = ("mean motion", "triplets", "engine", "PSNR dB", "SSIM", "ST-LPIPS")
    groups = zip(*(row.strata for row in rows), strict=True)
    cells = tuple(
        (one.motion, one.triplets, row.engine, one.psnr_db, one.ssim, one.st_lpips)
        for group in groups
        for row, one in zip(rows, group, strict=True)
    )
    return _drop_empty_columns(Table(columns, cells, "By motion"))


def _drop_empty_columns(table: Table) -> Table:
    """Return the table without columns that have no value."""
    kept = [k for k in range(len(table.columns)) if any(row[k] is not None for row in table.rows)]
    rows = tuple(tuple(row[k] for k in kept) for row in table.rows)
    return Table(tuple(table.columns[k] for k in kept), rows, table.title)


def _draw_failures(failures: Sequence[Failure]) -> list[Picture]:
    drawings = []
    engine = ""
    for failure in failures:
        title = "" if failure.engine == engine else f"Worst frames of {failure.engine}"
        engine = failure.engine
        drawings.append(_draw_failure(failure, title))
    return drawings


def _draw_failure(failure: Failure, title: str) -> Picture:
    first, truth, second = failure.triplet.load()
    error = np.abs(to_float(failure.frame) - to_float(truth)).mean(axis=2)
    rows = [
        [("first", first), ("ground truth", truth), ("second", second)],
        [("interpolated", failure.frame), ("error", draw_error_map(error))],
    ]
    score = failure.score
    caption = (
        f"{failure.engine}, {failure.triplet.name}: {score.psnr_db:.2f} dB, SSIM {score.ssim:.3f}, "
        f"mean motion {score.displacement_px:.0f} px. Error from 0 (black) to "
        f"{FULL_SCALE_ERROR * 255:.0f} levels or more (pale yellow)."
    )
    return draw_panels(rows, caption, title)
