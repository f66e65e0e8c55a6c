"""Photo to photo: each format is written back with its depth, colours and metadata."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import photo_files as make
import pytest
import tagged_photos as tagged
from films import make_record
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kinoloom.base.provenance import Provenance
from kinoloom.errors import ArrayError, InputChangedError, OutputExistsError, UsageError
from kinoloom.media.photo.editing import EditablePhoto, open_photo, read_key, save_photo
from kinoloom.media.photo.editing.skeletons.png import encode_png
from kinoloom.media.photo.editing.skeletons.tiff import encode_tiff
from kinoloom.media.photo.reading import read_photo

UPRIGHT = np.rot90(make.picture(), -1)
"""The picture of the helper as orientation 6 shows it."""


def enlarge(photo: EditablePhoto) -> Any:
    """Return the picture of a photo at twice its size."""
    return np.repeat(np.repeat(photo.picture, 2, 0), 2, 1)


def chunks_but(chunks: list[tuple[bytes, bytes]], *names: bytes) -> list[tuple[bytes, bytes]]:
    return [one for one in chunks if one[0] not in names]


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.png", {}, 0),
        ("a.tif", {}, 0),
        ("a.tif", {"compression": "tiff_lzw"}, 0),
        ("a.webp", {"lossless": True}, 0),
        ("a.webp", {"quality": 95}, 14),
        ("a.jpg", {"quality": 95, "subsampling": 0}, 7),
        ("a.jpg", {"quality": 95, "progressive": True, "subsampling": 1}, 14),
        ("a.avif", {"quality": 100, "subsampling": "4:4:4"}, 9),
    ],
)
def test_an_unchanged_picture_comes_back_upright(
    tmp_path: Path, name: str, options: dict[str, Any], tolerance: int
) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    path = make.save(tmp_path / name, make.picture(), exif=turned.tobytes(), **options)
    photo = open_photo(path)
    assert (photo.samples.shape, photo.alpha, photo.bits) == ((32, 24, 3), None, 8)
    out = tmp_path / f"out{path.suffix}"
    saved = save_photo(photo, photo.picture, out)
    assert (saved.width, saved.height, saved.bits) == (24, 32, 8)
    assert saved.removed == saved.remarks == ()
    with Image.open(out) as image:
        assert image.getexif().get(0x0112, 1) == 1
        assert (image.format, image.size) == (photo.kind.upper(), (24, 32))
    assert np.abs(read_photo(out).image.astype(int) - UPRIGHT).max() <= tolerance


@pytest.mark.parametrize(
    ("suffix", "channels"),
    [*((".png", count) for count in (1, 2, 3, 4)), *((".tif", count) for count in (1, 3, 4))],
)
def test_16_bits_survive_float(tmp_path: Path, suffix: str, channels: int) -> None:
    rng = np.random.default_rng(5)
    samples = rng.integers(0, 65536, (9, 7, channels), dtype=np.uint16)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encode_png(samples) if suffix == ".png" else encode_tiff(samples))
    photo = open_photo(path)
    colors = 1 if channels < 3 else 3
    assert np.array_equal(photo.samples, samples[..., :colors])
    assert (photo.bits, photo.is_grey) == (16, channels < 3)
    save_photo(photo, photo.picture, tmp_path / f"b{suffix}")
    again = open_photo(tmp_path / f"b{suffix}")
    assert np.array_equal(again.samples, photo.samples)
    if channels in (2, 4):
        assert photo.alpha is not None
        assert again.alpha is not None
        assert np.array_equal(photo.alpha, samples[..., -1])
        assert np.array_equal(again.alpha, photo.alpha)


@given(
    st.integers(1, 40),
    st.integers(1, 300),
    st.integers(1, 4),
    st.sampled_from(["uint8", "uint16"]),
    st.sampled_from("<>"),
    st.integers(0, 1 << 32),
)
def test_encoders_are_exact(
    width: int, height: int, channels: int, dtype: str, order: Any, seed: int
) -> None:
    top = np.iinfo(dtype).max
    rng = np.random.default_rng(seed)
    samples = rng.integers(0, top, (height, width, channels), dtype=dtype, endpoint=True)
    samples[: height // 2] = samples[:1]  # rows that filters predict
    flags = cv2.IMREAD_UNCHANGED
    for data in (encode_png(samples), encode_tiff(samples, order)):
        if dtype == "uint8":
            with Image.open(io.BytesIO(data)) as image:
                assert image.mode == ("L", "LA", "RGB", "RGBA")[channels - 1]
                found = np.asarray(image).reshape(samples.shape)
        elif channels == 2:
            continue  # neither library decodes it
        else:
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
            assert decoded is not None
            found = decoded.reshape(samples.shape)[
                ..., [2, 1, 0, 3][:channels] if channels > 2 else [0]
            ]
        assert np.array_equal(found, samples)


def test_jpeg_keeps_every_block(tmp_path: Path) -> None:
    path = tagged.tagged_jpeg(tmp_path / "a.jpg", make.picture(), subsampling=1)
    photo = open_photo(path)
    out = tmp_path / "b.jpg"
    saved = save_photo(photo, enlarge(photo), out)
    assert saved.remarks == ()
    old, new = tagged.split_jpeg(path.read_bytes()), tagged.split_jpeg(out.read_bytes())
    named = [body for marker, body in old if 0xE0 <= marker <= 0xFE]
    kept = [body for marker, body in new if 0xE0 <= marker <= 0xFE]
    assert len(kept) == len(named)
    for before, after in zip(named, kept, strict=True):
        if before.startswith(tagged.EXIF_HEAD):
            assert tagged.MAKER_NOTE in after
            assert after.index(tagged.MAKER_NOTE) == before.index(tagged.MAKER_NOTE)
        elif before.startswith(tagged.XMP_HEAD):
            assert b'Orientation="1"' in after
            assert b"XDimension>48<" in after
        else:
            assert before == after
    with Image.open(out) as image:
        assert image.info["icc_profile"] == make.P3_ICC
        assert image.info["dpi"] == (300, 300)
        assert image.getexif().get_ifd(0x8769)[0xA002] == 48


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [40, 92])
def test_jpeg_keeps_tables_and_subsampling(tmp_path: Path, quality: int, subsampling: int) -> None:
    path = make.save(tmp_path / "a.jpg", make.picture(), quality=quality, subsampling=subsampling)
    photo = open_photo(path)
    save_photo(photo, photo.picture, tmp_path / "b.jpg")
    save_photo(photo, photo.picture, tmp_path / "c.jpg", quality=60)
    with Image.open(path) as old, Image.open(tmp_path / "b.jpg") as new:
        assert new.quantization == old.quantization
        assert new.layer == old.layer
    with Image.open(tmp_path / "c.jpg") as other:
        assert other.quantization != new.quantization


def test_jpeg_keeps_three_tables(tmp_path: Path) -> None:
    tables = [[k] * 64 for k in (3, 5, 7)]
    tables[1][1] = 9
    path = make.save(tmp_path / "a.jpg", make.picture(), qtables=tables, subsampling=0)
    photo = open_photo(path)
    save_photo(photo, photo.picture, tmp_path / "b.jpg")
    with Image.open(path) as old, Image.open(tmp_path / "b.jpg") as new:
        assert new.quantization == old.quantization
        assert len(new.quantization) == 3


def test_a_grey_jpeg_stays_grey(tmp_path: Path) -> None:
    path = make.save(tmp_path / "a.jpg", make.picture()[..., 0], quality=70)
    photo = open_photo(path)
    assert photo.is_grey
    save_photo(photo, photo.picture[..., 0], tmp_path / "b.jpg")
    with Image.open(path) as old, Image.open(tmp_path / "b.jpg") as new:
        assert (new.mode, new.quantization) == ("L", old.quantization)


def test_png_keeps_every_chunk(tmp_path: Path) -> None:
    path = make.save(tmp_path / "a.png", make.picture())
    for name, content in reversed(tagged.png_chunks()):
        make.with_chunk(path, name, content)
    data = path.read_bytes()
    path.write_bytes(data[:-12] + make.chunk(b"tIME", bytes(7)) + data[-12:])
    photo = open_photo(path)
    save_photo(photo, enlarge(photo), tmp_path / "b.png")
    old, new = (
        tagged.split_png(path.read_bytes()),
        tagged.split_png((tmp_path / "b.png").read_bytes()),
    )
    edited = (b"IHDR", b"IDAT", b"eXIf", b"iTXt")
    assert chunks_but(new, *edited) == chunks_but(old, *edited)
    assert [name for name, _ in new] == [name for name, _ in old]
    blocks = dict(new)
    assert blocks[b"eXIf"].index(tagged.MAKER_NOTE) == tagged.exif(">").index(tagged.MAKER_NOTE)
    assert b'Orientation="1"' in blocks[b"iTXt"]


def test_png_drops_chunks_that_depend_on_the_pixels(tmp_path: Path) -> None:
    path = make.save(tmp_path / "a.png", make.picture())
    make.with_chunk(path, b"prVT", b"unsafe to copy")
    make.with_chunk(path, b"caBX", b"a signature")
    photo = open_photo(path)
    saved = save_photo(photo, photo.picture, tmp_path / "b.png")
    names = [name for name, _ in tagged.split_png((tmp_path / "b.png").read_bytes())]
    assert names == [b"IHDR", b"IDAT", b"IEND"]
    assert len(saved.remarks) == 2
    assert any("C2PA" in remark for remark in saved.remarks)
    assert any("prVT" in remark for remark in saved.remarks)


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_keeps_every_chunk(tmp_path: Path, lossless: bool) -> None:
    path = make.save(
        tmp_path / "a.webp",
        make.picture(),
        lossless=lossless,
        icc_profile=make.P3_ICC,
        exif=tagged.exif(),
        xmp=tagged.XMP,
    )
    extra = b"JUNK" + struct.pack("<I", 3) + b"abc\0"
    data = path.read_bytes() + extra
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    photo = open_photo(path)
    out = tmp_path / "b.webp"
    save_photo(photo, enlarge(photo), out)
    data = out.read_bytes()
    assert data.endswith(extra)
    assert (b"VP8L" in data) == lossless
    with Image.open(out) as image:
        image.load()
        assert image.info["icc_profile"] == make.P3_ICC
        assert tagged.MAKER_NOTE in image.info["exif"]
        assert b'Orientation="1"' in image.info["xmp"]
        assert len(image.info["xmp"]) == len(tagged.XMP)


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_keeps_alpha(tmp_path: Path, lossless: bool) -> None:
    image = np.dstack([make.picture(), make.picture()[..., 0]])
    photo = open_photo(make.save(tmp_path / "a.webp", image, lossless=lossless, exact=True))
    for name, metadata in (("b.webp", b""), ("c.webp", tagged.XMP)):
        out = tmp_path / name
        provenance = make_record() if metadata else None
        save_photo(photo, photo.picture, out, provenance=provenance)
        again = open_photo(out)
        assert again.alpha is not None
        assert np.array_equal(again.alpha, image[..., 3])


def test_avif_keeps_blocks_and_10_bits(tmp_path: Path) -> None:
    settings = [cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 100]
    kinds = [cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_XMP, cv2.IMAGE_METADATA_ICCP]
    blocks = [
        np.frombuffer(block, np.uint8)
        for block in (tagged.exif(orientation=1), tagged.XMP, make.P3_ICC)
    ]
    image = np.ascontiguousarray((make.deep_picture() >> 6)[..., ::-1])
    path = tmp_path / "a.avif"
    path.write_bytes(cv2.imencodeWithMetadata(".avif", image, kinds, blocks, settings)[1].tobytes())
    photo = open_photo(path)
    assert (photo.bits, photo.icc) == (10, make.P3_ICC)
    out = tmp_path / "b.avif"
    saved = save_photo(photo, photo.picture, out, quality=100)
    assert saved.bits == 10
    again = open_photo(out)
    assert (again.bits, again.icc) == (10, make.P3_ICC)
    assert np.abs(again.picture - photo.picture).max() < 0.02
    with Image.open(out) as found:
        assert tagged.MAKER_NOTE in found.info["exif"]
        assert b"XDimension>32<" in found.info["xmp"]


@pytest.mark.parametrize("alpha", [True, False])
def test_avif_adds_items_next_to_alpha(tmp_path: Path, alpha: bool) -> None:
    image = np.dstack([make.picture(), make.picture()[..., :1]]) if alpha else make.picture()
    path = make.save(tmp_path / "a.avif", image, quality=100, exif=tagged.exif(orientation=1))
    photo = open_photo(path)
    out = tmp_path / "b.avif"
    save_photo(photo, photo.picture, out, provenance=make_record())
    with Image.open(out) as found:
        found.load()
        assert found.mode == ("RGBA" if alpha else "RGB")
        assert tagged.MAKER_NOTE in found.info["exif"]
    assert read_key(out) == make_record().key


def test_avif_keeps_primaries_without_a_profile(tmp_path: Path) -> None:
    path = make.save(tmp_path / "a.avif", make.picture())
    data = path.read_bytes()
    at = data.index(b"colrnclx") + 8
    path.write_bytes(data[:at] + struct.pack(">HH", 12, 13) + data[at + 4 :])
    photo = open_photo(path)
    save_photo(photo, photo.picture, tmp_path / "b.avif")
    new = (tmp_path / "b.avif").read_bytes()
    assert struct.unpack_from(">HH", new, new.index(b"colrnclx") + 8) == (12, 13)


@pytest.mark.parametrize("mode", ["P", "1"])
def test_palettes_are_converted_with_a_remark(tmp_path: Path, mode: str) -> None:
    Image.fromarray(make.picture()).convert(mode).save(tmp_path / "a.png")
    photo = open_photo(tmp_path / "a.png")
    assert photo.is_grey == (mode == "1")
    saved = save_photo(photo, photo.picture, tmp_path / "b.png")
    assert len(saved.remarks) == 1
    assert np.array_equal(read_photo(tmp_path / "b.png").image, read_photo(photo.path).image)


def test_a_transparent_colour_becomes_alpha(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + bytes([k, 200]) for k in range(3))
    path = tmp_path / "a.png"
    path.write_bytes(make.png(2, 3, 8, 0, rows, make.chunk(b"tRNS", b"\0\xc8")))
    photo = open_photo(path)
    assert photo.is_grey
    assert photo.alpha is not None
    assert photo.alpha.tolist() == [[255, 0]] * 3
    save_photo(photo, photo.picture, tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert (image.mode, "transparency" in image.info) == ("LA", False)


def test_the_record_is_stored_and_found(tmp_path: Path) -> None:
    record = make_record()
    for name in ("a.jpg", "a.png", "a.webp", "a.tif", "a.avif"):
        photo = open_photo(make.save(tmp_path / name, make.picture()))
        out = tmp_path / f"out{Path(name).suffix}"
        saved = save_photo(photo, photo.picture, out, provenance=record)
        assert saved.sidecar is None
        assert read_key(out) == record.key
        assert record.to_dict()["op"].encode() in out.read_bytes()


def test_a_record_that_does_not_fit_is_next_to_the_photo(tmp_path: Path) -> None:
    large = Provenance("enhance", {"note": "x" * 70_000})
    photo = open_photo(make.save(tmp_path / "a.jpg", make.picture()))
    saved = save_photo(photo, photo.picture, tmp_path / "b.jpg", provenance=large)
    assert saved.sidecar == tmp_path / "b.jpg.provenance.json"
    assert read_key(tmp_path / "b.jpg") == large.key
    assert any("next to the photo" in remark for remark in saved.remarks)


def test_extended_xmp_is_kept_byte_for_byte(tmp_path: Path) -> None:
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    long = b"<x>" + b"y" * 150_000 + b"</x>"
    link = b"xmlns:n='http://ns.adobe.com/xmp/note/' n:HasExtendedXMP='" + guid + b"' tiff:O"
    main = tagged.XMP.replace(b"tiff:O", link, 1)
    parts = [
        tagged.segment(
            0xE1,
            b"http://ns.adobe.com/xmp/extension/\0"
            + guid
            + struct.pack(">II", len(long), at)
            + long[at : at + 60_000],
        )
        for at in range(0, len(long), 60_000)
    ]
    path = tmp_path / "a.jpg"
    path.write_bytes(
        tagged.jpeg(make.picture(), tagged.segment(0xE1, tagged.XMP_HEAD + main), *parts)
    )
    photo = open_photo(path)
    assert photo.skeleton.blocks[0].extension == long
    save_photo(photo, photo.picture, tmp_path / "b.jpg", provenance=make_record())
    again = open_photo(tmp_path / "b.jpg")
    assert again.skeleton.blocks[0].extension == long
    assert read_key(tmp_path / "b.jpg") == make_record().key
    ends = [body for _, body in tagged.split_jpeg((tmp_path / "b.jpg").read_bytes())]
    assert sum(body.startswith(b"http://ns.adobe.com/xmp/ext") for body in ends) == 3


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".avif"])
def test_another_format_takes_the_blocks_over(tmp_path: Path, suffix: str) -> None:
    photo = open_photo(tagged.tagged_jpeg(tmp_path / "a.jpg", make.picture()))
    saved = save_photo(photo, photo.picture, tmp_path / f"b{suffix}")
    assert any("only JPEG files have" in remark for remark in saved.remarks)
    again = open_photo(tmp_path / f"b{suffix}")
    assert again.icc == make.P3_ICC
    assert again.taken == photo.taken
    data = (tmp_path / f"b{suffix}").read_bytes()
    assert tagged.MAKER_NOTE in data
    assert b'Orientation="1"' in data
    back = save_photo(again, again.picture, tmp_path / "c.jpg")
    assert back.kind == "JPEG"
    with Image.open(tmp_path / "c.jpg") as image:
        assert image.info["icc_profile"] == make.P3_ICC
        found = image.getexif()
        assert found.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
        assert found.get_ifd(0x8825)[1] == "N"
        assert ("photoshop" in image.info) == (suffix in (".png", ".tif"))


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 4), (8, 0, 3), (8,)])
def test_pictures_of_a_wrong_shape_are_an_error(tmp_path: Path, shape: tuple[int, ...]) -> None:
    photo = open_photo(make.save(tmp_path / "a.png", make.picture()))
    with pytest.raises(ArrayError, match="shape"):
        save_photo(photo, np.zeros(shape, np.float32), tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


def test_bad_values_are_errors(tmp_path: Path) -> None:
    photo = open_photo(make.save(tmp_path / "a.png", make.picture()))
    out = tmp_path / "b.png"
    with pytest.raises(ArrayError, match="NaN"):
        save_photo(photo, photo.picture * np.float32("nan"), out)
    with pytest.raises(ArrayError, match="float64"):
        save_photo(photo, photo.picture.astype(np.float64), out)
    with pytest.raises(ArrayError, match="alpha has shape"):
        save_photo(photo, photo.picture, out, alpha=np.zeros((2, 2), np.uint8))
    with pytest.raises(UsageError, match="quality is 101"):
        save_photo(photo, photo.picture, out, quality=101)
    with pytest.raises(UsageError, match="metadata policy 'all'"):
        save_photo(photo, photo.picture, out, metadata="all")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"'\.bmp': expected \.jpg"):
        save_photo(photo, photo.picture, tmp_path / "b.bmp")
    with pytest.raises(UsageError, match="JPEG stores no alpha"):
        save_photo(photo, photo.picture, tmp_path / "b.jpg", alpha=photo.samples[..., 0])
    with pytest.raises(OutputExistsError, match="is or contains the input"):
        save_photo(photo, photo.picture, photo.path, overwrite=True)
    with pytest.raises(UsageError, match="too large for WebP"):
        save_photo(photo, np.zeros((1, 16384, 3), np.uint8), tmp_path / "b.webp")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


def test_alpha_of_another_size_must_be_passed(tmp_path: Path) -> None:
    image = np.dstack([make.picture(), make.picture()[..., 0]])
    photo = open_photo(make.save(tmp_path / "a.png", image))
    with pytest.raises(ArrayError, match="has alpha of 32x24 pixels, but the picture has 64x48"):
        save_photo(photo, enlarge(photo), tmp_path / "b.png")
    assert photo.alpha is not None
    alpha = np.repeat(np.repeat(photo.alpha, 2, 0), 2, 1)
    save_photo(photo, enlarge(photo), tmp_path / "b.png", alpha=alpha)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "b.png"))[..., 3], alpha)


def test_a_1_pixel_photo_can_be_edited(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.webp", "a.tif", "a.avif"):
        path = make.save(tmp_path / name, np.full((1, 1, 3), 90, np.uint8))
        photo = open_photo(path)
        out = tmp_path / f"b{path.suffix}"
        save_photo(photo, photo.picture, out)
        assert abs(int(read_photo(out).image[0, 0, 0]) - 90) <= 2


def test_profiles_in_png_keep_their_compressed_bytes(tmp_path: Path) -> None:
    odd = b"my name\0\0" + zlib.compress(make.P3_ICC, 1)
    path = make.with_chunk(make.save(tmp_path / "a.png", make.picture()), b"iCCP", odd)
    photo = open_photo(path)
    save_photo(photo, photo.picture, tmp_path / "b.png", metadata="drop")
    assert dict(tagged.split_png((tmp_path / "b.png").read_bytes()))[b"iCCP"] == odd


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("target", [".jpg", ".png", ".tif"])
def test_another_format_has_the_same_resolution(tmp_path: Path, suffix: str, target: str) -> None:
    photo = open_photo(make.save(tmp_path / f"a{suffix}", make.picture(), dpi=(240, 120)))
    assert photo.skeleton.dpi == pytest.approx((240, 120), abs=0.1)
    save_photo(photo, photo.picture, tmp_path / f"b{target}")
    with Image.open(tmp_path / f"b{target}") as image:
        assert image.info["dpi"] == pytest.approx((240, 120), abs=0.1)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif"])
def test_a_photo_without_resolution_gets_none(tmp_path: Path, suffix: str) -> None:
    photo = open_photo(make.save(tmp_path / f"a{suffix}", make.picture()))
    assert photo.skeleton.dpi is None
    for target in (".jpg", ".png", ".tif", ".webp", ".avif"):
        save_photo(photo, photo.picture, tmp_path / f"b{target}", overwrite=True)
        with Image.open(tmp_path / f"b{target}") as image:
            assert image.info.get("dpi", (1, 1)) == (1, 1)


def test_noise_at_the_best_quality_is_written(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (600, 700, 3), dtype=np.uint8)
    for progressive in (False, True):
        path = tmp_path / f"{progressive}.jpg"
        settings = [
            *(cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)),
            *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
        ]
        path.write_bytes(cv2.imencode(".jpg", noise[..., ::-1], settings)[1].tobytes())
        photo = open_photo(path)
        save_photo(photo, photo.picture, tmp_path / "b.jpg", overwrite=True)
        assert np.abs(read_photo(tmp_path / "b.jpg").image.astype(int) - noise).max() < 16


def test_colours_that_the_other_format_cannot_mark_are_a_remark(tmp_path: Path) -> None:
    path = make.save(tmp_path / "a.png", make.picture())
    plain = open_photo(path)
    make.with_chunk(path, b"gAMA", (100_000).to_bytes(4, "big"))
    linear = open_photo(path)
    remarks = [
        save_photo(p, p.picture, tmp_path / "b.jpg", overwrite=True).remarks
        for p in (plain, linear)
    ]
    assert [any("show them as sRGB" in one for one in found) for found in remarks] == [False, True]


def test_a_photo_that_changes_before_it_is_written_is_an_error(tmp_path: Path) -> None:
    path = make.save(tmp_path / "a.png", make.picture())
    record = Provenance("enhance", {}, (path,))
    photo = open_photo(path)
    assert record.key
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(InputChangedError, match=r"a\.png grew"):
        save_photo(photo, photo.picture, tmp_path / "b.png", provenance=record)
    assert not (tmp_path / "b.png").exists()
