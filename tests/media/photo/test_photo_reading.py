"""Reading of photos: every format, orientation, order."""

import zlib
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import photo_files as make
import pytest
from PIL import Image, ImageOps

from kinoloom.errors import InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.media.photo.reading import is_photo, open_photos, read_photo

LZW, DEFLATE = 5, 8


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.png", {}, 0),
        ("a.bmp", {}, 0),
        ("a.tif", {}, 0),
        ("a.tif", {"compression": "tiff_lzw"}, 0),
        ("a.tiff", {"compression": "tiff_adobe_deflate"}, 0),
        ("a.webp", {"lossless": True}, 0),
        ("a.jpg", {"quality": 95, "subsampling": 0}, 6),
        ("a.webp", {"quality": 95}, 12),
        ("a.avif", {"quality": 100, "subsampling": "4:4:4"}, 4),
    ],
)
def test_reads_8_bits(tmp_path: Path, name: str, options: dict, tolerance: int) -> None:
    photo = read_photo(make.save(tmp_path / name, make.picture(), **options))
    assert photo.image.dtype == np.uint8
    assert np.abs(photo.image.astype(int) - make.picture()).max() <= tolerance
    assert photo.remarks == ()


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", []),
        ("a.tiff", [cv2.IMWRITE_TIFF_COMPRESSION, LZW]),
        ("a.tiff", [cv2.IMWRITE_TIFF_COMPRESSION, DEFLATE]),
    ],
)
def test_reads_16_bits_exactly(tmp_path: Path, name: str, options: list, alpha: bool) -> None:
    image = make.deep_picture()
    if alpha:
        image = np.dstack([image, image[..., 0]])
    photo = read_photo(make.save_deep(tmp_path / name, image, *options))
    assert photo.image.dtype == np.uint16
    assert np.array_equal(photo.image, image)


def test_reads_10_bits_of_avif(tmp_path: Path) -> None:
    image = make.deep_picture() >> 6
    settings = [cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 100]
    path = make.save_deep(tmp_path / "a.avif", image, *settings)
    photo = read_photo(path)
    assert photo.image.dtype == np.uint16
    assert np.abs(photo.image.astype(float) - image * (65535 / 1023)).max() <= 4 * 64
    assert open_photos([path]).bits == 10


def test_reads_10_bits_of_heic(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(make.heic(make.deep_picture()))
    photo = read_photo(path)
    assert photo.image.dtype == np.uint16
    assert np.abs(photo.image.astype(float) - make.deep_picture()).max() <= 4 * 64
    assert photo.image.max() > 65472  # 1023 becomes 65535, not 1023 * 64


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "CMYK"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    source = Image.fromarray(make.picture())
    if mode.endswith("A"):
        source.putalpha(Image.fromarray(make.picture()[..., 0]))
    source = source.convert(mode)
    name = "a.tif" if mode == "CMYK" else "a.png"
    source.save(tmp_path / name)
    expected = np.asarray(source.convert("RGBA" if mode == "LA" else "RGB"))
    photo = read_photo(tmp_path / name)
    assert np.array_equal(photo.image[..., : expected.shape[2]], expected)
    assert photo.image.shape[2] == (4 if mode.endswith("A") else 3)
    assert len(photo.remarks) == (1 if mode == "CMYK" else 0)


@pytest.mark.parametrize("name", ["a.gif", "a.png"])
def test_reads_transparent_palette(tmp_path: Path, name: str) -> None:
    indices = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4), mode="P")
    indices.putpalette(list(range(36)))
    indices.save(tmp_path / name, transparency=5)
    image = read_photo(tmp_path / name).image
    assert np.array_equal(image[..., 3] == 0, np.arange(12).reshape(3, 4) == 5)
    assert np.array_equal(image[0, 3], [9, 10, 11, 255])


def test_reads_cmyk_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(make.picture()).convert("CMYK").save(path, quality=98)
    photo = read_photo(path)
    assert np.abs(photo.image.astype(int) - make.picture()).max() <= 12
    assert "CMYK" in photo.remarks[0]


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (4, 2)])
def test_reads_other_16_bit_png(tmp_path: Path, kind: int, channels: int) -> None:
    samples = make.deep_picture()[..., :channels].astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    key = make.chunk(b"tRNS", samples[3, 4].tobytes()) if kind != 4 else b""
    path = tmp_path / "a.png"
    path.write_bytes(make.png(32, 24, 16, kind, rows, key))
    photo = read_photo(path)
    grey = kind in (0, 4)
    colors = np.repeat(samples[..., :1], 3, 2) if grey else samples
    clear = (samples == samples[3, 4]).all(axis=2)
    alpha = samples[..., 1] if kind == 4 else np.where(clear, 0, 65535)
    assert np.array_equal(photo.image, np.dstack([colors, alpha]))


def test_opaque_alpha_is_dropped(tmp_path: Path) -> None:
    image = np.dstack([make.picture(), np.full((24, 32), 255, np.uint8)])
    assert read_photo(make.save(tmp_path / "a.png", image)).image.shape[2] == 3
    image[0, 0, 3] = 254
    photo = read_photo(make.save(tmp_path / "b.png", image))
    assert np.array_equal(photo.image, image)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "png16", "jpg", "webp", "tif", "tif16", "avif"])
def test_orientation_is_applied_once(tmp_path: Path, kind: str, orientation: int) -> None:
    block = make.exif(orientation)
    path = tmp_path / f"a.{kind.removesuffix('16')}"
    deep = kind.endswith("16")
    if kind == "png16":
        make.with_chunk(
            make.save_deep(path, make.deep_picture()), b"eXIf", block.removeprefix(b"Exif\0\0")
        )
    elif kind == "tif16":
        make.save_deep_tiff(path, make.deep_picture(), {0x0112: orientation})
    else:
        lossless = {"webp": {"lossless": True}, "jpg": {"quality": 98, "subsampling": 0}}
        make.save(path, make.picture(), exif=block, **lossless.get(kind, {}))
    tagged = Image.fromarray(make.picture())
    tagged.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(tagged)).astype(float) * (257 if deep else 1)
    image = read_photo(path).image
    assert image.shape == expected.shape
    assert np.abs(image - expected).max() <= (512 if deep else 12)
    clip = open_photos([path])
    assert (clip.height, clip.width) == image.shape[:2]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_orientation_is_applied_once(tmp_path: Path, orientation: int) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(make.heic(make.picture(48, 64), exif=make.exif(orientation)))
    turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    expected = np.rot90(make.picture(48, 64), turns)
    image = read_photo(path).image
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).max() <= 8


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("2024:05:06 07:08:09",), "2024-05-06T07:08:09"),
        (("2024:05:06 07:08:09", "25"), "2024-05-06T07:08:09.250000"),
        (("2024:05:06 07:08:09", "0012345", "+05:30"), "2024-05-06T07:08:09.001234+05:30"),
        (("2024:05:06 07:08:09", "", "-03:00"), "2024-05-06T07:08:09-03:00"),
        (("2024:05:06 07:08:09", "x", "noon"), "2024-05-06T07:08:09"),
        (("0000:00:00 00:00:00",), ""),
        (("    :  :     :  :  ",), ""),
        (("",), ""),
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "avif"])
def test_reads_time_of_capture(
    tmp_path: Path, suffix: str, texts: tuple[str, ...], expected: str
) -> None:
    path = make.save(tmp_path / f"a.{suffix}", make.picture(), exif=make.exif(1, *texts))
    assert _taken(path) == expected


def test_reads_time_of_capture_from_heic_and_png_texts(tmp_path: Path) -> None:
    heic, png = tmp_path / "a.heic", tmp_path / "a.png"
    heic.write_bytes(make.heic(make.picture(48, 64), exif=make.exif(1, "2024:05:06 07:08:09")))
    make.save(png, make.picture())
    make.with_chunk(png, b"tEXt", b"exif:DateTimeOriginal\x002024:05:06 07:08:09")
    make.with_chunk(png, b"tEXt", b"exif:OffsetTimeOriginal\0+00:00")
    assert _taken(heic) == "2024-05-06T07:08:09"
    assert _taken(png) == "2024-05-06T07:08:09+00:00"


def _taken(path: Path) -> str:
    taken = read_photo(path).taken
    return taken.isoformat() if taken else ""


def test_reads_png_texts_of_any_size(tmp_path: Path) -> None:
    path = make.save(tmp_path / "a.png", make.picture())
    make.with_chunk(path, b"zTXt", b"Raw profile\0\0" + zlib.compress(bytes(4 << 20)))
    assert np.array_equal(read_photo(path).image, make.picture())


def _photos(folder: Path, *times: str) -> list[Path]:
    images = (np.full((4 + k, 6, 3), 40 * k, np.uint8) for k in range(len(times)))
    return [
        make.save(folder / f"{k}.png", image, exif=make.exif(1, *time.split("|")))
        for k, (image, time) in enumerate(zip(images, times, strict=True))
    ]


def test_photos_make_a_clip(tmp_path: Path) -> None:
    files = _photos(tmp_path, "", "", "")
    clip = open_photos(files)
    assert (clip.stills, clip.frame_count, clip.bits, clip.rate) == (True, 3, 8, None)
    assert clip.files == tuple(files)
    assert (clip.width, clip.height) == (6, 4)
    for _ in range(2):
        assert [(f.time, f.image.shape[0]) for f in clip] == [(0, 4), (1, 5), (2, 6)]
    assert [f.time for f in clip.read(Fraction(1))] == [1, 2]
    assert [f.time for f in clip.read(Fraction(3, 2))] == [2]


def test_photos_are_decoded_lazily(tmp_path: Path) -> None:
    files = _photos(tmp_path, "", "")
    clip = open_photos(files)
    files[1].unlink()
    frames = iter(clip)
    next(frames)
    with pytest.raises(InputNotFoundError, match=r"1\.png"):
        next(frames)


def test_remarks_become_notes(tmp_path: Path) -> None:
    path = make.with_chunk(make.save(tmp_path / "a.png", make.picture()), b"iCCP", b"icc\0\0junk")
    clip = open_photos([path])
    list(clip), list(clip)
    assert [(note.kind, note.level) for note in clip.notes] == [("photo", "warning")]
    assert "a.png: its colour profile was ignored" in next(iter(clip.notes)).message


@pytest.mark.parametrize(
    ("times", "order"),
    [
        (["2024:01:01 00:00:02", "2024:01:01 00:00:01", "2024:01:01 00:00:03"], "102"),
        (["2024:01:01 00:00:01|9", "2024:01:01 00:00:01|50", "2024:01:01 00:00:01|1"], "210"),
        (["2024:01:01 02:00:00||+02:00", "2024:01:01 00:30:00||+00:00"], "01"),
        (["2024:01:01 02:00:00||+02:00", "2024:01:01 00:30:00"], "10"),
        (["2024:01:01 00:00:01", "2024:01:01 00:00:01"], "01"),
    ],
)
def test_photos_are_sorted_by_time_of_capture(tmp_path: Path, times: list[str], order: str) -> None:
    clip = open_photos(_photos(tmp_path, *times), order="time")
    assert "".join(file.stem for file in clip.files) == order
    assert [f.image[0, 0, 0] for f in clip] == [40 * int(k) for k in order]


def test_sorting_requires_all_times(tmp_path: Path) -> None:
    files = _photos(tmp_path, "2024:01:01 00:00:01", "")
    with pytest.raises(UsageError, match=r"time of capture of .*1\.png is unknown") as caught:
        open_photos(files, order="time")
    assert "--order given" in caught.value.hint


def test_empty_list_of_photos_is_rejected() -> None:
    with pytest.raises(UsageError, match="No photos"):
        open_photos([])


def _animation(path: Path) -> Path:
    frames = [Image.fromarray(make.picture()), Image.fromarray(make.picture()[::-1])]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "avif"])
def test_animations_are_not_photos(tmp_path: Path, suffix: str) -> None:
    still = make.save(tmp_path / f"still.{suffix}", make.picture())
    moving = _animation(tmp_path / f"moving.{suffix}")
    assert is_photo(still)
    assert not is_photo(moving)
    with pytest.raises(OSError, match="an animation"):
        read_photo(moving)


def test_format_is_detected_by_content(tmp_path: Path) -> None:
    hidden = make.save(tmp_path / "a.jpg", make.picture()).rename(tmp_path / "a.txt")
    false = tmp_path / "b.jpg"
    false.write_text("not a photo at all")
    sequence = tmp_path / "c.heic"
    sequence.write_bytes(b"\0\0\0\x18ftyphevc\0\0\0\0mif1hevc")
    general = make.save(tmp_path / "d.avif", make.picture())
    general.write_bytes(general.read_bytes()[:8] + b"mif1" + general.read_bytes()[12:])
    assert read_photo(general).image.shape == (24, 32, 3)
    assert is_photo(hidden)
    assert not is_photo(false)
    assert not is_photo(sequence)
    with pytest.raises(InputNotFoundError, match="does not exist"):
        is_photo(tmp_path / "none.jpg")
    with pytest.raises(UnreadableMediaError, match="is a folder"):
        is_photo(tmp_path)
