"""Conversion of photos with colour profiles or tagged colours to sRGB."""

from pathlib import Path

import numpy as np
import photo_files as make
import pytest
from PIL import Image

from kinoloom.errors import UnsupportedMediaError
from kinoloom.media.photo.reading import read_photo

SRGB_COLUMNS = np.array(
    [[0.43606567, 0.2224884, 0.01391602], [0.38514709, 0.71687317, 0.09707642],
     [0.14306641, 0.06060791, 0.71409607]]
)  # fmt: skip
P3_COLUMNS = np.array(make.P3_COLUMNS)
GAMMA = {"gamma": (make.gamma_curve(2.2), 563 / 256), "table": (make.table_curve(1.8), 1.8)}


def light_of(coded: np.ndarray) -> np.ndarray:
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def coded_of(light: np.ndarray) -> np.ndarray:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def wide_of(srgb: np.ndarray, curve: str) -> np.ndarray:
    """Return colours in 0..1 as Display P3 codes them, with its own curve or a power."""
    light = np.clip(light_of(srgb) @ SRGB_COLUMNS @ np.linalg.inv(P3_COLUMNS), 0, 1)
    return coded_of(light) if curve == "srgb" else light ** (1 / GAMMA[curve][1])


def srgb_of(wide: np.ndarray, curve: str) -> np.ndarray:
    """Invert `wide_of`."""
    light = light_of(wide) if curve == "srgb" else wide ** GAMMA[curve][1]
    return coded_of(np.clip(light @ P3_COLUMNS @ np.linalg.inv(SRGB_COLUMNS), 0, 1))


@pytest.mark.parametrize("curve", ["srgb", "gamma", "table"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_wide_gamut_becomes_srgb(tmp_path: Path, suffix: str, bits: int, curve: str) -> None:
    srgb = make.picture() / 255 * 0.8 + 0.1
    tag = make.srgb_curve() if curve == "srgb" else GAMMA[curve][0]
    profile = make.icc_profile(make.P3_COLUMNS, tag, b"RGB ")
    path = tmp_path / f"a{suffix}"
    stored = np.rint(wide_of(srgb, curve) * (2**bits - 1))
    if bits == 8:
        make.save(path, stored.astype(np.uint8), icc_profile=profile)
    elif suffix == ".png":
        make.save_deep(path, stored.astype(np.uint16))
        make.with_chunk(path, b"iCCP", make.iccp(profile))
    else:
        make.save_deep_tiff(path, stored.astype(np.uint16), {34675: profile})
    image = read_photo(path).image
    assert image.dtype == (np.uint8 if bits == 8 else np.uint16)
    worst = np.abs(image / (2**bits - 1) - srgb_of(stored / (2**bits - 1), curve)).max()
    assert worst < (1.6 / 255 if bits == 8 else 8 / 65535)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif", ".heic"])
def test_every_format_is_converted(tmp_path: Path, suffix: str) -> None:
    srgb = make.picture(48, 64) / 255 * 0.8 + 0.1
    wide = np.rint(wide_of(srgb, "srgb") * 255).astype(np.uint8)
    path = tmp_path / f"a{suffix}"
    if suffix == ".heic":
        path.write_bytes(make.heic(wide, icc_profile=make.P3_ICC))
    else:
        make.save(path, wide, quality=98, icc_profile=make.P3_ICC)
    near = np.abs(read_photo(path).image / 255 - srgb).mean()
    far = np.abs(wide / 255 - srgb).mean()
    assert near < far / 4


ROUNDED = make.icc_profile(tuple(SRGB_COLUMNS.round(4)), make.srgb_curve(), b"RGB ")


@pytest.mark.parametrize("profile", [make.SRGB_ICC, ROUNDED], ids=["exact", "rounded"])
@pytest.mark.parametrize("bits", [8, 16])
def test_srgb_profiles_change_nothing(tmp_path: Path, bits: int, profile: bytes) -> None:
    image = make.picture() if bits == 8 else make.deep_picture()
    path = make.save_deep(tmp_path / "a.png", image)
    make.with_chunk(path, b"iCCP", make.iccp(profile))
    photo = read_photo(path)
    assert np.array_equal(photo.image, image)
    assert photo.remarks == ()


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_profiles_are_applied(tmp_path: Path, bits: int) -> None:
    top = 2**bits - 1
    samples = np.linspace(0, top, 256).round().astype(">u2" if bits == 16 else np.uint8)
    profile = make.icc_profile((), make.gamma_curve(1.8), b"GRAY")
    path = tmp_path / "a.png"
    rows = b"".join(b"\0" + samples.tobytes() for _ in range(4))
    path.write_bytes(make.png(256, 4, bits, 0, rows, make.chunk(b"iCCP", make.iccp(profile))))
    image = read_photo(path).image
    expected = coded_of((samples / top) ** (461 / 256)) * top
    assert np.abs(image[0, :, 1] - expected).max() <= (1.5 if bits == 8 else 4)
    assert np.array_equal(image[..., 0], image[..., 2])


def test_alpha_survives_colour_conversion(tmp_path: Path) -> None:
    for name, top in (("a.png", 1), ("b.png", 257)):
        image = np.dstack([make.picture(), make.picture()[..., 0]]).astype(np.uint16) * top
        image = image.astype(np.uint8) if top == 1 else image
        path = make.save_deep(tmp_path / name, image)
        make.with_chunk(path, b"iCCP", make.iccp(make.P3_ICC))
        photo = read_photo(path)
        assert np.array_equal(photo.image[..., 3], image[..., 3])
        assert not np.array_equal(photo.image, image)


def test_tables_are_applied_in_8_bits(tmp_path: Path) -> None:
    profile = make.table_profile(b"RGB ")
    plain = make.save(tmp_path / "a.png", make.picture(), icc_profile=profile)
    deep = make.save_deep(tmp_path / "b.png", make.picture().astype(np.uint16) * 257)
    make.with_chunk(deep, b"iCCP", make.iccp(profile))
    photo = read_photo(deep)
    assert photo.remarks == ("its colour profile can only be applied in 8 bits",)
    assert np.array_equal(photo.image, read_photo(plain).image)
    assert not np.array_equal(photo.image, make.picture())


def test_cmyk_profiles_are_applied(tmp_path: Path) -> None:
    inks = np.zeros((8, 8, 4), np.uint8)
    inks[:4, :, 1:3] = 255  # magenta and yellow: red
    inks[4:, :, 3] = 255  # black
    path = tmp_path / "a.tif"
    Image.fromarray(inks, mode="CMYK").save(path, icc_profile=make.table_profile(b"CMYK"))
    photo = read_photo(path)
    assert photo.remarks == ()
    assert np.abs(photo.image[0, 0].astype(int) - [255, 0, 0]).max() < 12
    assert photo.image[7, 7].max() < 12


@pytest.mark.parametrize(
    "profile",
    [b"junk", make.P3_ICC[:200], make.table_profile(b"CMYK")],
    ids=["junk", "cut", "cmyk"],
)
@pytest.mark.parametrize("bits", [8, 16])
def test_unusable_profile_is_reported(tmp_path: Path, bits: int, profile: bytes) -> None:
    image = make.picture() if bits == 8 else make.deep_picture()
    path = make.save_deep(tmp_path / "a.png", image)
    photo = read_photo(make.with_chunk(path, b"iCCP", make.iccp(profile)))
    assert np.array_equal(photo.image, image)
    assert photo.remarks[0].startswith("its colour profile was ignored")


@pytest.mark.parametrize("bits", [8, 16])
def test_png_primaries_are_converted(tmp_path: Path, bits: int) -> None:
    srgb = make.picture() / 255 * 0.8 + 0.1
    stored = np.rint(wide_of(srgb, "srgb") * (2**bits - 1))
    path = make.save_deep(tmp_path / "a.png", stored.astype(np.uint8 if bits == 8 else np.uint16))
    make.with_chunk(path, b"cICP", bytes([12, 13, 0, 1]))
    expected = srgb_of(stored / (2**bits - 1), "srgb")
    worst = np.abs(read_photo(path).image / (2**bits - 1) - expected).max()
    assert worst < (1.1 / 255 if bits == 8 else 65 / 65535)


@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("suffix", [".png", ".heic"])
def test_hdr_is_rejected(tmp_path: Path, suffix: str, transfer: int) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".png":
        make.save_deep(path, make.deep_picture())
        make.with_chunk(path, b"cICP", bytes([9, transfer, 0, 1]))
    else:
        tags = {"color_primaries": 9, "transfer_characteristics": transfer}
        path.write_bytes(make.heic(make.deep_picture(), **tags))
    with pytest.raises(UnsupportedMediaError, match=rf"a\{suffix} cannot be used: it is an HDR"):
        read_photo(path)
