"""Films of photos: path, exposure, sizes, different scenes."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scenes import clip_of, panning, save_photos, texture, view

import kinoloom
from kinoloom.errors import UsageError

SIZE = (160, 120)


@pytest.fixture
def pair(tmp_path: Path) -> list[Path]:
    return save_photos(tmp_path, panning(2, step=6.0, size=SIZE))


def test_film_starts_and_ends_with_the_photos(pair: list[Path]) -> None:
    film = kinoloom.interpolate(pair, seconds=1, fps=10)
    frames = list(film)
    first, last = panning(2, step=6.0, size=SIZE)
    assert len(frames) == 10
    assert film.duration == 1
    assert np.array_equal(frames[0].image, first)
    assert np.array_equal(frames[-1].image, last)


def test_motion_is_interpolated_rather_than_faded(pair: list[Path]) -> None:
    frames = [f.image for f in kinoloom.interpolate(pair, seconds="0.5", fps=10)]
    picture = texture(0)
    truth = view(picture, 10 + 6.0 / 2, size=SIZE).astype(float)
    inner = (slice(10, -10), slice(16, -16))
    assert np.abs(frames[2][inner] - truth[inner]).mean() < 4


def test_exposure_changes_evenly(tmp_path: Path) -> None:
    first, second = panning(2, step=4.0, size=SIZE)
    darker = np.rint(second * np.array([0.6, 0.65, 0.7])).astype(np.uint8)
    film = kinoloom.interpolate(save_photos(tmp_path, [first, darker]), seconds=1, fps=12)
    brightness = np.array([f.image.mean(axis=(0, 1)) for f in film])
    steps = np.diff(brightness, axis=0)
    even = (brightness[-1] - brightness[0]) / (len(brightness) - 1)
    assert np.abs(steps - even).max() < 2.5, "brightness changes unevenly from photo to photo"


def test_different_scenes_are_cross_faded_with_a_warning(tmp_path: Path) -> None:
    photos = [panning(1, seed=1, size=SIZE)[0], panning(1, seed=2, size=SIZE)[0]]
    film = kinoloom.interpolate(save_photos(tmp_path, photos), seconds="0.3", fps=10)
    middle = [f.image for f in film][1].astype(float)
    assert film.notes.count("scenes") == 1
    mean = (photos[0].astype(float) + photos[1]) / 2
    assert np.abs(middle - mean).mean() < 12


@pytest.mark.parametrize(
    ("options", "first_again"),
    [({"boomerang": True}, True), ({"loop": True}, False), ({}, False)],
)
def test_loop_and_boomerang(tmp_path: Path, options: dict[str, bool], *, first_again: bool) -> None:
    photos = panning(3, step=4.0, size=SIZE)
    film = kinoloom.interpolate(save_photos(tmp_path, photos), seconds=2, fps=8, **options)
    frames = [f.image for f in film]
    assert len(frames) == 16
    assert np.array_equal(frames[0], photos[0])
    assert np.array_equal(frames[-1], photos[0]) == first_again


def test_each_photo_is_held(pair: list[Path]) -> None:
    frames = [f.image for f in kinoloom.interpolate(pair, seconds=2, fps=10, hold="0.5")]
    assert all(np.array_equal(frame, frames[0]) for frame in frames[:5])
    assert all(np.array_equal(frame, frames[-1]) for frame in frames[-5:])
    assert not np.array_equal(frames[8], frames[0])


def test_photos_of_different_sizes_share_one_format(tmp_path: Path) -> None:
    picture = texture(0)
    photos = [view(picture, 10, size=(160, 120)), view(picture, 14, size=(120, 160))]
    film = kinoloom.interpolate(save_photos(tmp_path, photos), seconds="0.5", fps=10)
    assert {f.image.shape for f in film} == {(film.height, film.width, 3)}


def test_large_photos_are_reduced_to_the_size_limit(tmp_path: Path) -> None:
    photos = panning(2, size=(300, 200))
    film = kinoloom.interpolate(save_photos(tmp_path, photos), size=150, seconds=1, fps=4)
    assert (film.width, film.height) == (150, 100)


def test_seeking_gives_the_same_frames(tmp_path: Path) -> None:
    photos = save_photos(tmp_path, panning(3, step=4.0, size=SIZE))
    film = kinoloom.interpolate(photos, seconds=2, fps=10)
    whole = list(film)
    for begin in (3, 9, 10, 11, 19):
        part = list(film.read(whole[begin].time))
        assert [f.time for f in part] == [f.time for f in whole[begin:]]
        assert np.array_equal(part[0].image, whole[begin].image)


def test_16_bits_are_kept(tmp_path: Path) -> None:

    paths = []
    for k, picture in enumerate(panning(2, size=SIZE)):
        paths.append(tmp_path / f"{k}.png")
        cv2.imwrite(str(paths[-1]), picture[..., ::-1].astype(np.uint16) * 257)
    film = kinoloom.interpolate(paths, seconds="0.4", fps=10)
    assert {f.image.dtype.name for f in film} == {"uint16"}
    assert film.bits > 8


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"hold": 5, "seconds": 2}, "leaves no time for motion"),
        ({"seconds": "0.01", "fps": 10}, "fewer than two frames"),
        ({"slow": 8}, "--slow applies to videos"),
        ({"times": 4}, "--times applies to videos"),
        ({"dedup": True}, "--dedup applies to videos"),
    ],
)
def test_invalid_options_are_rejected(
    pair: list[Path], options: dict[str, object], match: str
) -> None:
    with pytest.raises(UsageError, match=match):
        kinoloom.interpolate(pair, **options)


def test_single_photo_is_rejected(pair: list[Path]) -> None:
    with pytest.raises(UsageError, match="at least two photos"):
        kinoloom.interpolate(pair[:1])


def test_default_rate_is_30_fps(pair: list[Path]) -> None:
    film = kinoloom.interpolate(pair)
    assert (film.rate, film.frame_count) == (Fraction(30), 45)


def test_burst_is_analysed_once_per_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kinoloom.motion import alignment, camera

    calls = {"_detect_features": 0, "_similarity": 0}
    for module, name in ((camera, "_detect_features"), (alignment, "_similarity")):
        whole = getattr(module, name)

        def count(*args: object, name: str = name, whole: Any = whole) -> object:
            calls[name] += 1
            return whole(*args)

        monkeypatch.setattr(module, name, count)
    photos = [(p * (1 - 0.02 * k)).astype(np.uint8) for k, p in enumerate(panning(12, size=SIZE))]
    film = kinoloom.interpolate(save_photos(tmp_path, photos), seconds=3, fps=10, engine="fast")
    assert len(list(film)) == 30
    assert calls == {"_detect_features": 2 * 11, "_similarity": 11}


@pytest.mark.parametrize("shift_px", [10.0, 22.0])
def test_repeating_texture_moves_by_the_camera_motion(tmp_path: Path, shift_px: float) -> None:
    tile = texture(4)[:48, :48]
    light = cv2.resize(np.random.default_rng(1).uniform(0.7, 1.3, (5, 7)), (480, 336))
    wall = np.clip(np.tile(tile, (7, 10, 1)) * light[..., None], 0, 255).astype(np.uint8)
    first, middle, second = (view(wall, 30 + k * shift_px / 2, size=(320, 240)) for k in range(3))
    paths = save_photos(tmp_path, [first, second])
    frame = [f.image for f in kinoloom.interpolate(paths, seconds=1, fps=3, engine="fast")][1]
    inner = (slice(20, -20), slice(40, -40))
    assert np.abs(frame[inner].astype(int) - middle[inner]).mean() < 4


def test_photos_of_50_megapixels_fit_two_gigabytes() -> None:
    from kinoloom.film.engines.fast import FAST
    from kinoloom.film.options import InterpolateOptions
    from kinoloom.film.photos.interpolation import _estimate_needs
    from kinoloom.film.selection import build_engine_options

    photos = replace(clip_of(panning(2, size=SIZE), Fraction(1)), width=8660, height=5774)
    needs = _estimate_needs(photos, InterpolateOptions(size=8660))
    engine_bytes = FAST.least_bytes(needs.pictures, build_engine_options(None))
    assert needs.held_bytes + engine_bytes < 2_000_000_000
