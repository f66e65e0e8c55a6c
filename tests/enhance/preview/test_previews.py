"""Previews show what the job writes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scenes import clip_of, texture, view

import kinoloom
from kinoloom.base.arrays import Picture
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.photos import enhance_photos
from kinoloom.enhance.preview.outlook import describe_job
from kinoloom.enhance.preview.rendering import Place, render_after, render_before
from kinoloom.enhance.preview.sources import Source, Sources
from kinoloom.enhance.preview.views import choose_overview, choose_region
from kinoloom.enhance.video.enhancement import enhance_video
from kinoloom.errors import KinoloomError, UsageError

SIZE = (320, 224)
RATE = Fraction(10)
WORK = EnhanceOptions(scale=2.0, tier="live", deblock=True, sharpen=True, white_balance=True)
START = Fraction(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG photo with visible blocks and a colour cast, and a video of ten frames."""
    folder = tmp_path_factory.mktemp("previews")
    scene = texture(5, 520, 300)
    cast = (view(scene, 8, size=SIZE) * np.array([1.0, 0.8, 0.7])).astype(np.uint8)
    Image.fromarray(cast).save(folder / "photo.jpg", quality=35)
    rgba = np.dstack([cast, np.full(SIZE[::-1], 255, np.uint8)])
    rgba[:100, :, 3] = 0
    Image.fromarray(rgba).save(folder / "clear.png")
    frames = [view(scene, 4.0 * k, size=SIZE) for k in range(10)]
    kinoloom.write(clip_of(frames, RATE), folder / "video.mp4")
    return folder


@pytest.fixture(scope="module")
def photo(folder: Path) -> Source:
    return Source(folder / "photo.jpg")


@pytest.fixture(scope="module")
def video(folder: Path) -> Source:
    return Source(folder / "video.mp4")


def never() -> bool:
    return False


def enhance_whole(source: Source, options: EnhanceOptions, time: Fraction = START) -> Picture:
    """Return a picture as the job computes it."""
    work = enhance_photos if source.is_photo else enhance_video
    return next(work(source.clip, options).read(time)).image


@pytest.mark.parametrize("centre", [(0.0, 0.0), (0.55, 0.47), (1.0, 1.0)])
def test_a_region_of_a_photo_equals_the_job(photo: Source, centre: tuple[float, float]) -> None:
    whole = enhance_whole(photo, WORK)
    shown = render_after(photo, WORK, Place(START, centre, (160, 96)), never)
    box = shown.view.shown.scale(SIZE, (2 * SIZE[0], 2 * SIZE[1]))
    assert shown.picture.shape == (96, 160, 3)
    difference = np.abs(shown.picture.astype(int) - box.cut(whole))
    assert difference.max() <= 1


@pytest.mark.parametrize("number", [0, 6])
def test_a_region_of_a_frame_equals_the_job(video: Source, number: int) -> None:
    time = number / RATE
    work = replace(WORK, deblock=False)
    whole = enhance_whole(video, work, time)
    options = replace(work, fps=Fraction(30), dedup=True)  # new frames are not previewed
    shown = render_after(video, options, Place(time, (0.6, 0.3), (128, 128)), never)
    assert shown.time == time
    box = shown.view.shown.scale(SIZE, (2 * SIZE[0], 2 * SIZE[1]))
    assert np.abs(shown.picture.astype(int) - box.cut(whole)).max() <= 1


def test_a_small_picture_is_previewed_whole_and_unreduced(photo: Source) -> None:
    shown = render_after(photo, WORK, Place(START), never)
    assert not shown.view.is_reduced
    assert (shown.picture == enhance_whole(photo, WORK)).all()


def test_before_has_the_size_and_the_place_of_after(photo: Source) -> None:
    place = Place(START, (0.7, 0.2), (160, 96))
    old, new = render_before(photo, WORK, place), render_after(photo, WORK, place, never)
    assert old.view == new.view
    assert old.picture.shape == new.picture.shape
    box = old.view.shown
    small = np.asarray(Image.open(photo.file))[box.top : box.top + 48, box.left : box.left + 80]
    halved = np.asarray(Image.fromarray(old.picture).resize((80, 48), Image.Resampling.BOX))
    assert np.abs(halved.astype(int) - small).mean() < 4


def test_transparent_parts_are_black(folder: Path) -> None:
    shown = render_after(Source(folder / "clear.png"), WORK, Place(START), never)
    assert shown.picture[:180].max() <= 8
    assert shown.picture[220:].mean() > 60


def test_a_cancelled_preview_ends(photo: Source, video: Source) -> None:
    for source in (photo, video):
        with pytest.raises(KinoloomError, match="cancelled"):
            render_after(source, WORK, Place(START), lambda: True)


def test_a_time_after_the_end_is_reported(video: Source) -> None:
    with pytest.raises(UsageError, match=r"ends before 9\.000 s"):
        render_after(video, WORK, Place(Fraction(9)), never)


def test_slow_networks_get_a_reduced_overview() -> None:
    view = choose_overview((4000, 3000), 120_000)
    assert view.is_reduced
    assert view.computed == (400, 300)
    assert view.find_size((8000, 6000)) == (800, 600)
    assert view.take(np.zeros((3000, 4000, 3), np.uint8)).shape == (300, 400, 3)


SIDES = st.integers(1, 3000)
SHARES = st.floats(0, 1)


@given(st.tuples(SIDES, SIDES), st.tuples(SHARES, SHARES), st.integers(1, 4), st.integers(0, 90))
def test_regions_are_inside_and_have_their_margin(
    size: tuple[int, int], centre: tuple[float, float], scale: int, margin_px: int
) -> None:
    result = (size[0] * scale, size[1] * scale)
    region = choose_region(size, result, centre, (200, 100), margin_px)
    shown, outer = region.shown, region.outer
    for start, length, first, all_, side in (
        (shown.left, shown.width, outer.left, outer.width, size[0]),
        (shown.top, shown.height, outer.top, outer.height, size[1]),
    ):
        assert 0 <= first <= max(0, start - margin_px)
        assert first % 16 == 0
        assert min(side, start + length + margin_px) == first + all_
        assert 1 <= length <= side
    large = np.zeros((outer.height * scale, outer.width * scale, 3), np.uint8)
    assert region.finish(large, result).shape == (shown.height * scale, shown.width * scale, 3)


def test_a_job_is_described(photo: Source, video: Source) -> None:
    found = describe_job(photo, EnhanceOptions(preset="screen"))
    assert found["photo"]
    assert (found["width"], found["result"]["width"]) == (SIZE[0], 2 * SIZE[0])
    assert found["corrections"] == ["deblock"]
    assert found["networks"] == ["fast-x2"]
    assert dict(found["measured"])["JPEG quality"] == "35 (from the file)"
    film = describe_job(video, EnhanceOptions(scale=2.0, tier="live", fps=Fraction(30)))
    assert (film["rate"], film["result"]["rate"]) == ("10", "30")
    assert "before they are" in film["order"]


def test_choices_come_with_reasons(photo: Source) -> None:
    found = describe_job(photo, EnhanceOptions(auto=True, denoise="off"))
    reasons = {one["option"]: one["reason"] for one in found["choices"]}
    assert "quality 35" in reasons["deblock"]
    assert "deblock" in found["corrections"]


def test_a_choice_can_be_left_out(photo: Source) -> None:
    found = describe_job(photo, EnhanceOptions(auto=True, without="deblock,denoise"))
    assert {"deblock", "denoise"}.isdisjoint(found["corrections"])
    assert {"deblock", "denoise"}.isdisjoint(one["option"] for one in found["choices"])


def test_options_of_the_other_kind_are_refused(photo: Source, video: Source) -> None:
    with pytest.raises(UsageError, match="--fps applies to videos"):
        describe_job(photo, EnhanceOptions(scale=2.0, fps=Fraction(30)))
    with pytest.raises(UsageError, match="--metadata applies to photos"):
        describe_job(video, EnhanceOptions(scale=2.0, metadata="drop"))


def test_sources_are_kept_until_their_file_changes(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes((folder / "photo.jpg").read_bytes())
    sources = Sources()
    first = sources.open(file)
    assert sources.open(file) is first
    Image.new("RGB", (64, 48)).save(file)
    assert sources.open(file).size == (64, 48)
