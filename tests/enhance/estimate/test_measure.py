"""`kinoloom measure`: photos, videos, the report and the command."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from natural_scenes import add_gaussian, compress, decode, draw_natural, to_bytes
from PIL import Image

from kinoloom.base.clip import Clip, Frame
from kinoloom.cli.main import main
from kinoloom.enhance.estimate.measure import measure_clip
from kinoloom.enhance.ops import measure
from kinoloom.errors import UnreadableMediaError
from kinoloom.media.files import read

RATE = Fraction(25)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """A noisy PNG, a JPEG file, and a PNG of a decoded JPEG."""
    files = [tmp_path / name for name in ("noisy.png", "stored.jpg", "decoded.png")]
    Image.fromarray(add_gaussian(draw_natural(1), 20)).save(files[0])
    data = compress(to_bytes(draw_natural(2)), 35)
    files[1].write_bytes(data)
    Image.fromarray(decode(data)).save(files[2])
    return files


def make_video(images: list[np.ndarray], **fields: Any) -> Clip:
    frames = [Frame(image, k / RATE, 1 / RATE) for k, image in enumerate(images)]
    return Clip.from_frames(frames, rate=RATE, **fields)


def test_photos_are_measured_one_by_one(photos: list[Path]) -> None:
    noisy, stored, decoded = measure_clip(read(photos), 9)
    assert noisy.name == "noisy.png"
    assert (noisy.width, noisy.height, noisy.frames) == (320, 240, 1)
    assert noisy.estimates.noise.sigma == pytest.approx(20, rel=0.07)
    assert (noisy.estimates.jpeg_quality, noisy.jpeg_source) == (None, "")
    assert (stored.estimates.jpeg_quality, stored.jpeg_source) == (35, "file")
    assert (decoded.estimates.jpeg_quality, decoded.jpeg_source) == (35, "pixels")
    assert decoded.estimates.blockiness > noisy.estimates.blockiness + 0.3
    assert noisy.repeated_share is None


def test_video_has_medians_of_luma() -> None:
    scene = draw_natural(3, 120, 160)
    images = [add_gaussian(scene, 60 if k == 4 else 12, k) for k in range(12)]
    (found,) = measure_clip(make_video(images), 3)
    assert found.frames == 3
    luma = 12 * np.sqrt(0.299**2 + 0.587**2 + 0.114**2)
    assert found.estimates.noise.sigma == pytest.approx(luma, rel=0.15)
    assert found.estimates.jpeg_quality is None
    assert (found.interlacing, found.repeated_share) == ("", 0)


def test_repeated_frames_are_counted() -> None:
    wide = to_bytes(draw_natural(4, 120, 320))
    images = [wide[:, 6 * (k // 2) : 6 * (k // 2) + 160] for k in range(28)]
    (found,) = measure_clip(make_video(images), 4)
    assert found.repeated_share == pytest.approx(0.5, abs=0.1)


def test_interlacing_is_what_the_reader_found() -> None:
    clip = make_video([to_bytes(draw_natural(5, 120, 160))] * 2)
    clip.notes.add("interlaced", "It is interlaced.")
    clip.notes.add("cut", "A cut.")
    rows = dict(measure(clip, samples=1).sections[0].rows)  # type: ignore[union-attr]
    assert rows["interlacing"] == "It is interlaced."
    assert "JPEG quality" not in rows
    assert measure_clip(clip, 1)[0].interlacing == "It is interlaced."


def test_video_without_frames_is_rejected() -> None:
    empty = make_video([np.zeros((20, 20, 3), np.uint8)]).with_(read=lambda start: iter(()))
    with pytest.raises(UnreadableMediaError, match="no frames"):
        measure_clip(empty, 9)


def test_tiny_pictures_have_unknown_values(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    report = measure(read([tmp_path / "dot.png"]))
    (table,) = report.sections[:1]
    assert dict(table.rows)["noise, standard deviation"] == "unknown"  # type: ignore[union-attr]


def test_command_prints_one_json_object(
    photos: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["measure", str(photos[0]), str(photos[1]), "--json"])
    assert not end.value.code
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "kinoloom.measure/1"
    noisy, stored = found["files"]
    assert noisy["noise"]["sigma"] == pytest.approx(20, rel=0.07)
    assert (stored["name"], stored["jpeg_quality"]) == ("stored.jpg", 35)
    keys = {"blockiness", "blur_px", "banding", "true_resolution", "exposure", "interlacing"}
    assert keys <= noisy.keys()


def test_report_is_readable(photos: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["measure", str(photos[1])])
    text = capsys.readouterr().out
    assert "stored.jpg" in text
    assert "35 (from the file)" in text
