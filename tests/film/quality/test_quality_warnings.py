"""Expected errors, and the warnings made of them."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from scenes import clip_of, panning, save_photos, texture, view

from kinoloom.base.notes import Notes
from kinoloom.base.report.files import to_html
from kinoloom.film.api import interpolate
from kinoloom.film.choose import choose, engine_options
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.page import interpolation_page
from kinoloom.film.quality.error_color import FULL, draw_error, error_key
from kinoloom.film.quality.error_estimate import DOUBTFUL_DB, error_of_fit, expected_psnr_db
from kinoloom.film.quality.warnings import Stretches, clock_text
from kinoloom.media.files import read

ALLOWED = engine_options(1 << 30)
SIZE = (192, 128)
GOOD, BAD = (
    np.full((2, 2), 10 ** (-db / 20), np.float32) for db in (DOUBTFUL_DB + 1, DOUBTFUL_DB - 1)
)


@pytest.mark.parametrize("name", ["fast", "refine"])
def test_more_error_is_expected_where_things_do_not_fit(name: str) -> None:
    """The left half pans, the right half shows something else."""
    first, second = panning(2, step=6.0, size=SIZE)
    second[:, 96:] = view(texture(9), 30, size=SIZE)[:, 96:]
    engine = choose(name, ALLOWED).make(ALLOWED)
    ((made, error),) = engine.between_with_errors(first, second, [0.5])
    assert np.array_equal(made, next(engine.between(first, second, [0.5])))
    whole = cv2.resize(error, SIZE)
    assert whole[:, 112:].mean() > 5 * whole[:, :80].mean()
    assert expected_psnr_db(error[:, : error.shape[1] // 3]) > 30


def test_equal_pictures_are_certain() -> None:
    first = view(texture(1), 20)
    engine = choose("fast", ALLOWED).make(ALLOWED)
    for _, error in engine.between_with_errors(first, first.copy(), [0.25, 0.5]):
        assert expected_psnr_db(error) == 100


@pytest.mark.parametrize("name", ["dis", "blend"])
def test_engines_that_cannot_tell_say_none(name: str) -> None:
    first, second = panning(2)
    assert choose(name, ALLOWED).make(ALLOWED).between_with_errors(first, second, [0.5]) is None


def test_the_better_the_fit_the_smaller_the_error() -> None:
    fit = np.array([[1e-4, 1e-2, 1.0]], np.float32)
    error = error_of_fit(fit)
    assert error.dtype == np.float32
    assert error[0, 0] > error[0, 1] > error[0, 2] > 0


def test_stretches_are_joined_told_once_and_counted_at_the_end() -> None:
    notes = Notes()
    stretches = Stretches(notes, slow=Fraction(2))
    step = Fraction(1, 10)
    bad = [range(3, 6), [7], range(60, 62), *([100 + 20 * k] for k in range(6))]
    wrong = {k for stretch in bad for k in stretch}
    for k in range(300):
        stretches.saw(k * step, (k + 1) * step, BAD if k in wrong else GOOD)
    stretches.finish()
    told = list(notes)
    assert [note.kind for note in told] == ["doubt"] * 6
    assert all(note.level == "warning" for note in told)
    assert "0:00.6-0:01.6 will" in told[0].message  # 3 to 5 and 7: 0.2 s of the film apart
    assert "--engine blend" in told[0].message
    assert "0:12.0-0:12.4 will" in told[1].message
    assert not any("--engine" in note.message for note in told[1:])
    assert told[1].time == 6  # on the clock of the source
    assert "3 more places, 0.6 s in all, from 0:32.0 on" in told[-1].message


def test_an_engine_that_cannot_tell_is_never_doubted() -> None:
    notes = Notes()
    stretches = Stretches(notes, slow=Fraction(1))
    stretches.saw(Fraction(0), Fraction(1), None)
    stretches.finish()
    assert not list(notes)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [("3.16", "0:03.2"), ("59.97", "1:00.0"), ("3600", "1:00:00.0"), ("0", "0:00.0")],
)
def test_clock_text(seconds: str, text: str) -> None:
    assert clock_text(Fraction(seconds)) == text


def test_a_video_warns_of_the_stretch_that_will_look_bad() -> None:
    calm = panning(10, step=2.0, size=SIZE)
    shake = [np.roll(calm[-1], 60 * (k % 2), axis=1) for k in range(1, 8)]
    clip = clip_of([*calm, *shake, *calm[::-1]], Fraction(10))
    film = interpolate(clip, times=2, engine="fast")
    assert sum(1 for _ in film) == 54
    told = [note for note in film.notes if note.kind == "doubt"]
    assert len(told) == 1
    assert told[0].time == Fraction(9, 10)
    assert "0:00.9-0:01.7" in told[0].message


def test_a_steady_pan_is_not_doubted() -> None:
    film = interpolate(clip_of(panning(8, step=4.0, size=SIZE), Fraction(10)), times=4)
    assert len(list(film)) == 32
    assert not [note for note in film.notes if note.kind == "doubt"]


def test_photos_too_far_apart_are_named_once(tmp_path: Path) -> None:
    near = panning(3, step=6.0, size=SIZE)
    near[2] = np.roll(near[1], (40, 70), axis=(0, 1))
    film = interpolate(save_photos(tmp_path, near), engine="fast", seconds=Fraction(1))
    list(film)
    list(film)
    told = [note.message for note in film.notes if note.kind == "doubt"]
    assert len(told) == 1
    assert told[0].startswith("Between 1.png and 2.png the film will probably look bad")


def test_the_page_shows_where_the_new_frame_may_be_wrong(tmp_path: Path) -> None:
    source = read(save_photos(tmp_path, panning(2, step=6.0, size=SIZE)))
    for engine, shown in (("fast", 1), ("blend", 0)):
        options = InterpolateOptions(engine=engine, seconds=Fraction(1, 2))
        film = interpolate(source, engine=engine, seconds=Fraction(1, 2))
        page = to_html(interpolation_page(source, film, options))
        assert page.count("Where it may be wrong") == shown
        assert ("pale yellow" in page) == bool(shown)


def test_error_colours_go_from_black_to_bright() -> None:
    key = error_key(64, 4)
    assert key.shape == (4, 64, 3)
    assert key[0, 0].max() < 10
    assert key[0, -1].min() > 150
    beyond = draw_error(np.full((1, 1), 2 * FULL, np.float32))
    assert np.array_equal(beyond[0, 0], key[0, -1])
