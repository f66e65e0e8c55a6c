"""Batches: equal in any process and order, in shares or whole."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from footage import draw_blobs, draw_pan, write_image, write_video, write_vimeo

from kinoloom.errors import InputNotFoundError, UnsupportedMediaError, UsageError
from kinoloom.learn.data.batches import Batches, TripletBatch, finish
from kinoloom.learn.data.opening import open_data
from kinoloom.learn.data.pictures import open_pictures
from kinoloom.learn.data.preview import preview
from kinoloom.learn.data.source import FrameTriplet, Mixture, SyntheticSource
from kinoloom.learn.loading import to_device
from kinoloom.learn.synthetic.paths import MotionOptions
from kinoloom.learn.synthetic.scenes import Scene, SceneOptions
from kinoloom.learn.synthetic.textures import Photos

SCENES = SceneOptions(size_px=40, layers=(1, 2), motion=MotionOptions(max_px=20), blurred=0.4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    write_vimeo(place / "triplets")
    for k in range(3):
        write_image(place / "photos" / f"{k}.png", draw_blobs(k, 120, 100))
    return place


@pytest.fixture(scope="module")
def batches(folder: Path) -> Batches:
    synthetic = SyntheticSource(Photos(folder / "photos"), SCENES)
    mixed = Mixture([open_pictures(folder / "triplets"), synthetic], [1, 2])
    return Batches(mixed, size=6, crop_px=40, seed=3)


def flatten(triplets: TripletBatch) -> list[torch.Tensor]:
    parts = dict(triplets)
    return [*parts.pop("truth").values(), *parts.values()]  # type: ignore[attr-defined]


def are_equal(one: TripletBatch, other: TripletBatch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(flatten(one), flatten(other), strict=True))


def test_batch_has_frames_and_ground_truth_of_synthetic_scenes(batches: Batches) -> None:
    triplets = finish(batches(0, 0, 1))
    for name in ("frame0", "middle", "frame1"):
        assert triplets[name].shape == (6, 3, 40, 40)  # type: ignore[literal-required]
        assert triplets[name].dtype == torch.float32  # type: ignore[literal-required]
        assert 0 <= triplets[name].min() < triplets[name].max() <= 1  # type: ignore[literal-required]
    assert triplets["time"].shape == (6,)
    real = int((~triplets["known"]).sum())
    assert 0 < real < 6
    assert not triplets["known"][:real].any()
    assert not triplets["truth"]["flow_t0"][:real].any()
    assert not triplets["truth"]["seen_01"][:real].any()
    assert triplets["truth"]["flow_t0"].shape == (6, 2, 40, 40)
    assert triplets["truth"]["flow_t0"][real:].abs().sum() > 0
    assert triplets["truth"]["seen_10"].shape == (6, 1, 40, 40)


def test_batches_are_equal_in_any_thread_and_order(batches: Batches) -> None:
    alone = [batches(step, 0, 1) for step in range(4)]
    again = pickle.loads(pickle.dumps(batches))  # noqa: S301  our own bytes
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda step: again(step, 0, 1), [3, 1, 0, 2]))
    for step, triplets in zip([3, 1, 0, 2], together, strict=True):
        assert are_equal(finish(alone[step]), finish(triplets))
    assert not are_equal(finish(alone[0]), finish(alone[1]))


def test_shares_add_up_to_the_whole_batch(batches: Batches) -> None:
    whole = finish(batches(2, 0, 1))
    parts = [finish(batches(2, share, 2)) for share in range(2)]
    sums = [sorted(part["middle"].sum((1, 2, 3)).tolist()) for part in parts]
    assert sorted(sums[0] + sums[1]) == pytest.approx(
        sorted(whole["middle"].sum((1, 2, 3)).tolist()), rel=1e-6
    )
    with pytest.raises(UsageError, match="cannot be divided into 4"):
        batches(0, 0, 4)


def test_seed_changes_the_samples(batches: Batches) -> None:
    other = replace(batches, seed=4)
    assert not torch.equal(finish(batches(0, 0, 1))["time"], finish(other(0, 0, 1))["time"])


def test_scenes_may_be_rendered_on_the_device_of_the_batch(batches: Batches) -> None:
    """Scenes packed together, moved as the loop moves batches and rendered: equal to rounding."""
    for step in range(2):
        early = batches(step, 0, 1)
        late = replace(batches, render=False)(step, 0, 1)
        assert late["scenes"] and not late["samples"]
        late = to_device(late, torch.device("cpu"))
        one, other = finish(early), finish(late)
        for kind in ("middle", "frame0"):
            sums = [triplets[kind].double().mean((1, 2, 3)) for triplets in (one, other)]  # type: ignore[literal-required]
            assert torch.allclose(sums[0].sort().values, sums[1].sort().values, atol=1e-4)
        assert torch.equal(one["known"], other["known"])
        assert torch.allclose(one["time"].sort().values, other["time"].sort().values)


def test_synthetic_scenes_must_have_the_size_of_the_crop(batches: Batches) -> None:
    with pytest.raises(UsageError, match="of 40 px do not match the crop of 36"):
        replace(batches, crop_px=36)(0, 0, 1)


def test_frames_smaller_than_the_crop_are_rejected_by_name(batches: Batches) -> None:
    large = replace(batches, crop_px=50, source=batches.source.sources[0])  # type: ignore[attr-defined]
    with pytest.raises(
        UnsupportedMediaError, match=r"im2\.png has 64x48 pixels, fewer than .* 50x50"
    ):
        large(0, 0, 1)


def test_empty_batch_is_rejected(batches: Batches) -> None:
    with pytest.raises(UsageError, match="no samples"):
        finish(batches.build([], []))


def test_mixture_follows_its_weights(batches: Batches) -> None:
    drawn = [batches.source.draw(k, 0) for k in range(90)]
    assert 45 < sum(isinstance(each, Scene) for each in drawn) < 75
    only = Mixture(batches.source.sources, [1, 0])  # type: ignore[attr-defined]
    assert all(isinstance(only.draw(k, 0), FrameTriplet) for k in range(30))


@pytest.mark.parametrize("weights", [[1], [0, 0], [1, -1], [1, 2, 3], [1, float("nan")]])
def test_invalid_weights_are_rejected(batches: Batches, weights: list[float]) -> None:
    with pytest.raises(UsageError, match="cannot be mixed"):
        Mixture(batches.source.sources, weights)  # type: ignore[attr-defined]


def test_triplets_and_photos_of_a_folder_are_found(folder: Path) -> None:
    opened = open_data(folder, SCENES, synthetic=0.6)
    assert opened.parts == pytest.approx({"triplets": 0.4, "synthetic scenes": 0.6})
    assert open_data(folder, SCENES, synthetic=0).parts == {"triplets": 1.0}
    assert open_data(folder, SCENES, synthetic=1).parts["synthetic scenes"] == 1.0
    assert open_data(folder / "photos", SCENES, synthetic=0).parts == {"synthetic scenes": 1.0}
    listed = open_data(folder / "triplets", SCENES, synthetic=0.5)
    assert listed.parts == {"triplets": 0.5, "synthetic scenes": 0.5}
    assert isinstance(listed.source.sources[0].draw(0, 0), FrameTriplet)


def test_videos_of_a_folder_are_found_and_unusable_ones_reported(tmp_path: Path) -> None:
    write_video(tmp_path / "draw_pan.mp4", draw_pan(3, range(0, 60, 6)))
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    opened = open_data(tmp_path, SCENES)
    assert opened.parts == {"videos": 1.0}
    assert len(opened.skipped) == 1
    drawn = opened.source.draw(0, 0)
    assert isinstance(drawn, FrameTriplet)
    assert drawn.frames[0].shape == (96, 128, 3)


def test_folder_without_training_data_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="contains no training data"):
        open_data(tmp_path, SCENES)
    with pytest.raises(InputNotFoundError, match="absent does not exist"):
        open_data(tmp_path / "absent", SCENES)
    with pytest.raises(UsageError, match="from 0 to 1"):
        open_data(tmp_path, SCENES, synthetic=1.5)


def test_incomplete_triplet_is_rejected(tmp_path: Path) -> None:
    write_image(tmp_path / "a" / "frame0.png", np.zeros((50, 50, 3), np.uint8))
    with pytest.raises(InputNotFoundError, match="must contain exactly one frame0"):
        open_data(tmp_path, SCENES)


def test_preview_shows_frames_flow_and_occlusions(batches: Batches) -> None:
    drawn = batches(0, 0, 1)
    triplets = finish(drawn)
    sheet = preview(triplets, drawn["origins"])
    assert sheet.dtype == np.uint8
    height, width = sheet.shape[:2]
    row = (height - 20) // 6
    assert width == 6 * 228
    real = int((~triplets["known"]).sum())
    for k in range(6):
        top = 20 + k * row
        for column, name in enumerate(("frame0", "middle", "frame1")):
            cell = sheet[top : top + 224, column * 228 : column * 228 + 224]
            mean = triplets[name][k].mean((1, 2)).numpy() * 255  # type: ignore[literal-required]
            assert np.allclose(cell.mean((0, 1)), mean, atol=2)
        rest = sheet[top : top + 224, 3 * 228 :]
        assert (len(np.unique(rest)) <= 2) == (k < real)
        assert (sheet[top + 224 : top + row] < 100).any()
