"""Error estimates, and the quality warnings based on them."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from scenes import clip_of, panning, save_photos, texture, view

from kinoloom.base.notes import Notes
from kinoloom.base.report.files import to_html
from kinoloom.film.api import interpolate
from kinoloom.film.bench.baselines import BASELINES
from kinoloom.film.engine import Engine
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.page import build_interpolation_page
from kinoloom.film.quality.error_color import FULL_SCALE_ERROR, draw_error_key, draw_error_map
from kinoloom.film.quality.error_estimate import WARNING_PSNR_DB, estimate_error, estimate_psnr_db
from kinoloom.film.quality.warnings import QualityMonitor, format_clock
from kinoloom.film.selection import build_engine_options, choose_engine
from kinoloom.media.files import read

OPTIONS = build_engine_options(1 << 30)
SIZE = (192, 128)
GOOD, BAD = (
    np.full((2, 2), 10 ** (-psnr_db / 20), np.float32)
    for psnr_db in (WARNING_PSNR_DB + 1, WARNING_PSNR_DB - 1)
)


@pytest.mark.parametrize("name", ["fast", "deep"])
def test_error_estimate_is_higher_without_correspondence(name: str) -> None:
    """The left half pans, the right half shows something else."""
    first, second = panning(2, step=6.0, size=SIZE)
    second[:, 96:] = view(texture(9), 30, size=SIZE)[:, 96:]
    engine = choose_engine(name, OPTIONS).build(OPTIONS)
    ((_, error),) = engine.interpolate(first, second, [0.5])
    whole = cv2.resize(error, SIZE)
    assert whole[:, 112:].mean() > 5 * whole[:, :80].mean()
    assert estimate_psnr_db(error[:, : error.shape[1] // 3]) > 30


def test_identical_images_have_no_error() -> None:
    first = view(texture(1), 20)
    engine = choose_engine("fast", OPTIONS).build(OPTIONS)
    for _, error in engine.interpolate(first, first.copy(), [0.25, 0.5]):
        assert estimate_psnr_db(error) == 100


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda baseline: baseline.name)
def test_baselines_estimate_no_error(baseline: Engine) -> None:
    first, second = panning(2)
    ((_, error),) = baseline.build(OPTIONS).interpolate(first, second, [0.5])
    assert error is None


def test_error_falls_with_the_fit() -> None:
    fit = np.array([[1e-4, 1e-2, 1.0]], np.float32)
    error = estimate_error(fit)
    assert error.dtype == np.float32
    assert error[0, 0] > error[0, 1] > error[0, 2] > 0


def test_intervals_are_merged_reported_once_and_summarised() -> None:
    notes = Notes()
    monitor = QualityMonitor(notes, slow=Fraction(2))
    step = Fraction(1, 10)
    bad = [range(3, 6), [7], range(60, 62), *([100 + 20 * k] for k in range(6))]
    wrong = {k for interval in bad for k in interval}
    for k in range(300):
        monitor.add_frame(k * step, (k + 1) * step, BAD if k in wrong else GOOD)
    monitor.finish()
    warnings = list(notes)
    assert [note.kind for note in warnings] == ["quality"] * 6
    assert all(note.level == "warning" for note in warnings)
    # Frames 3 to 5 and frame 7 are 0.2 s apart in the film.
    assert "at 0:00.6-0:01.6:" in warnings[0].message
    assert "closer together" in warnings[0].message
    assert "at 0:12.0-0:12.4:" in warnings[1].message
    assert not any("closer" in note.message for note in warnings[1:])
    assert warnings[1].time == 6  # in seconds of the source
    assert "3 more intervals, 0.6 s in total, from 0:32.0 on" in warnings[-1].message


def test_frames_without_an_error_estimate_trigger_no_warning() -> None:
    notes = Notes()
    monitor = QualityMonitor(notes, slow=Fraction(1))
    monitor.add_frame(Fraction(0), Fraction(1), None)
    monitor.finish()
    assert not list(notes)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [("3.16", "0:03.2"), ("59.97", "1:00.0"), ("3600", "1:00:00.0"), ("0", "0:00.0")],
)
def test_clock_format(seconds: str, text: str) -> None:
    assert format_clock(Fraction(seconds)) == text


def test_video_warns_of_low_quality_interval() -> None:
    calm = panning(10, step=2.0, size=SIZE)
    shake = [np.roll(calm[-1], 60 * (k % 2), axis=1) for k in range(1, 8)]
    clip = clip_of([*calm, *shake, *calm[::-1]], Fraction(10))
    film = interpolate(clip, times=2, engine="fast")
    assert sum(1 for _ in film) == 54
    warnings = [note for note in film.notes if note.kind == "quality"]
    assert len(warnings) == 1
    assert warnings[0].time == Fraction(9, 10)
    assert "0:00.9-0:01.7" in warnings[0].message


def test_steady_pan_triggers_no_warning() -> None:
    film = interpolate(clip_of(panning(8, step=4.0, size=SIZE), Fraction(10)), times=4)
    assert len(list(film)) == 32
    assert not [note for note in film.notes if note.kind == "quality"]


def test_dissimilar_photos_are_reported_once(tmp_path: Path) -> None:
    near = panning(3, step=6.0, size=SIZE)
    near[2] = np.roll(near[1], (40, 70), axis=(0, 1))
    film = interpolate(save_photos(tmp_path, near), engine="fast", seconds=Fraction(1))
    list(film)
    list(film)
    warnings = [note.message for note in film.notes if note.kind == "quality"]
    assert len(warnings) == 1
    assert warnings[0].startswith("Low quality is likely between 1.png and 2.png:")


def test_report_shows_the_error_estimate(tmp_path: Path) -> None:
    source = read(save_photos(tmp_path, panning(2, step=6.0, size=SIZE)))
    options = InterpolateOptions(engine="fast", seconds=Fraction(1, 2))
    film = interpolate(source, engine="fast", seconds=Fraction(1, 2))
    page = to_html(build_interpolation_page(source, film, options))
    assert page.count("Error estimate") == 1
    assert "pale yellow" in page


def test_error_colours_range_from_black_to_bright() -> None:
    key = draw_error_key(64, 4)
    assert key.shape == (4, 64, 3)
    assert key[0, 0].max() < 10
    assert key[0, -1].min() > 150
    beyond = draw_error_map(np.full((1, 1), 2 * FULL_SCALE_ERROR, np.float32))
    assert np.array_equal(beyond[0, 0], key[0, -1])
