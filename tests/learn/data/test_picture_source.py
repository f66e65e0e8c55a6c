"""Triplets and septuplets of images, and errors of their folders."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from footage import write_image, write_vimeo

from kinoloom.errors import InputNotFoundError, MediaError, UnreadableMediaError, UsageError
from kinoloom.learn.data.pictures import PictureSource, open_pictures
from kinoloom.learn.data.triplets import find_triplets


def reds(source: PictureSource, index: int) -> list[int]:
    return [int(frame[0, 0, 0]) for frame in source.draw(index, 0).frames]


def test_vimeo_lists_define_the_splits(tmp_path: Path) -> None:
    write_vimeo(tmp_path)
    train, test = open_pictures(tmp_path), open_pictures(tmp_path, "test")
    assert [each.name for each in train.sequences] == ["00001/0001", "00001/0002"]
    assert [each.name for each in test.sequences] == ["00002/0001"]
    shots = [train.draw(k, 0) for k in range(20)]
    assert {int(shot.frames[0][0, 0, 1]) for shot in shots} == {0, 10}
    assert {shot.time for shot in shots} == {0.5}
    assert reds(train, 3) == [20, 40, 60]
    assert shots[0].origin.endswith("im2.png")


def test_septuplets_yield_any_three_images_in_order(tmp_path: Path) -> None:
    source = open_pictures(write_vimeo(tmp_path, "sep", 7))
    seen = set()
    for index in range(60):
        first, middle, last = reds(source, index)
        assert first < middle < last
        assert source.draw(index, 0).time == pytest.approx((middle - first) / (last - first))
        seen.add((first, middle, last))
    assert len(seen) > 15


def test_sample_depends_on_seed_and_index_alone(tmp_path: Path) -> None:
    source = open_pictures(write_vimeo(tmp_path, "sep", 7))
    again = open_pictures(tmp_path)
    assert [reds(source, k) for k in range(9)] == [reds(again, k) for k in (range(9))]
    origins = {seed: [source.draw(k, seed).origin for k in range(9)] for seed in (0, 1)}
    assert origins[0] != origins[1]


@pytest.mark.parametrize("names", [("frame0", "frame1", "frame2"), ("im1", "im2", "im3")])
def test_plain_folders_of_triplets_are_supported(tmp_path: Path, names: tuple[str, ...]) -> None:
    for folder in ("a", "b/c"):
        for k, name in enumerate(names):
            image = np.full((40, 40, 3), 50 * (k + 1), np.uint8)
            write_image(tmp_path / folder / f"{name}.png", image)
    assert [triplet.name for triplet in find_triplets(tmp_path)] == ["a", "b/c"]
    assert reds(open_pictures(tmp_path), 0) == [50, 100, 150]


def test_list_with_missing_images_is_rejected(tmp_path: Path) -> None:
    write_vimeo(tmp_path)
    (tmp_path / "sequences/00001/0002/im3.png").unlink()
    with pytest.raises(InputNotFoundError, match=r"tri_trainlist.txt lists 00001/0002, .*im3\.png"):
        open_pictures(tmp_path)


def test_empty_list_is_rejected(tmp_path: Path) -> None:
    write_vimeo(tmp_path)
    (tmp_path / "tri_trainlist.txt").write_text("\n")
    with pytest.raises(UnreadableMediaError, match=r"tri_trainlist\.txt is empty"):
        open_pictures(tmp_path)


def test_binary_list_is_rejected(tmp_path: Path) -> None:
    write_vimeo(tmp_path)
    (tmp_path / "tri_trainlist.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableMediaError, match="not a UTF-8 text file"):
        open_pictures(tmp_path)


def test_missing_list_is_rejected_by_name(tmp_path: Path) -> None:
    write_vimeo(tmp_path)
    (tmp_path / "tri_testlist.txt").unlink()
    with pytest.raises(InputNotFoundError, match="no list of the split 'test'") as caught:
        open_pictures(tmp_path, "test")
    assert "tri_testlist.txt" in caught.value.hint


def test_damaged_image_is_rejected_by_name(tmp_path: Path) -> None:
    write_vimeo(tmp_path, names=("00001/0001", "00001/0002"))
    (tmp_path / "sequences/00001/0001/im2.png").write_bytes(b"no write_image")
    with pytest.raises(MediaError, match=r"im2\.png"):
        open_pictures(tmp_path).draw(0, 0)


def test_images_of_different_sizes_are_rejected(tmp_path: Path) -> None:
    write_vimeo(tmp_path, names=("00001/0001", "00001/0002"))
    write_image(tmp_path / "sequences/00001/0001/im3.png", np.zeros((48, 60, 3), np.uint8))
    with pytest.raises(UnreadableMediaError, match=r"00001/0001 differ in size"):
        open_pictures(tmp_path).draw(0, 0)


def test_images_of_sixteen_bits_are_rejected(tmp_path: Path) -> None:
    write_vimeo(tmp_path, names=("00001/0001", "00001/0002"))
    deep = np.full((48, 64, 3), 4000, np.uint16)
    cv2.imwrite(str(tmp_path / "sequences/00001/0001/im1.png"), deep)
    with pytest.raises(UnreadableMediaError, match=r"im1\.png has more than 8 bits"):
        open_pictures(tmp_path).draw(0, 0)


@pytest.mark.parametrize("where", ["absent", "empty"])
def test_missing_or_empty_folder_is_rejected(tmp_path: Path, where: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputNotFoundError, match=where):
        open_pictures(tmp_path / where)


def test_source_needs_a_sequence() -> None:
    with pytest.raises(UsageError, match="at least three images"):
        PictureSource([])
