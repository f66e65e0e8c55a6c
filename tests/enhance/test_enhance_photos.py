"""`enhance` on photos: formats, alpha, grey, 16 bits, folders, options."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import photo_files as make
import pytest
from enhance_pictures import draw
from PIL import Image

import kinoloom
from kinoloom.base.arrays import from_float
from kinoloom.enhance.ops import enhance
from kinoloom.errors import BudgetError, UnsupportedMediaError, UsageError
from kinoloom.media.photo.editing import open_each_photo, open_photo
from kinoloom.media.photo.editing.opening import EditablePhoto

BYTE = np.dtype(np.uint8)


def run(place: Path, out: Path, **options: object) -> EditablePhoto:
    """Enhance a photo, and return the result as opened."""
    kinoloom.write(enhance(open_each_photo([place]), **options), out, overwrite=True)
    return open_photo(out)


def save_rgba(path: Path, hidden: tuple[int, int, int]) -> Path:
    """Save a red circle with a soft edge; `hidden` is the colour of the clear pixels."""
    y, x = np.mgrid[:48, :56]
    distance = np.hypot(y - 24, x - 28)
    alpha = np.clip((18 - distance) / 4, 0, 1)
    picture = np.empty((48, 56, 4), np.uint8)
    picture[..., :3] = np.where(alpha[..., None] > 0, (200, 30, 30), hidden)
    picture[..., 3] = np.rint(alpha * 255)
    Image.fromarray(picture).save(path)
    return path


def test_clear_pixels_do_not_leak_into_visible_ones(tmp_path: Path) -> None:
    results = []
    for hidden in ((0, 255, 0), (0, 0, 0)):
        path = save_rgba(tmp_path / "in.png", hidden)
        results.append(run(path, tmp_path / "out.png", scale=2, tier="live", sharpen=True))
    one, other = results
    assert one.alpha is not None
    assert other.alpha is not None
    np.testing.assert_array_equal(one.alpha, other.alpha)
    np.testing.assert_array_equal(one.samples, other.samples)
    visible = one.alpha > 128
    assert np.abs(one.samples[visible].astype(int) - (200, 30, 30)).max() < 25
    assert np.median(np.abs(one.samples[one.alpha > 250].astype(int) - (200, 30, 30))) <= 3


def test_alpha_keeps_its_extremes(tmp_path: Path) -> None:
    path = save_rgba(tmp_path / "in.png", (9, 9, 9))
    result = run(path, tmp_path / "out.png", scale=2, tier="live")
    assert result.alpha is not None
    assert result.alpha.shape == (96, 112)
    assert result.alpha[48, 56] == 255
    assert result.alpha[:8, :8].max() == 0


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_stays_grey(tmp_path: Path, bits: int) -> None:
    grey = draw(40, 44)[..., 0]
    dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
    Image.fromarray(from_float(grey, dtype)).save(tmp_path / "in.png")
    values = {"scale": 2, "tier": "live", "sharpen": True, "deband": True}
    result = run(tmp_path / "in.png", tmp_path / "out.png", **values)
    assert result.is_grey
    assert result.bits == bits
    assert result.samples.shape == (80, 88, 1)


def test_16_bits_stay_16_bits(tmp_path: Path) -> None:
    make.save_deep(tmp_path / "in.png", make.deep_picture(40, 44))
    result = run(tmp_path / "in.png", tmp_path / "out.png", scale=1.5, tier="live")
    assert (result.bits, result.samples.dtype, result.samples.shape) == (16, np.uint16, (60, 66, 3))
    assert (result.samples % 257 != 0).mean() > 0.9


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
def test_the_format_is_that_of_the_input(tmp_path: Path, suffix: str) -> None:
    path = make.save(tmp_path / f"in.{suffix}", make.picture(40, 44))
    kind = open_photo(path).kind
    result = run(path, tmp_path / f"out.{suffix}", scale=2, tier="live")
    assert (result.kind, result.samples.shape) == (kind, (80, 88, 3))


@pytest.mark.parametrize("mode", ["P", "CMYK", "L", "1", "LA", "RGBA"])
def test_other_modes_are_enhanced_or_rejected_in_one_sentence(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("in.jpg" if mode == "CMYK" else "in.png")
    Image.fromarray(make.picture(40, 44)).convert(mode).save(path)
    try:
        result = run(path, tmp_path / f"out{path.suffix}", scale=2, tier="live")
    except UnsupportedMediaError as error:
        assert (mode, error.exit_code) == ("CMYK", 4)
        assert "in.jpg cannot be used: its colours are CMYK" in str(error)
        assert "Convert it to RGB" in str(error)
    else:
        assert result.samples.shape[:2] == (80, 88)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (5, 3)])
@pytest.mark.parametrize("options", [{}, {"scale": 2}, {"preset": "scan", "without": "denoise"}])
def test_tiny_photos(tmp_path: Path, size: tuple[int, int], options: dict[str, object]) -> None:
    Image.fromarray(from_float(draw(*size), BYTE)).save(tmp_path / "in.png")
    result = run(tmp_path / "in.png", tmp_path / "out.png", **options)
    factor = options.get("scale", 1)
    assert result.samples.shape == (size[0] * factor, size[1] * factor, 3)  # type: ignore[operator]


def test_a_folder_is_mirrored_and_a_bad_photo_does_not_stop_it(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    (folder / "1970").mkdir(parents=True)
    make.save(folder / "a.png", make.picture(40, 44))
    make.save(folder / "1970" / "b.jpg", make.picture(64, 30))
    (folder / "bad.jpg").write_bytes((folder / "1970" / "b.jpg").read_bytes()[:200])
    clip = enhance(open_each_photo([folder]), scale=2, tier="live")
    summary = kinoloom.write(clip, tmp_path / "better")
    assert (summary["photos"], len(summary["failed"])) == (2, 1)
    assert open_photo(tmp_path / "better" / "1970" / "b.jpg").samples.shape == (128, 60, 3)
    assert "bad.jpg" in " ".join(note.message for note in clip.notes if note.level == "error")


def test_the_reasons_of_choices_are_noted(tmp_path: Path) -> None:
    make.save(tmp_path / "in.jpg", from_float(draw(72, 80), BYTE), quality=30)
    clip = enhance(open_each_photo([tmp_path / "in.jpg"]), auto=True, without="denoise")
    kinoloom.write(clip, tmp_path / "out.jpg")
    notes = [note.message for note in clip.notes if note.kind == "choice"]
    assert "in.jpg: JPEG errors of quality 30 are removed." in notes


@pytest.mark.parametrize(
    "options",
    [{"fps": 30}, {"times": 2}, {"slow": 2}, {"dedup": True}, {"order": "auto"}, {"latency": 1}],
    ids=str,
)
def test_options_of_videos_are_rejected(tmp_path: Path, options: dict[str, object]) -> None:
    make.save(tmp_path / "in.png", make.picture())
    with pytest.raises(UsageError, match="applies to videos, but the input is a photo") as caught:
        enhance(open_each_photo([tmp_path / "in.png"]), **options)
    assert "Leave it out" in caught.value.hint


def test_a_memory_limit_that_is_too_low_states_the_minimum(tmp_path: Path) -> None:
    make.save(tmp_path / "in.png", make.picture(300, 400))
    with pytest.raises(BudgetError, match=r"\d"):
        enhance(open_each_photo([tmp_path / "in.png"]), scale=2, memory=10_000)
