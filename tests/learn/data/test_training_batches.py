"""Batches: the same whoever makes them and in whatever order, in shares or whole."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from footage import film, pan, picture, scenery, vimeo

from kinoloom.errors import InputNotFoundError, UnsupportedMediaError, UsageError
from kinoloom.learn.data.batches import Batches, TripletBatch, finish
from kinoloom.learn.data.opening import open_data
from kinoloom.learn.data.pictures import open_pictures
from kinoloom.learn.data.preview import preview
from kinoloom.learn.data.source import SyntheticSource, Mixture, FrameTriplet
from kinoloom.learn.loading import to_device
from kinoloom.learn.synthetic.paths import MotionOptions
from kinoloom.learn.synthetic.scenes import Scene, SceneOptions
from kinoloom.learn.synthetic.textures import Photos

SCENES = SceneOptions(size_px=40, layers=(1, 2), motion=MotionOptions(max_px=20), blurred=0.4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    vimeo(place / "triplets")
    for k in range(3):
        picture(place / "photos" / f"{k}.png", scenery(k, 120, 100))
    return place


@pytest.fixture(scope="module")
def batches(folder: Path) -> Batches:
    made = SyntheticSource(Photos(folder / "photos"), SCENES)
    mixed = Mixture([open_pictures(folder / "triplets"), made], [1, 2])
    return Batches(mixed, size=6, crop_px=40, seed=3)


def flat(triplets: TripletBatch) -> list[torch.Tensor]:
    parts = dict(triplets)
    return [*parts.pop("truth").values(), *parts.values()]  # type: ignore[attr-defined]


def same(one: TripletBatch, other: TripletBatch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(flat(one), flat(other), strict=True))


def test_a_batch_has_frames_truth_and_what_is_known(batches: Batches) -> None:
    made = finish(batches(0, 0, 1))
    for name in ("frame0", "middle", "frame1"):
        assert made[name].shape == (6, 3, 40, 40)  # type: ignore[literal-required]
        assert made[name].dtype == torch.float32  # type: ignore[literal-required]
        assert 0 <= made[name].min() < made[name].max() <= 1  # type: ignore[literal-required]
    assert made["time"].shape == (6,)
    real = int((~made["known"]).sum())
    assert 0 < real < 6
    assert not made["known"][:real].any()
    assert not made["truth"]["flow_t0"][:real].any()
    assert not made["truth"]["seen_01"][:real].any()
    assert made["truth"]["flow_t0"].shape == (6, 2, 40, 40)
    assert made["truth"]["flow_t0"][real:].abs().sum() > 0
    assert made["truth"]["seen_10"].shape == (6, 1, 40, 40)


def test_batches_are_the_same_whoever_makes_them(batches: Batches) -> None:
    alone = [batches(step, 0, 1) for step in range(4)]
    again = pickle.loads(pickle.dumps(batches))  # noqa: S301  our own bytes
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda step: again(step, 0, 1), [3, 1, 0, 2]))
    for step, made in zip([3, 1, 0, 2], together, strict=True):
        assert same(finish(alone[step]), finish(made))
    assert not same(finish(alone[0]), finish(alone[1]))


def test_shares_are_parts_of_the_whole(batches: Batches) -> None:
    whole = finish(batches(2, 0, 1))
    parts = [finish(batches(2, share, 2)) for share in range(2)]
    sums = [sorted(part["middle"].sum((1, 2, 3)).tolist()) for part in parts]
    assert sorted(sums[0] + sums[1]) == pytest.approx(
        sorted(whole["middle"].sum((1, 2, 3)).tolist()), rel=1e-6
    )
    with pytest.raises(UsageError, match="cannot be cut into 4"):
        batches(0, 0, 4)


def test_another_seed_gives_other_samples(batches: Batches) -> None:
    other = replace(batches, seed=4)
    assert not torch.equal(finish(batches(0, 0, 1))["time"], finish(other(0, 0, 1))["time"])


def test_scenes_may_be_drawn_on_the_device_of_the_batch(batches: Batches) -> None:
    """PackedScenes together, moved as the loop moves batches, and drawn: the same to rounding."""
    for step in range(2):
        early = batches(step, 0, 1)
        late = replace(batches, render=False)(step, 0, 1)
        assert late["scenes"] and not late["samples"]
        late = to_device(late, torch.device("cpu"))
        one, other = finish(early), finish(late)
        for kind in ("middle", "frame0"):
            sums = [made[kind].double().mean((1, 2, 3)) for made in (one, other)]  # type: ignore[literal-required]
            assert torch.allclose(sums[0].sort().values, sums[1].sort().values, atol=1e-4)
        assert torch.equal(one["known"], other["known"])
        assert torch.allclose(one["time"].sort().values, other["time"].sort().values)


def test_made_scenes_must_have_the_size_of_the_crop(batches: Batches) -> None:
    with pytest.raises(UsageError, match="40 px a side, but the crop is 36"):
        replace(batches, crop_px=36)(0, 0, 1)


def test_pictures_smaller_than_the_crop_are_named(batches: Batches) -> None:
    large = replace(batches, crop_px=50, source=batches.source.sources[0])  # type: ignore[attr-defined]
    with pytest.raises(UnsupportedMediaError, match=r"im2\.png has 64x48 pixels.* 50 a side"):
        large(0, 0, 1)


def test_an_empty_batch_is_refused(batches: Batches) -> None:
    with pytest.raises(UsageError, match="no samples"):
        finish(batches.build([], []))


def test_sources_are_drawn_from_by_their_weights(batches: Batches) -> None:
    drawn = [batches.source.draw(k, 0) for k in range(90)]
    assert 45 < sum(isinstance(each, Scene) for each in drawn) < 75
    only = Mixture(batches.source.sources, [1, 0])  # type: ignore[attr-defined]
    assert all(isinstance(only.draw(k, 0), FrameTriplet) for k in range(30))


@pytest.mark.parametrize("weights", [[1], [0, 0], [1, -1], [1, 2, 3], [1, float("nan")]])
def test_weights_that_are_none_are_refused(batches: Batches, weights: list[float]) -> None:
    with pytest.raises(UsageError, match="cannot be mixed"):
        Mixture(batches.source.sources, weights)  # type: ignore[attr-defined]


def test_everything_in_a_folder_is_found(folder: Path) -> None:
    opened = open_data(folder, SCENES, synthetic=0.6)
    assert opened.parts == pytest.approx({"triplets": 0.4, "synthetic scenes": 0.6})
    assert open_data(folder, SCENES, synthetic=0).parts == {"triplets": 1.0}
    assert open_data(folder, SCENES, synthetic=1).parts["synthetic scenes"] == 1.0
    assert open_data(folder / "photos", SCENES, synthetic=0).parts == {"synthetic scenes": 1.0}
    listed = open_data(folder / "triplets", SCENES, synthetic=0.5)
    assert listed.parts == {"triplets": 0.5, "synthetic scenes": 0.5}
    assert isinstance(listed.source.sources[0].draw(0, 0), FrameTriplet)


def test_videos_in_a_folder_are_found_and_the_rest_told(tmp_path: Path) -> None:
    film(tmp_path / "pan.mp4", pan(3, range(0, 60, 6)))
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    opened = open_data(tmp_path, SCENES)
    assert opened.parts == {"videos": 1.0}
    assert len(opened.skipped) == 1
    drawn = opened.source.draw(0, 0)
    assert isinstance(drawn, FrameTriplet)
    assert drawn.frames[0].shape == (96, 128, 3)


def test_a_folder_with_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="nothing to train on"):
        open_data(tmp_path, SCENES)
    with pytest.raises(InputNotFoundError, match="no folder"):
        open_data(tmp_path / "absent", SCENES)
    with pytest.raises(UsageError, match="from 0 to 1"):
        open_data(tmp_path, SCENES, synthetic=1.5)


def test_a_broken_triplet_is_not_passed_over(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "frame0.png", np.zeros((50, 50, 3), np.uint8))
    with pytest.raises(InputNotFoundError, match="should hold exactly one frame0"):
        open_data(tmp_path, SCENES)


def test_the_preview_shows_frames_flow_and_what_is_hidden(batches: Batches) -> None:
    drawn = batches(0, 0, 1)
    made = finish(drawn)
    sheet = preview(made, drawn["origins"])
    assert sheet.dtype == np.uint8
    height, width = sheet.shape[:2]
    row = (height - 20) // 6
    assert width == 6 * 228
    real = int((~made["known"]).sum())
    for k in range(6):
        top = 20 + k * row
        for column, name in enumerate(("frame0", "middle", "frame1")):
            cell = sheet[top : top + 224, column * 228 : column * 228 + 224]
            mean = made[name][k].mean((1, 2)).numpy() * 255  # type: ignore[literal-required]
            assert np.allclose(cell.mean((0, 1)), mean, atol=2)
        rest = sheet[top : top + 224, 3 * 228 :]
        assert (len(np.unique(rest)) <= 2) == (k < real)
        assert (sheet[top + 224 : top + row] < 100).any()
