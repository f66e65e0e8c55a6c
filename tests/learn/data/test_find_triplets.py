"""Triplets: those found below a folder, and errors of their files."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from kinoloom.errors import InputNotFoundError, MediaError, UnreadableMediaError
from kinoloom.learn.data.triplets import find_triplets


def write_frames(
    folder: Path, *sizes: tuple[int, int], suffix: str = ".png", value: int = 10
) -> Path:
    """Write frame0, frame1, ... with these (width, height), each brighter than the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, (width, height) in enumerate(sizes):
        image = np.full((height, width, 3), value * (k + 1), np.uint8)
        cv2.imwrite(str(folder / f"frame{k}{suffix}"), image)
    return folder


def test_triplets_are_found_recursively_in_path_order(tmp_path: Path) -> None:
    size = (8, 6)
    write_frames(tmp_path / "b" / "two", size, size, size)
    write_frames(tmp_path / "b" / "one", size, size, size, suffix=".jpg")
    write_frames(tmp_path / "a", size, size, size)
    (tmp_path / "readme.txt").write_text("not a triplet")
    found = find_triplets(tmp_path)
    assert [triplet.name for triplet in found] == ["a", "b/one", "b/two"]
    assert [file.name for file in found[1].files] == ["frame0.jpg", "frame1.jpg", "frame2.jpg"]


def test_folder_itself_may_be_a_triplet(tmp_path: Path) -> None:
    write_frames(tmp_path, (8, 6), (8, 6), (8, 6))
    assert [triplet.name for triplet in find_triplets(tmp_path)] == ["."]


def test_images_are_first_ground_truth_and_second(tmp_path: Path) -> None:
    write_frames(tmp_path, (9, 7), (9, 7), (9, 7))
    pictures = find_triplets(tmp_path)[0].load()
    assert [int(picture.max()) for picture in pictures] == [10, 20, 30]
    assert {picture.shape for picture in pictures} == {(7, 9, 3)}
    assert {picture.dtype for picture in pictures} == {np.dtype(np.uint8)}


def test_alpha_is_dropped(tmp_path: Path) -> None:
    write_frames(tmp_path, (8, 6), (8, 6), (8, 6))
    cv2.imwrite(str(tmp_path / "frame1.png"), np.full((6, 8, 4), 40, np.uint8))
    assert find_triplets(tmp_path)[0].load()[1].shape == (6, 8, 3)


@pytest.mark.parametrize("where", ["absent", "file.txt", "empty"])
def test_folder_without_triplets_is_rejected(tmp_path: Path, where: str) -> None:
    (tmp_path / "file.txt").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputNotFoundError, match=f"{where} (does not exist|contains no triplets)"):
        find_triplets(tmp_path / where)


@pytest.mark.parametrize(
    ("remove", "add"), [("frame1.png", None), ("frame2.png", None), (None, "frame1.jpg")]
)
def test_incomplete_or_ambiguous_triplet_is_rejected_by_name(
    tmp_path: Path, remove: str | None, add: str | None
) -> None:
    write_frames(tmp_path / "walk", (8, 6), (8, 6), (8, 6))
    if remove:
        (tmp_path / "walk" / remove).unlink()
    if add:
        (tmp_path / "walk" / add).touch()
    with pytest.raises(InputNotFoundError, match="walk must contain exactly one frame0, frame1"):
        find_triplets(tmp_path)


def test_images_of_different_sizes_are_rejected(tmp_path: Path) -> None:
    write_frames(tmp_path / "walk", (8, 6), (8, 6), (8, 7))
    with pytest.raises(UnreadableMediaError, match=r"walk must have 8 bits and equal sizes.*7, 8"):
        find_triplets(tmp_path)[0].load()


def test_images_of_sixteen_bits_are_rejected(tmp_path: Path) -> None:
    for k in range(3):
        cv2.imwrite(str(tmp_path / f"frame{k}.png"), np.full((6, 8, 3), 4000, np.uint16))
    with pytest.raises(UnreadableMediaError, match="8 bits"):
        find_triplets(tmp_path)[0].load()


def test_damaged_image_is_rejected_by_name(tmp_path: Path) -> None:
    write_frames(tmp_path, (8, 6), (8, 6), (8, 6))
    (tmp_path / "frame1.png").write_bytes(b"not a picture")
    with pytest.raises(MediaError, match=r"frame1\.png"):
        find_triplets(tmp_path)[0].load()
