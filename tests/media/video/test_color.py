"""Conversion between pixel formats and pictures, against the formulas of ITU-T H.273."""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kinoloom.base.clip import Color
from kinoloom.errors import UnsupportedMediaError
from kinoloom.media.video.color import read_color, to_native, to_picture
from kinoloom.media.video.planes import find_layout, join_planes, split_planes

Array = NDArray[Any]
LUMA = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 6: (0.299, 0.114), 7: (0.212, 0.087)}
LUMA |= {9: (0.2627, 0.0593)}
SIZES = [(1, 1), (1, 2), (2, 1), (3, 3), (1, 4), (4, 1), (7, 5), (5, 8), (17, 11)]


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def make_frame(pix_fmt: str, planes: list[Array], width: int, height: int) -> av.VideoFrame:
    return join_planes(planes, width, height, find_layout(pix_fmt))


def noise(pix_fmt: str, width: int, height: int) -> av.VideoFrame:
    """Return a frame of a planar format that uses every code."""
    layout = find_layout(pix_fmt)
    shapes = [plane.shape for plane in split_planes(av.VideoFrame(width, height, pix_fmt), layout)]
    dtype = np.uint8 if layout.bits == 8 else np.uint16
    planes = [rng().integers(0, 1 << layout.bits, shape).astype(dtype) for shape in shapes]
    return make_frame(pix_fmt, planes, width, height)


def h273_rgb(codes: Array, bits: int, color: Color) -> Array:
    """R'G'B' in 0..1 of (3, H, W) codes Y Cb Cr: H.273 equations 20 to 34, solved for RGB."""
    red, blue = LUMA[color.matrix]
    unit, y, cb, cr = 2.0 ** (bits - 8), *codes.astype(float)
    if color.full_range:
        y, cb, cr = (y / (2**bits - 1), *((c - 128 * unit) / (2**bits - 1) for c in (cb, cr)))
    else:
        y, cb, cr = ((y / unit - 16) / 219, *((c / unit - 128) / 224 for c in (cb, cr)))
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.clip(np.stack([r, g, b], -1), 0, 1)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", sorted(LUMA))
@pytest.mark.parametrize(
    ("pix_fmt", "bits"),
    [("yuv444p", 8), ("yuv444p10le", 10), ("yuv444p12le", 12), ("yuv444p16le", 16)],
)
def test_pictures_match_the_formulas_of_h273(
    pix_fmt: str, bits: int, matrix: int, *, full: bool
) -> None:
    color = Color(matrix=matrix, full_range=full)
    frame = noise(pix_fmt, 37, 23)
    codes = np.stack(split_planes(frame, find_layout(pix_fmt)))
    picture = to_picture(frame, color)
    top = 255 if bits == 8 else 65535
    assert picture.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert np.abs(picture - h273_rgb(codes, bits, color) * top).max() < 0.52


@pytest.mark.parametrize(
    ("pix_fmt", "full", "codes"),
    [
        ("yuv444p", False, 2.0),
        ("yuv444p", True, 1.0),
        ("yuv444p10le", False, 0.45),
        ("yuv444p12le", False, 0.11),
        ("yuv444p16le", True, 0.01),
    ],
)
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_rgb_round_trips(pix_fmt: str, matrix: int, codes: float, *, full: bool) -> None:
    """Within the rounding of the codes; `codes` are 8-bit codes."""
    color = Color(matrix=matrix, full_range=full)
    deep = find_layout(pix_fmt).bits > 8
    image = rng().integers(0, 65536 if deep else 256, (20, 31, 3))
    image = image.astype(np.uint16 if deep else np.uint8)
    back = to_picture(to_native(image, pix_fmt, color), color)
    assert np.abs(back.astype(int) - image).max() <= codes * (257 if deep else 1)


@pytest.mark.parametrize(("bits", "white"), [(8, 235), (10, 940), (12, 3760)])
def test_black_and_white_map_to_the_ends_of_the_range(bits: int, white: int) -> None:
    pix_fmt = f"yuv420p{'' if bits == 8 else f'{bits}le'}"
    luma = np.array([[16 << (bits - 8), white]] * 2, np.uint8 if bits == 8 else np.uint16)
    grey = np.full((1, 1), 128 << (bits - 8), luma.dtype)
    picture = to_picture(make_frame(pix_fmt, [luma, grey, grey], 2, 2), Color())
    top = 255 if bits == 8 else 65535
    assert picture[0].tolist() == [[0, 0, 0], [top, top, top]]
    native = to_native(picture, pix_fmt, Color())
    assert np.array_equal(split_planes(native, find_layout(pix_fmt))[0], luma)


@pytest.mark.parametrize("channel", [0, 2])
def test_pure_colours_stay_in_range(channel: int) -> None:
    """Full-range chroma extends half a code beyond the last one."""
    image = np.zeros((4, 4, 3), np.uint16)
    image[..., channel] = 65535
    color = Color(full_range=True)
    native = to_native(image, "yuv420p10le", color)
    assert max(plane.max() for plane in split_planes(native, find_layout("yuv420p10le"))) == 1023
    assert np.abs(to_picture(native, color).astype(int) - image).max() < 100


@pytest.mark.parametrize(
    "pix_fmt", ["yuv420p", "yuv422p", "yuv440p", "yuv411p", "yuv410p", "yuv420p10le", "yuv422p12le"]
)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_plain_colours_survive_any_chroma_and_size(pix_fmt: str, width: int, height: int) -> None:
    deep = find_layout(pix_fmt).bits > 8
    top = 65535 if deep else 255
    image = np.empty((height, width, 3), np.uint16 if deep else np.uint8)
    image[:] = (top // 5, top // 2, top // 5 * 4)
    back = to_picture(to_native(image, pix_fmt, Color()), Color())
    assert back.shape == image.shape
    assert np.abs(back.astype(int) - image).max() <= (110 if deep else 2)


def test_chroma_siting_is_type_0() -> None:
    """H.265 figure E.1, type 0: sample (i, j) is at luma (2i, 2j + 1/2)."""
    down, across = np.mgrid[0:24, 0:32]
    luma = np.full((48, 64), 120, np.uint8)
    cb, cr = (90 + across).astype(np.uint8), (150 - down).astype(np.uint8)
    picture = to_picture(make_frame("yuv420p", [luma, cb, cr], 64, 48), Color(full_range=True))
    red, blue = LUMA[1]
    y, x = np.mgrid[0:48, 0:64][:, 8:-8, 8:-8]
    seen = picture[8:-8, 8:-8].astype(float)
    assert np.abs(seen[..., 2] - (120 + 2 * (1 - blue) * (90 + x / 2 - 128))).max() < 0.51
    assert np.abs(seen[..., 0] - (120 + 2 * (1 - red) * (150 - (y - 0.5) / 2 - 128))).max() < 0.51


def test_chroma_round_trip_does_not_shift() -> None:
    y, x = np.mgrid[0:48, 0:64].astype(float)
    image = np.stack([90 + x, 100 + y, 200 - x], -1).astype(np.uint8)
    for _ in range(6):
        image = to_picture(to_native(image, "yuv420p", Color()), Color())
    truth = np.stack([90 + x, 100 + y, 200 - x], -1)
    assert np.abs(image - truth)[8:-8, 8:-8].mean() < 0.8


def test_round_trip_is_closer_than_swscale() -> None:
    coarse = rng().integers(0, 256, (30, 40, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC)
    ours = to_picture(to_native(image, "yuv420p", Color()), Color())
    native = av.VideoFrame.from_ndarray(image, "rgb24").reformat(
        format="yuv420p", dst_colorspace=1, src_color_range=2, dst_color_range=1, threads=1
    )
    theirs = native.reformat(format="rgb24", dst_color_range=2, threads=1).to_ndarray()
    assert psnr_db(ours, image) > max(48.0, psnr_db(theirs, image) + 10)


def psnr_db(image: Array, truth: Array) -> float:
    return float(10 * np.log10(255**2 / np.mean((image.astype(float) - truth) ** 2)))


@pytest.mark.parametrize(
    ("packed", "planar"),
    [
        ("nv21", "yuv420p"),
        ("yuyv422", "yuv422p"),
        ("uyvy422", "yuv422p"),
        ("p010le", "yuv420p10le"),
        ("yuv420p10be", "yuv420p10le"),
        ("y210le", "yuv422p10le"),
        ("p416le", "yuv444p16le"),
        ("gbrp12be", "gbrp12le"),
        ("x2rgb10le", "gbrp10le"),
        ("gray16be", "gray16le"),
    ],
)
def test_packing_does_not_change_the_picture(packed: str, planar: str) -> None:
    frame = noise(planar, 22, 10)
    other = frame.reformat(format=packed, src_color_range=2, dst_color_range=2, threads=1)
    for full in (False, True):
        color = Color(full_range=full)
        picture = to_picture(frame, color)
        assert np.array_equal(to_picture(other, color), picture)
        native = to_native(picture, packed, color)
        assert native.format.name == packed
        assert np.array_equal(
            to_picture(native, color), to_picture(to_native(picture, planar, color), color)
        )


def test_interleaved_chroma_is_split() -> None:
    """NV12 is built by hand, so that the test does not depend on swscale."""
    planar = noise("yuv420p", 16, 8)
    y, cb, cr = split_planes(planar, find_layout("yuv420p"))
    both = np.stack([cb, cr], -1).reshape(4, 16)
    frame = av.VideoFrame.from_ndarray(np.concatenate([y, both]), "nv12")
    assert np.array_equal(to_picture(frame, Color()), to_picture(planar, Color()))


@pytest.mark.parametrize(
    ("pix_fmt", "channels"),
    [
        ("rgb24", 3),
        ("bgr24", 3),
        ("bgr0", 3),
        ("gbrp", 3),
        ("bgra", 4),
        ("argb", 4),
        ("gbrap", 4),
        ("gbrp16le", 3),
        ("rgb48be", 3),
        ("rgba64be", 4),
        ("gbrap16le", 4),
    ],
)
def test_rgb_of_8_and_16_bits_is_lossless(pix_fmt: str, channels: int) -> None:
    deep = find_layout(pix_fmt).bits > 8
    image = rng().integers(0, 65536 if deep else 256, (9, 14, channels))
    image = image.astype(np.uint16 if deep else np.uint8)
    native = to_native(image, pix_fmt, Color(1, 13, 0, full_range=True))
    assert native.format.name == pix_fmt
    assert np.array_equal(to_picture(native, read_color(native)), image)


@pytest.mark.parametrize("bits", [9, 10, 12, 14])
def test_rgb_between_8_and_16_bits_keeps_every_code(bits: int) -> None:
    codes = np.arange(1 << bits, dtype=np.uint16).reshape(-1, 64)
    pix_fmt = f"gbrp{bits}le"
    frame = make_frame(pix_fmt, [codes] * 3, 64, codes.shape[0])
    picture = to_picture(frame, read_color(frame))
    assert picture[0, 0, 0] == 0
    assert picture[-1, -1, 0] == 65535
    back = to_native(picture, pix_fmt, read_color(frame))
    assert np.array_equal(split_planes(back, find_layout(pix_fmt))[0], codes)


@pytest.mark.parametrize(
    "pix_fmt", ["yuva420p", "yuva444p10le", "yuva444p12le", "rgba", "gbrap12le", "ya8", "ya16le"]
)
def test_alpha_is_kept_at_full_range(pix_fmt: str) -> None:
    deep = find_layout(pix_fmt).bits > 8
    top = 65535 if deep else 255
    image = np.full((6, 8, 4), top // 3, np.uint16 if deep else np.uint8)
    image[..., 3] = np.linspace(0, top, 8)
    back = to_picture(to_native(image, pix_fmt, Color()), Color())
    assert np.abs(back[..., 3].astype(int) - image[..., 3]).max() <= (
        33 if deep else pix_fmt == "ya8"
    )
    opaque = to_picture(to_native(image[..., :3], pix_fmt, Color()), Color())
    assert (opaque[..., 3] == top).all()


def test_alpha_is_dropped_for_formats_without_it() -> None:
    image = rng().integers(0, 256, (6, 8, 4)).astype(np.uint8)
    for pix_fmt in ("yuv444p", "rgb24", "gray", "gbrp16le"):
        native = to_native(image, pix_fmt, Color())
        assert np.array_equal(
            to_picture(native, Color()),
            to_picture(to_native(image[..., :3], pix_fmt, Color()), Color()),
        )


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("pix_fmt", "top"), [("gray", 255), ("gray10le", 65535)])
def test_grey_uses_its_range(pix_fmt: str, top: int, *, full: bool) -> None:
    unit = 1 if top == 255 else 4
    black, white = (0, 256 * unit - 1) if full else (16 * unit, 235 * unit)
    codes = np.array([[black, white]], np.uint8 if top == 255 else np.uint16)
    frame = make_frame(pix_fmt, [codes], 2, 1)
    color = Color(full_range=full)
    picture = to_picture(frame, color)
    assert picture[0].tolist() == [[0] * 3, [top] * 3]
    back = to_native(picture, pix_fmt, color)
    assert np.array_equal(split_planes(back, find_layout(pix_fmt))[0], codes)


def test_palette_formats_are_converted() -> None:
    palette = np.zeros((256, 4), np.uint8)
    palette[:3] = [[255, 255, 0, 0], [255, 0, 255, 0], [0, 1, 2, 3]]  # alpha, red, green, blue
    frame = av.VideoFrame.from_ndarray((np.array([[0, 1, 2]], np.uint8), palette), format="pal8")
    expected = [[255, 0, 0, 255], [0, 255, 0, 255], [1, 2, 3, 0]]
    assert to_picture(frame, read_color(frame))[0].tolist() == expected


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "rgb24", "gbrp16le"])
def test_float_and_other_depths_are_accepted(pix_fmt: str) -> None:
    image = rng().integers(0, 256, (8, 8, 3)).astype(np.uint8)
    color = Color()
    one = to_picture(to_native(image, pix_fmt, color), color)
    for other in (image.astype(np.uint16) * 257, image.astype(np.float32) / np.float32(255)):
        assert np.array_equal(to_picture(to_native(other, pix_fmt, color), color), one)


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_values_are_unchanged(transfer: int) -> None:
    color = Color(primaries=9, transfer=transfer, matrix=9)
    luma = np.array([[64, 502, 940, 1000]], np.uint16)
    grey = np.full((1, 4), 512, np.uint16)
    picture = to_picture(make_frame("yuv444p10le", [luma, grey, grey], 4, 1), color)
    assert picture[0, :, 1].tolist() == [0, 32768, 65535, 65535]
    native = to_native(picture, "yuv420p10le", color)
    tags = (native.color_primaries, native.color_trc, native.colorspace, native.color_range)
    assert tags == (9, transfer, 9, 1)


@pytest.mark.parametrize(
    ("pix_fmt", "height", "tags", "expected"),
    [
        ("yuv420p", 576, {}, Color(6, 6, 6)),
        ("yuv420p", 578, {}, Color(1, 1, 1)),
        ("yuv420p", 1080, {"colorspace": 6}, Color(1, 1, 6)),
        ("yuv420p", 480, {"colorspace": 1, "color_primaries": 1, "color_trc": 1}, Color(1, 1, 1)),
        ("yuvj420p", 480, {}, Color(6, 6, 6, full_range=True)),
        ("yuv420p", 480, {"color_range": 2}, Color(6, 6, 6, full_range=True)),
        ("yuv420p10le", 480, {"color_trc": 16}, Color(9, 16, 9)),
        ("yuv420p10le", 2160, {"colorspace": 9}, Color(9, 1, 9)),
        ("rgb24", 480, {}, Color(1, 13, 0, full_range=True)),
        ("bgra", 2160, {"color_trc": 1, "colorspace": 1}, Color(1, 1, 0, full_range=True)),
        ("pal8", 480, {}, Color(1, 13, 0, full_range=True)),
        ("gray", 480, {}, Color(6, 6, 6, full_range=True)),
        ("gray", 720, {"color_range": 1}, Color(1, 1, 1)),
        ("yuv420p", 720, {"color_primaries": 12, "color_trc": 13}, Color(12, 13, 1)),
    ],
)
def test_colour_is_read_from_tags_or_assumed(
    pix_fmt: str, height: int, tags: dict[str, int], expected: Color
) -> None:
    frame = av.VideoFrame(16, height, pix_fmt)
    for name, value in tags.items():
        setattr(frame, name, value)
    assert read_color(frame) == expected


@pytest.mark.parametrize("matrix", [8, 10, 14])
def test_unsupported_matrices_are_rejected(matrix: int) -> None:
    with pytest.raises(UnsupportedMediaError, match=f"matrix {matrix}.*Convert"):
        to_picture(av.VideoFrame(4, 4, "yuv420p"), Color(matrix=matrix))


@pytest.mark.parametrize("pix_fmt", ["nonsense", "xyz12le", "cuda"])
def test_unsupported_formats_are_rejected(pix_fmt: str) -> None:
    with pytest.raises(UnsupportedMediaError, match=pix_fmt):
        to_native(np.zeros((4, 4, 3), np.uint8), pix_fmt, Color())


def test_encoding_to_palettes_is_rejected() -> None:
    with pytest.raises(UnsupportedMediaError, match="pal8"):
        to_native(np.zeros((4, 4, 3), np.uint8), "pal8", Color())
