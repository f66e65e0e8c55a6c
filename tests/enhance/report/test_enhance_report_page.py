"""The report on enhanced photos and videos."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from kinoloom.base.clip import Clip, Frame
from kinoloom.base.report import Slider, Table
from kinoloom.base.report.files import to_html, to_text
from kinoloom.enhance.ops import enhance
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.page import build_enhance_page
from kinoloom.enhance.report.comparison import compare
from kinoloom.enhance.report.video import measure_quality, read_pairs
from kinoloom.media.photo.editing import open_each_photo

RNG = np.random.default_rng(3)
SCENE = cv2.resize(
    RNG.integers(20, 236, (12, 20, 3), np.uint8), (120, 72), interpolation=cv2.INTER_CUBIC
)


def build_video(count: int, rate: Fraction, noise: float = 0.0) -> Clip:
    """Return a panning clip in memory, 96x64."""
    frames = []
    for k in range(count):
        picture = SCENE[4:68, k : k + 96] + RNG.normal(0, noise, (64, 96, 3))
        frames.append(Frame(picture.clip(0, 255).astype(np.uint8), k / rate, 1 / rate))
    return Clip.from_frames(frames, rate=rate)


def save_photo(path: Path, quality: int = 60) -> Path:
    """Write the scene as JPEG."""
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), SCENE, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return path


def find_table(report: object, title: str) -> Table:
    """Return the table of a title."""
    return next(one for one in report.sections if isinstance(one, Table) and one.title == title)


def test_photo_has_a_slider_measurements_and_costs(tmp_path: Path) -> None:
    source = open_each_photo([save_photo(tmp_path / "a.jpg")])
    options = EnhanceOptions(scale=2.0, deblock=True, sharpen=True, strength=0.5)
    report = build_enhance_page(source, enhance(source, options), options)
    (slider,) = (one for one in report.sections if isinstance(one, Slider))
    assert slider.before.caption == "before: 120x72, resized with a cubic filter"
    assert slider.after.caption == "after: 240x144"
    before, after = (
        cv2.imdecode(np.frombuffer(one.data, np.uint8), cv2.IMREAD_COLOR)
        for one in (slider.before, slider.after)
    )
    assert before.shape == after.shape == (144, 240, 3)
    done = find_table(report, "What was done")
    assert [row[:2] for row in done.rows] == [
        ("scale", "2"),
        ("deblock", "on"),
        ("sharpen", "on"),
        ("strength", "0.5"),
    ]
    rows = {row[0]: row[1:] for row in find_table(report, "Measured").rows}
    assert rows["size in pixels"] == ("120 x 72", "240 x 144")
    assert rows["JPEG quality"][0] == "60 (from the file)"
    steps = [row[0] for row in find_table(report, "Cost of each step").rows]
    assert steps == ["deblock", "enlarge 2 times (fast-x2)", "sharpen", "together"]
    assert report.data["photos"][0]["photo"] == "a.jpg"
    assert "a.jpg" in to_html(report)


def test_reasons_of_automatic_choices_are_shown(tmp_path: Path) -> None:
    source = open_each_photo([save_photo(tmp_path / "a.jpg", quality=40)])
    options = EnhanceOptions(auto=True, without="denoise")
    result = enhance(source, options)
    list(result)
    text = to_text(build_enhance_page(source, result, options))
    assert "JPEG errors of quality 40 are removed." in text


def test_folder_has_a_table_of_all_photos(tmp_path: Path) -> None:
    for name in "abcd":
        save_photo(tmp_path / "in" / f"{name}.jpg")
    (tmp_path / "in" / "b.jpg").write_bytes(b"\xff\xd8\xff\xe0broken")
    source = open_each_photo([tmp_path / "in"])
    options = EnhanceOptions(sharpen=True)
    report = build_enhance_page(source, enhance(source, options), options)
    table = find_table(report, "All photos")
    assert [row[0] for row in table.rows] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert [row[1] for row in table.rows] == ["120x72", "unreadable", "120x72", "120x72"]
    assert [one["photo"] for one in report.data["photos"]] == ["a.jpg", "c.jpg", "d.jpg"]


def test_video_is_reported_with_flicker_and_costs() -> None:
    source = build_video(8, Fraction(10))
    options = EnhanceOptions(scale=2.0, tier="live")
    report = build_enhance_page(source, enhance(source, options), options)
    titles = [one.title for one in report.sections]
    for title in ("Before and after", "Noise and flicker", "Measured", "Time line"):
        assert title in titles
    steps = [row[0] for row in find_table(report, "Cost of each step").rows]
    assert steps == ["decode", "enlarge 2 times (live-x2)", "together"]
    assert {row[2] for row in find_table(report, "Cost of each step").rows[:2]} == {8}
    assert report.data["flicker_after"] < 3


def test_a_report_reads_only_a_few_frames_of_a_long_video() -> None:
    source = build_video(20, Fraction(10))
    read_frames = 0

    def read_long(start: Fraction) -> object:
        nonlocal read_frames
        first = int(start * 10)
        for k in range(first, 4000):
            read_frames += 1
            yield Frame(SCENE[:64, :96], Fraction(k, 10), Fraction(1, 10))

    long = source.with_(read=read_long, duration=Fraction(400), frame_count=4000)
    options = EnhanceOptions(sharpen=True)
    result = enhance(long, options)
    build_enhance_page(long, result, options)
    assert read_frames < 200


@pytest.mark.parametrize("rate", [Fraction(10), Fraction(20), Fraction(24)])
def test_frames_are_paired_by_time(rate: Fraction) -> None:
    source, result = build_video(12, Fraction(10)), build_video(24, rate)
    pairs = read_pairs(source, result)
    assert len(pairs) >= 2
    assert all(abs(one.time - other.time) <= Fraction(1, 2) / rate for one, other in pairs)


def test_slow_motion_is_paired_by_the_time_of_the_source() -> None:
    source = build_video(12, Fraction(10))
    slow = build_video(20, Fraction(10)).with_(time_scale=Fraction(2))
    pairs = read_pairs(source, slow)
    assert len(pairs) == 4
    assert all(2 * one.time == other.time for one, other in pairs)


def test_noise_and_flicker_fall_when_noise_is_removed() -> None:
    noisy, clean = build_video(4, Fraction(10), noise=12), build_video(4, Fraction(10))
    found = measure_quality(list(zip(noisy, clean, strict=True)))
    assert abs(found.noise_before - 12 * 0.669) < 0.5  # of luma
    assert found.noise_after < 2
    assert found.flicker_before > 3 * found.flicker_after


def test_one_frame_has_no_flicker() -> None:
    (pair,) = zip(build_video(1, Fraction(10)), build_video(1, Fraction(10)), strict=True)
    assert np.isnan(measure_quality([pair]).flicker_after)


def test_large_pictures_have_a_detail_without_loss() -> None:
    picture = cv2.resize(SCENE, (1800, 1000))
    whole, detail = compare(picture, picture, "a.jpg")
    assert whole.title == "a.jpg: before and after"
    assert (whole.after.media_type, detail.after.media_type) == ("image/jpeg", "image/png")
    shown = cv2.imdecode(np.frombuffer(detail.after.data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert shown.shape == (480, 480, 3)
    windows = np.lib.stride_tricks.sliding_window_view(picture[..., 0], (480, 480))[::16, ::16]
    assert any((one == shown[..., 0]).all() for row in windows for one in row)
