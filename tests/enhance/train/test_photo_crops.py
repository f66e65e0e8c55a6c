"""Training samples of enhance: the split of photos, crops of reductions, and noise."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kinoloom.enhance.train.samples.crops import apply_symmetry, draw_corner, to_planes
from kinoloom.enhance.train.samples.noise import NoiseBatches, add_noise
from kinoloom.enhance.train.samples.photos import open_training_photos
from kinoloom.enhance.train.samples.reductions import ReducedPhotos, ReductionBatches
from kinoloom.errors import (
    InputNotFoundError,
    UnsupportedMediaError,
    UsageError,
)
from kinoloom.learn.synthetic.textures import Photos
from kinoloom.metrics import resize_bicubic, to_luma


def write_photo(file: Path, height: int = 90, width: int = 110, seed: int = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(file)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    """Three photos of odd sizes."""
    folder = tmp_path_factory.mktemp("photos")
    for k in range(3):
        write_photo(folder / f"{k}.png", 91 + 10 * k, 111 + 7 * k, k)
    return Photos(folder)


def build_reductions(photos: Photos, scale: int, *, luma: bool, seed: int = 3) -> ReductionBatches:
    return ReductionBatches(ReducedPhotos(photos, scale), 4, 16, seed, luma)


def test_photos_are_split_without_those_below_val(tmp_path: Path) -> None:
    for k in range(41):
        write_photo(tmp_path / "train" / f"{k:02d}.png", 4, 4)
    write_photo(tmp_path / "Val" / "deep" / "a.png", 4, 4)
    write_photo(tmp_path / "val.png", 4, 4)
    found = open_training_photos(tmp_path)
    assert found.excluded == 1
    assert [file.name for file in found.held_out.files] == ["00.png", "20.png", "40.png"]
    assert len(found.kept) == 39
    assert not {*found.kept.files} & {*found.held_out.files}


def test_a_folder_named_val_may_itself_be_the_data(tmp_path: Path) -> None:
    for k in range(2):
        write_photo(tmp_path / "val" / f"{k}.png", 4, 4)
    assert len(open_training_photos(tmp_path / "val").kept) == 1


def test_at_most_twenty_photos_are_held_out(tmp_path: Path) -> None:
    for k in range(450):
        (tmp_path / f"{k:03d}.png").touch()
    found = open_training_photos(tmp_path)
    assert (len(found.kept), len(found.held_out)) == (430, 20)


def test_too_few_photos_are_rejected(tmp_path: Path) -> None:
    write_photo(tmp_path / "val" / "a.png", 4, 4)
    with pytest.raises(InputNotFoundError, match=r"All 1 photos of .* are below a folder 'val'"):
        open_training_photos(tmp_path)
    write_photo(tmp_path / "b.png", 4, 4)
    with pytest.raises(UsageError, match="One photo cannot be split"):
        open_training_photos(tmp_path)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_reductions_are_those_of_whole_photos(photos: Photos, scale: int) -> None:
    low, high = ReducedPhotos(photos, scale)[1]
    height, width = 101 // scale, 118 // scale
    assert high.shape == (height * scale, width * scale, 3)
    assert np.array_equal(high, photos[1][: high.shape[0], : high.shape[1]])
    assert low.dtype == np.uint8
    assert np.array_equal(low, resize_bicubic(high, 1 / scale))


@pytest.mark.parametrize(("scale", "luma"), [(2, True), (4, False)])
def test_crops_of_a_reduction_and_of_its_photo_match(
    photos: Photos, scale: int, luma: bool
) -> None:
    """The low crop is found in the reduction at exactly one place, which the high crop covers."""
    batch = build_reductions(photos, scale, luma=luma)(5, 0, 1)
    channels = 1 if luma else 3
    assert batch["low"].shape == (4, channels, 16, 16)
    assert batch["high"].shape == (4, channels, 16 * scale, 16 * scale)
    assert batch["low"].dtype == batch["high"].dtype == np.float32
    reduced = ReducedPhotos(photos, scale)
    pairs = [tuple(to_planes(each, luma=luma) for each in reduced[k]) for k in range(3)]
    for low, high in zip(batch["low"], batch["high"], strict=True):
        places = [
            (k, symmetry, top, left)
            for k, (whole, _) in enumerate(pairs)
            for symmetry in range(8)
            for top, left in find_crop(whole, rotate(low, symmetry))
        ]
        ((k, symmetry, top, left),) = places
        rows = slice(scale * top, scale * (top + 16))
        columns = slice(scale * left, scale * (left + 16))
        assert np.array_equal(pairs[k][1][:, rows, columns], rotate(high, symmetry))


def rotate(planes: np.ndarray, symmetry: int) -> np.ndarray:
    return apply_symmetry(planes.transpose(1, 2, 0), symmetry).transpose(2, 0, 1)


def find_crop(whole: np.ndarray, crop: np.ndarray) -> list[tuple[int, int]]:
    """Return where a crop is in an image."""
    side = crop.shape[1]
    starts = np.argwhere(
        np.isclose(whole[0, : 1 - side or None, : 1 - side or None], crop[0, 0, 0])
    )
    return [
        (int(y), int(x))
        for y, x in starts
        if np.allclose(whole[:, y : y + side, x : x + side], crop)
    ]


def test_a_batch_depends_on_seed_and_step_alone(photos: Photos) -> None:
    batches = build_reductions(photos, 2, luma=True)
    whole = batches(7, 0, 1)
    again = pickle.loads(pickle.dumps(batches))  # noqa: S301  our own bytes
    halves = [again(7, share, 2) for share in (1, 0)]
    assert np.array_equal(whole["low"], np.concatenate([halves[1]["low"], halves[0]["low"]]))
    assert not np.array_equal(whole["low"], batches(8, 0, 1)["low"])
    assert not np.array_equal(
        whole["low"], build_reductions(photos, 2, luma=True, seed=4)(7, 0, 1)["low"]
    )


def test_photos_smaller_than_the_crop_are_rejected_by_name(photos: Photos) -> None:
    batches = ReductionBatches(ReducedPhotos(photos, 4), 4, 32, 0, luma=True)
    with pytest.raises(UnsupportedMediaError, match=r"\.png, reduced by 4, has .* at least 32x32"):
        batches(0, 0, 1)
    with pytest.raises(UnsupportedMediaError, match=r"\.png has .* at least 200x200"):
        NoiseBatches(photos, 4, 200, 55.0, 0)(0, 0, 1)


@given(st.integers(1, 6), st.integers(0, 5), st.integers(0, 5), st.integers(0, 2**32))
def test_a_corner_leaves_the_square_inside(side: int, dy: int, dx: int, seed: int) -> None:
    image = np.zeros((side + dy, side + dx, 3), np.uint8)
    top, left = draw_corner(np.random.default_rng(seed), image, side, "a")
    assert image[top : top + side, left : left + side].shape == (side, side, 3)
    assert min(top, left) >= 0


def test_the_eight_symmetries_differ() -> None:
    image = np.arange(12).reshape(2, 2, 3)
    found = {apply_symmetry(image, symmetry).tobytes() for symmetry in range(8)}
    assert len(found) == 8


def test_planes_are_rgb_or_luma() -> None:
    picture = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8)
    assert to_planes(picture, luma=False)[:, 0, 2].tolist() == [1, 0, 0]
    luma = to_planes(picture, luma=True)
    np.testing.assert_allclose(luma[0, 0] * 255, [235, 16, 16 + 65.481], rtol=1e-6)
    np.testing.assert_allclose(luma[0] * 255, to_luma(picture), rtol=1e-6)


def test_noise_has_the_stated_levels(photos: Photos) -> None:
    batch = NoiseBatches(photos, 16, 64, 50.0, 0)(3, 0, 1)
    assert batch["noisy"].shape == batch["clean"].shape == (16, 3, 64, 64)
    levels = batch["levels"]
    assert levels.shape == (16, 1, 64, 64)
    noise = (batch["noisy"] - batch["clean"]) / levels
    assert abs(float(noise.std()) - 1) < 0.01
    assert abs(float(noise.mean())) < 0.01
    assert float(batch["noisy"].min()) < 0
    assert 0 <= levels.min() < 10 / 255
    assert 40 / 255 < levels.max() <= 50 / 255
    varying = [bool(np.ptp(each) > 0) for each in levels]
    assert 3 <= sum(varying) <= 13


def test_noise_is_neither_clipped_nor_repeated() -> None:
    rng = np.random.default_rng(0)
    planes, levels = np.ones((3, 50, 50), np.float32), np.full((1, 50, 50), 0.1, np.float32)
    first, second = (add_noise(planes, levels, rng) for _ in range(2))
    assert first.dtype == np.float32
    assert first.max() > 1.2
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
