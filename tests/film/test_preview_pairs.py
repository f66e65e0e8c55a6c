"""Pairs of source pictures that previews keep: the frames are those of the film, motion is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scenes import clip_of, panning, texture, view

import kinoloom
from kinoloom.base.arrays import Picture
from kinoloom.errors import UsageError
from kinoloom.film.engine import NewFrames
from kinoloom.film.engines import fast
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.preview.films import Films
from kinoloom.film.preview.overlays import draw_expected_error, draw_motion
from kinoloom.film.preview.pairs import HeldPairs, RequestedTimes, SourcePair

SIZE = (96, 64)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Three photos of a panning camera."""
    files = [tmp_path / f"{x}.png" for x in (8, 14, 20)]
    for file in files:
        Image.fromarray(view(texture(3), int(file.stem), size=SIZE)).save(file)
    return files


@pytest.fixture
def count_flows(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return how often optical flow was computed."""
    calls: list[object] = []
    compute = fast.dense_flow

    def count(*images: Any) -> Any:
        calls.append(images)
        return compute(*images)

    monkeypatch.setattr(fast, "dense_flow", count)
    return lambda: len(calls)


@pytest.mark.parametrize("engine", ["fast", "deep"])
def test_frames_in_any_order_are_those_of_the_film(
    photos: list[Path], count_flows: Callable[[], int], engine: str
) -> None:
    options = InterpolateOptions(engine=engine, seconds=Fraction(2), fps=Fraction(9))
    film = Films().open(photos, options, SIZE[0])
    numbers = [5, 2, 3, 12, 0, 9, 17, 5, 8]
    shown = [film.read_frame(number) for number in numbers]
    assert count_flows() == 4  # two transitions, both directions
    expected = [frame.image for frame in film.film]
    for number, picture in zip(numbers, shown, strict=True):
        assert np.array_equal(picture, expected[number]), number


def test_frames_of_a_video_are_those_of_the_film(
    tmp_path: Path, count_flows: Callable[[], int]
) -> None:
    file = tmp_path / "cut.mkv"
    scenes = [*panning(6, seed=1), *panning(6, seed=2)]
    kinoloom.write(clip_of(scenes, Fraction(12)), file, codec="ffv1")
    options = InterpolateOptions(engine="fast", times=5)
    film = Films().open([file], options, SIZE[0])
    numbers = [1, 4, 2, 0, 27, 29, 58, 3]
    shown = [film.read_frame(number) for number in numbers]
    assert count_flows() == 2  # frames 27 and 29 are at the cut, 58 is after the last one
    expected = [frame.image for frame in film.film]
    for number, picture in zip(numbers, shown, strict=True):
        assert np.array_equal(picture, expected[number]), number


def test_overlays_use_the_motion_of_the_frame(
    photos: list[Path], count_flows: Callable[[], int]
) -> None:
    film = Films().open(photos, InterpolateOptions(engine="fast"), SIZE[0])
    film.read_frame(7)
    before = count_flows()
    assert draw_expected_error(film, 7, 48) is not None
    assert draw_expected_error(film, 9, 48) is not None
    assert count_flows() == before
    for number in (7, 9, 11):
        assert draw_motion(film, number, 48) is not None
    assert count_flows() == before + 2  # the motion of colours at full size, once per pair


def test_a_scene_cut_has_no_overlay(tmp_path: Path) -> None:
    file = tmp_path / "cut.mkv"
    scenes = [*panning(6, seed=1), *panning(6, seed=2)]
    kinoloom.write(clip_of(scenes, Fraction(12)), file, codec="ffv1")
    film = Films().open([file], InterpolateOptions(engine="fast", times=2), SIZE[0])
    with pytest.raises(UsageError, match="a scene ends there"):
        draw_motion(film, 11, 48)
    with pytest.raises(UsageError, match="no frame 24"):
        film.read_frame(24)


def build_pair(interpolate: Callable[[Sequence[float]], NewFrames]) -> SourcePair:
    black = np.zeros((2, 2, 3), np.uint8)
    return SourcePair(black, black + 255, interpolate, fast.Fast(fast_options()))


def fast_options() -> Any:
    from kinoloom.film.selection import build_engine_options

    return build_engine_options(None)


def grey(time: float) -> Picture:
    return np.full((2, 2, 3), round(255 * time), np.uint8)


def test_an_engine_that_reads_all_times_at_once_is_asked_again() -> None:
    starts = []

    def interpolate(times: Sequence[float]) -> NewFrames:
        starts.append(times)
        yield from ((grey(time), None) for time in list(times))

    pair = build_pair(interpolate)
    values = [pair.render(Fraction(k, 5)).picture[0, 0, 0] for k in (2, 4, 1, 0, 5)]
    assert values == [102, 204, 51, 0, 255]
    assert len(starts) == 3


def test_a_pair_works_again_after_an_error() -> None:
    def interpolate(times: Sequence[float]) -> NewFrames:
        for time in times:
            if time == 0.25:
                raise RuntimeError("no memory")
            yield grey(time), None

    pair = build_pair(interpolate)
    assert pair.render(Fraction(1, 2)).picture[0, 0, 0] == 128
    with pytest.raises(RuntimeError):
        pair.render(Fraction(1, 4))
    assert pair.render(Fraction(3, 4)).picture[0, 0, 0] == 191


def test_requested_times_look_like_one_time() -> None:
    times = RequestedTimes(0.5)
    times.add(0.25)
    assert (len(times), times[0], list(times[:5])) == (1, 0.5, [0.5])
    assert list(times) == [0.5, 0.25]
    assert times.is_closed


def test_held_pairs_stay_within_the_limit_but_the_newest_is_held() -> None:
    built = []

    def get(held: HeldPairs, name: str, nbytes: int) -> None:
        def build() -> SourcePair:
            built.append(name)
            return build_pair(lambda times: iter(()))

        held.get(name, build, nbytes)

    held = HeldPairs(100)
    for name, nbytes in (("a", 40), ("b", 40), ("a", 40), ("c", 40), ("a", 40), ("b", 40)):
        get(held, name, nbytes)
    assert built == ["a", "b", "c", "b"]  # b was used longest ago when c came
    get(held, "large", 500)
    get(held, "large", 500)
    assert built[-1] == "large"
    get(held, "a", 40)
    assert built[-1] == "a"
