"""Every kind of curve in ICC profiles of 16-bit photos, and profiles whose curve is damaged."""

import struct
from pathlib import Path

import numpy as np
import photo_files as make
import pytest

from kinoloom.media.photo.reading import read_photo

SRGB_COLUMNS = (
    (0.43606567, 0.22248840, 0.01391602),
    (0.38514709, 0.71687317, 0.09707642),
    (0.14306641, 0.06060791, 0.71409607),
)


def parametric(kind: int, *numbers: float) -> bytes:
    """A "para" tag."""
    fixed = (round(number * 65536) for number in numbers)
    return b"para\0\0\0\0" + struct.pack(f">HH{len(numbers)}i", kind, 0, *fixed)


def read(path: Path, curve: bytes) -> tuple[np.ndarray, tuple[str, ...]]:
    """A photo of all grey values with the primaries of sRGB and this curve, in 0..1."""
    shades = np.repeat(np.linspace(0, 65535, 256).astype(np.uint16)[None, :, None], 3, 2)
    profile = make.icc_profile(SRGB_COLUMNS, curve, b"RGB ")
    photo = read_photo(make.with_chunk(make.save_deep(path, shades), b"iCCP", make.iccp(profile)))
    return photo.image[0, :, 1] / 65535, photo.remarks


def encode(light: np.ndarray) -> np.ndarray:
    """sRGB values of light, both 0..1 (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


X = np.linspace(0, 65535, 256).astype(np.uint16) / 65535
CURVES = {
    "identity": (b"curv\0\0\0\0" + struct.pack(">I", 0), X),
    "power": (parametric(0, 1.8), X**1.8),
    "line and power": (parametric(1, 2.0, 0.5, 0.5), (0.5 * X + 0.5) ** 2),
    "with an offset": (parametric(2, 2.0, 0.5, 0.3, 0.1), (0.5 * X + 0.3) ** 2 + 0.1),
    "with two offsets": (
        parametric(4, 2.0, 0.8, 0.1, 0.5, 0.3, 0.1, 0.05),
        np.where(X >= 0.3, (0.8 * X + 0.1) ** 2 + 0.1, 0.5 * X + 0.05),
    ),
}


@pytest.mark.parametrize(("curve", "light"), CURVES.values(), ids=CURVES)
def test_light_follows_the_curve(tmp_path: Path, curve: bytes, light: np.ndarray) -> None:
    values, remarks = read(tmp_path / "a.png", curve)
    assert remarks == ()
    np.testing.assert_allclose(values, encode(np.clip(light, 0, 1)), atol=2e-3)


@pytest.mark.parametrize(
    "curve", [b"sf32\0\0\0\0\0\0\0\0", b"curv\0\0\0\0\xff\xff\xff\xff", b"para\0\0\0\0\0\4\0\0"]
)
def test_a_damaged_curve_is_ignored_and_reported(tmp_path: Path, curve: bytes) -> None:
    values, remarks = read(tmp_path / "a.png", curve)
    np.testing.assert_array_equal(values, X)
    assert remarks[0].startswith("its colour profile was ignored")


def test_a_profile_without_its_signature_is_ignored_and_reported(tmp_path: Path) -> None:
    profile = make.P3_ICC.replace(b"acsp", b"nope")
    path = make.save_deep(tmp_path / "a.png", make.deep_picture())
    photo = read_photo(make.with_chunk(path, b"iCCP", make.iccp(profile)))
    assert np.array_equal(photo.image, make.deep_picture())
    assert photo.remarks[0].startswith("its colour profile was ignored")
