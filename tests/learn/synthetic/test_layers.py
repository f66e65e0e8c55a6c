"""The parts of scenes: outlines, textures, photos, options."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from synthetic_scenes import scene_options, smooth_photos

from kinoloom.errors import InputNotFoundError, UnreadableMediaError, UnsupportedMediaError
from kinoloom.learn.synthetic.scenes import make_scene
from kinoloom.learn.synthetic.shapes import draw_shape
from kinoloom.learn.synthetic.textures import Photos, cut_texture


def write_photo(path: Path, width: int = 90, height: int = 70, value: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), value, np.uint8))
    return path


def test_shapes_are_within_their_radius_and_antialiased() -> None:
    rng = np.random.default_rng(0)
    away = np.hypot(*(np.mgrid[:80, :80] - 39.5))
    for _ in range(100):
        cover = draw_shape(rng, 30, 80)
        assert cover.shape == (80, 80)
        assert cover[away > 31.5].max() == 0
        assert cover.max() == 255
        assert ((cover > 0) & (cover < 255)).sum() > 0


def test_some_shapes_have_holes_and_some_have_parts() -> None:
    rng = np.random.default_rng(0)
    holed = several = 0
    for _ in range(100):
        solid = (draw_shape(rng, 30, 80) > 127).astype(np.uint8)
        several += cv2.connectedComponents(solid)[0] > 2
        holed += cv2.connectedComponents(1 - solid, connectivity=4)[0] > 2
    assert 15 < holed < 80
    assert 5 < several < 60


def test_textures_are_cut_from_the_photo() -> None:
    """A texture cut from a photo of a ramp varies along one axis only."""
    ramp = np.tile(np.arange(40, 240, dtype=np.uint8)[None, :, None], (200, 1, 3))
    rng = np.random.default_rng(1)
    for _ in range(20):
        texture = cut_texture(rng, ramp, 64).astype(int)
        assert texture.shape == (3, 64, 64)
        assert (texture[0] == texture[1]).all()
        steep = max(abs(np.diff(texture[0], axis=axis)).mean() for axis in (0, 1))
        flat = min(abs(np.diff(texture[0], axis=axis)).mean() for axis in (0, 1))
        assert 1 / 1.6 < steep < 2.1
        assert flat == 0


def test_channels_are_permuted_on_request() -> None:
    red = np.zeros((80, 80, 3), np.uint8)
    red[..., 0] = 200
    rng = np.random.default_rng(0)
    assert all(cut_texture(rng, red, 32)[0].min() == 200 for _ in range(10))
    bright = {int(cut_texture(rng, red, 32, 1.0).mean((1, 2)).argmax()) for _ in range(30)}
    assert bright == {0, 1, 2}


def test_small_photos_are_enlarged_and_large_ones_reduced(tmp_path: Path) -> None:
    write_photo(tmp_path / "a" / "large.png", 2000, 1000)
    write_photo(tmp_path / "small.jpg", 64, 64)
    (tmp_path / "notes.txt").write_text("no photo")
    photos = Photos(tmp_path)
    assert [path.name for path in photos.files] == ["large.png", "small.jpg"]
    assert photos[0].shape == (512, 1024, 3)
    assert cut_texture(np.random.default_rng(0), photos[1], 256).shape == (3, 256, 256)


def test_cache_of_photos_respects_its_limit(tmp_path: Path) -> None:
    for k in range(3):
        write_photo(tmp_path / f"{k}.png", value=10 * (k + 1))
    photos = Photos(tmp_path, cache_bytes=2 * 90 * 70 * 3)
    assert [photos[k].max() for k in (0, 1, 2, 0)] == [10, 20, 30, 10]
    assert photos._cache.size_bytes == 2 * 90 * 70 * 3
    assert photos[0] is photos[0]
    again = pickle.loads(pickle.dumps(photos))  # noqa: S301  our own bytes
    assert len(pickle.dumps(photos)) < 2000
    assert np.array_equal(again[2], photos[2])


@pytest.mark.parametrize("where", ["absent", "empty"])
def test_folder_without_photos_is_rejected(tmp_path: Path, where: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputNotFoundError, match=f"{where} (does not exist|contains no photos)"):
        Photos(tmp_path / where)


def test_damaged_photo_is_rejected_by_name(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(write_photo(tmp_path / "x.jpg").read_bytes()[:300])
    photos = Photos(tmp_path)
    with pytest.raises(UnreadableMediaError, match=r"broken\.jpg"):
        make_scene([photos[0]], np.random.default_rng(0), scene_options())


def test_too_small_photo_is_rejected_by_name(tmp_path: Path) -> None:
    write_photo(tmp_path / "tiny.png", 63, 200)
    with pytest.raises(UnsupportedMediaError, match=r"tiny\.png has 63x200 pixels"):
        Photos(tmp_path)[0]


@pytest.mark.parametrize("changes", [{"size_px": 30}, {"size_px": 65}, {"layers": (3, 2)}])
def test_options_out_of_range_are_rejected(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"an even number of at least 32|within 0 to 16"):
        scene_options(**changes)


def test_number_of_layers_is_in_range() -> None:
    photos = smooth_photos(2)
    counts = {
        len(make_scene(photos, np.random.default_rng(k), scene_options(layers=(1, 3))).cutouts)
        for k in range(20)
    }
    assert counts == {1, 2, 3}
