"""Objects that move far between two photos."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from moved_pairs import MovedPair, make_moved_pair, psnr_at
from photo_scenes import noisy
from scenes import panning, save_photos

import kinoloom
from kinoloom.film.photos.layers import split_layers

PAIRS = [(0, 100, 0), (1, 160, 0), (3, 240, 0), (5, 200, -10)]


def interpolate_middle(folder: Path, pair: MovedPair) -> tuple[np.ndarray, list[str]]:
    """Return the frame at the middle of a film of two photos, and the notes of the film."""
    paths = save_photos(folder, [pair.first, pair.second])
    film = kinoloom.interpolate(paths, seconds=1, fps=3, engine="fast")
    frames = [frame.image for frame in film]
    return frames[1], [note.message for note in film.notes if note.kind == "quality"]


@pytest.mark.parametrize(("seed", "distance", "turn_degrees"), PAIRS)
def test_object_that_moves_far_is_tracked(
    seed: int, distance: float, turn_degrees: float, tmp_path: Path
) -> None:
    pair = make_moved_pair(seed, distance, turn_degrees)
    frame, warnings = interpolate_middle(tmp_path, pair)
    cross_fade = (pair.first.astype(np.float32) + pair.second) / 2
    at_object = psnr_at(frame, pair.middle, pair.places[1])
    assert at_object > psnr_at(cross_fade, pair.middle, pair.places[1]) + 6
    for place in (pair.places[0], pair.places[2]):
        left = np.where(pair.places[1] > 0, 0, place).astype(np.float32)
        assert psnr_at(frame, pair.middle, left) > 22, "nothing fades out or in"
    assert not warnings


def test_thin_object_that_fades_is_reported(tmp_path: Path) -> None:
    pair = make_moved_pair(0, 100)
    photos = [np.ascontiguousarray(noisy(pair.first, seed, 1.0)) for seed in (1, 2)]
    cv2.rectangle(photos[0], (60, 60), (180, 180), (30, 200, 220), 8)
    cv2.circle(photos[1], (360, 220), 60, (220, 30, 200), 8)
    film = kinoloom.interpolate(save_photos(tmp_path, photos), seconds=1, fps=3, engine="fast")
    assert len(list(film)) == 3
    (note,) = [note.message for note in film.notes if note.kind == "quality"]
    assert "middle left" in note or "upper left" in note, "the frame of the first photo"
    assert "centre" in note, "the ring of the second"


def test_hand_held_photos_with_noise_and_two_objects() -> None:
    one, other = make_moved_pair(0, 200), make_moved_pair(2, 160)
    photos = []
    for k, shift in ((0, 0), (2, 90)):
        frame = (one.first, one.middle, one.second)[k].astype(np.float32)
        mask = np.roll(other.places[k], (110 - shift, 0), axis=(0, 1))[..., None]
        moved = np.roll((other.first, other.middle, other.second)[k], (110 - shift, 0), axis=(0, 1))
        photos.append(np.rint(frame + mask * (moved - frame)).astype(np.uint8))
    height, width = photos[0].shape[:2]
    camera = cv2.getRotationMatrix2D((width / 2, height / 2), 0.7, 1.01)
    camera[:, 2] += (6, -4)
    second = cv2.warpAffine(photos[1], camera, (width, height), borderMode=cv2.BORDER_REFLECT)
    layers = split_layers(noisy(photos[0], 1, 2.0), noisy(second, 2, 2.0), to_homography(camera))
    assert layers is not None
    expected = [one.displacement, (other.displacement[0], other.displacement[1] - 90)]
    found = [layer.displacement for layer in layers.objects]
    assert len(found) == 2
    for x, y in expected:
        assert min(np.hypot(x - u, y - v) for u, v in found) < 8


def to_homography(motion: np.ndarray) -> np.ndarray:
    return np.vstack([motion, [0.0, 0.0, 1.0]])


@pytest.mark.parametrize("step", [3.0, 12.0, 40.0])
def test_moving_pictures_are_not_split(step: float) -> None:
    first, second = panning(2, step=step, size=(320, 240))
    assert split_layers(first, second, None) is None


def test_photos_with_alpha_and_16_bits_are_composed(tmp_path: Path) -> None:
    pair = make_moved_pair(1, 160)
    alpha = np.full((*pair.first.shape[:2], 1), 65535, np.uint16)
    alpha[:40, :40] = 20000
    photos = [np.dstack([p.astype(np.uint16) * 257, alpha]) for p in (pair.first, pair.second)]
    paths = [tmp_path / f"{k}.png" for k in range(2)]
    for path, photo in zip(paths, photos, strict=True):
        cv2.imwrite(str(path), photo[..., [2, 1, 0, 3]])
    frames = [f.image for f in kinoloom.interpolate(paths, seconds=1, fps=3, engine="fast")]
    assert frames[1].shape == photos[0].shape
    assert frames[1].dtype == np.uint16
    assert np.abs(frames[1][..., 3:].astype(int) - alpha).max() < 200
    assert psnr_at(frames[1][..., :3] / 257, pair.middle, pair.places[1]) > 22


def test_warning_names_the_regions_of_an_object_that_is_lost(tmp_path: Path) -> None:
    pair = make_moved_pair(2, 200)
    lost = make_moved_pair(5, 240)
    second = np.where(pair.places[2][..., None] > 0, lost.second[::-1, ::-1], pair.second)
    changed = MovedPair(pair.first, pair.middle, second, pair.places, pair.displacement)
    _, (warning,) = interpolate_middle(tmp_path, changed)
    left, top = (int(np.flatnonzero(pair.places[0].any(axis=a)).mean()) for a in (0, 1))
    assert "0.png and 1.png" in warning
    assert any(x0 <= left < x1 and y0 <= top < y1 for x0, x1, y0, y1 in parse_regions(warning)), (
        warning
    )


def parse_regions(message: str) -> list[tuple[int, ...]]:
    """Return (left, right, top, bottom) of each region in a message."""
    parts = message.split("(x ")[1:]
    numbers = [part.split(")")[0].replace(", y ", "-").split("-") for part in parts]
    return [tuple(int(n) for n in four) for four in numbers]
