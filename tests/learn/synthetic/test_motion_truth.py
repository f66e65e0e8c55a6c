"""Ground truth of synthetic motion: flows point to the same surface, masks mark occlusions."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from synthetic_scenes import draw_scene, erode, scene_options, smooth_photos, translation, warp

from kinoloom.learn.synthetic.degradations import Degradations
from kinoloom.learn.synthetic.packing import pack
from kinoloom.learn.synthetic.paths import MotionOptions, draw_motion
from kinoloom.learn.synthetic.samples import Samples, render_samples
from kinoloom.learn.synthetic.sampling import sample_coverage
from kinoloom.learn.synthetic.scenes import Scene, make_scene
from kinoloom.learn.synthetic.warps import canvas_grid, map_to_canvas, map_to_layers

PAIRS = [
    ("middle", "frame0", "t0"),
    ("middle", "frame1", "t1"),
    ("frame0", "frame1", "01"),
    ("frame1", "frame0", "10"),
]
WILD = MotionOptions(max_px=30, translated_only=0, accelerated=1, deformed=1)


@cache
def cached_samples(motion: MotionOptions) -> Samples:
    return render_samples(pack([draw_scene(k, motion=motion) for k in range(6)]))


@pytest.mark.parametrize(("start", "end", "pair"), PAIRS)
@pytest.mark.parametrize("motion", [MotionOptions(max_px=40), WILD], ids=["usual", "wild"])
def test_flow_warps_each_frame_to_the_other(
    start: str, end: str, pair: str, motion: MotionOptions
) -> None:
    samples = cached_samples(motion)
    flow, seen = samples["truth"][f"flow_{pair}"], erode(samples["truth"][f"seen_{pair}"])
    assert 0.2 < seen.float().mean() < 0.99

    def error(off: float) -> float:
        difference = warp(samples[end], flow + off) - samples[start]
        return float(difference.square().mean(1, keepdim=True)[seen].mean().sqrt())

    assert error(0.0) < 0.004
    assert all(error(off) > 1.5 * error(0.0) for off in (-0.25, 0.25))


def test_occluded_pixels_look_different() -> None:
    """Where the mask marks an occlusion, the warped frame shows something else."""
    samples = render_samples(pack([draw_scene(k, layers=(3, 6)) for k in range(6)]))
    hidden = ~samples["truth"]["seen_01"]
    difference = (warp(samples["frame1"], samples["truth"]["flow_01"]) - samples["frame0"]).abs()
    difference = difference.mean(1, keepdim=True)
    assert difference[hidden].mean() > 20 * difference[erode(~hidden)].mean()


def block_scene(shift: float) -> Scene:
    """Return a white block of 10x10 pixels that moves right over a static black background."""
    cutout = np.full((1, 4, 32, 32), 255, np.uint8)
    cutout[:, 3] = 0
    cutout[:, 3, 11:21, 11:21] = 255
    return Scene(
        size_px=32,
        time=0.5,
        background=np.zeros((3, 40, 40), np.uint8),
        cutouts=cutout,
        motions=(translation((0, 0)), translation((shift, 0))),
        exposure=0.0,
        exposures=1,
        degradations=Degradations(np.ones(3), 0.0, 0.0, 0),
    )


def test_flow_and_visibility_of_a_moving_block_are_exact() -> None:
    samples = render_samples(pack([block_scene(8)]))
    block = {}
    for name, left in (("frame0", 7), ("middle", 11), ("frame1", 15)):
        block[name] = np.zeros((32, 32), bool)
        block[name][11:21, left : left + 10] = True
        assert np.array_equal(samples[name][0, 0].numpy() == 1, block[name])
        assert np.array_equal(samples[name][0, 0].numpy() == 0, ~block[name])
    truth = samples["truth"]
    assert np.allclose(truth["flow_01"][0, 0], np.where(block["frame0"], 8, 0), atol=1e-4)
    assert np.allclose(truth["flow_10"][0, 0], np.where(block["frame1"], -8, 0), atol=1e-4)
    assert np.allclose(truth["flow_t0"][0, 0], np.where(block["middle"], -4, 0), atol=1e-4)
    assert np.allclose(truth["flow_t1"][0, 0], np.where(block["middle"], 4, 0), atol=1e-4)
    assert all(np.allclose(truth[f"flow_{pair}"][0, 1], 0, atol=1e-4) for _, _, pair in PAIRS)
    for start, end, pair in PAIRS:
        hidden = ~truth[f"seen_{pair}"][0, 0].numpy()
        assert np.array_equal(hidden, ~block[start] & block[end])


def test_pixels_that_leave_the_canvas_are_not_visible() -> None:
    samples = render_samples(pack([block_scene(60)]))
    truth = samples["truth"]
    assert samples["middle"][0, 0, 15, 15] == 1
    assert not truth["seen_t0"][0, 0, 12:20, 12:20].any()
    assert not truth["seen_t1"][0, 0, 12:20, 12:20].any()
    assert np.allclose(truth["flow_t1"][0, 0, 12:20, 12:20], 30, atol=1e-4)


def test_mapping_to_layers_and_back_is_the_identity() -> None:
    packed = pack([draw_scene(k, motion=WILD, layers=(2, 2)) for k in range(8)])
    pixels = canvas_grid(96, (0, 96, 0, 96), torch.device("cpu"))
    everywhere = torch.ones(8, 4, 80, 80, dtype=torch.uint8)
    layers = [(packed["exact"], everywhere)]
    layers += [(level["exact"], level["texture"]) for level in packed["levels"]]
    for motions, texture in layers:
        points = map_to_layers(motions, pixels, slice(None))
        seen = sample_coverage(texture, points) > 0
        for mapped, pixel in zip(map_to_canvas(motions, points, [0, 1, 2]), pixels, strict=True):
            assert float((mapped - pixel).abs()[seen].max()) < 2e-3


def test_batched_scenes_equal_single_scenes() -> None:
    scenes = [draw_scene(k) for k in (3, 4, 5)]
    together = render_samples(pack(scenes))
    for k, each in enumerate(scenes):
        alone = render_samples(pack([each]))
        for name in ("frame0", "middle", "frame1"):
            assert torch.allclose(together[name][k], alone[name][0], atol=2e-5), name
        for name, values in alone["truth"].items():
            same = torch.isclose(together["truth"][name][k].float(), values[0].float(), atol=1e-3)
            assert same.float().mean() > 0.999, name


def test_windows_contain_all_visible_pixels() -> None:
    packed = pack([draw_scene(7, layers=(6, 6), motion=WILD)])
    small = render_samples(packed)
    assert any(level["window"] != (0, 96, 0, 96) for level in packed["levels"])
    for level in packed["levels"]:
        level["window"] = (0, 96, 0, 96)
    whole = render_samples(packed)
    assert torch.allclose(small["middle"], whole["middle"], atol=1e-5)
    assert torch.allclose(small["truth"]["flow_10"], whole["truth"]["flow_10"], atol=1e-3)


def test_displacements_are_log_uniform() -> None:
    rng = np.random.default_rng(0)
    drawn = MotionOptions(min_px=1, max_px=160, still=0, translated_only=1)
    distances = [
        np.hypot(*draw_motion(rng, drawn, np.zeros(2), 50, 1).translation) for _ in range(2000)
    ]
    parts = np.log(distances) / np.log(160)
    assert 0 <= parts.min() < 0.01 < 0.99 < parts.max() <= 1
    assert np.allclose(np.quantile(parts, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.04)


def test_edge_of_a_layer_moves_about_as_far_as_its_centre() -> None:
    """Small motions are small everywhere, whatever they consist of."""
    rng = np.random.default_rng(0)
    drawn = MotionOptions(min_px=2, max_px=2.0001, still=0, translated_only=0, deformed=1)
    angle = np.linspace(0, 2 * np.pi, 16)
    edge = np.stack([40 * np.cos(angle), 40 * np.sin(angle), np.ones(16)])
    for _ in range(50):
        motion = draw_motion(rng, drawn, np.zeros(2), 40, 1)
        at = motion.matrices(np.array([0.0, 1.0])) @ edge
        at = at[:, :2] / at[:, 2:]
        assert np.hypot(*(at[1] - at[0])).max() < 4


def test_accelerated_motion_is_not_halfway_at_half_time() -> None:
    rng = np.random.default_rng(0)
    times = np.array([0.0, 0.5, 1.0])

    def deviation(share: float) -> float:
        chosen = MotionOptions(min_px=40, max_px=41, still=0, translated_only=1, accelerated=share)
        tracks = [
            draw_motion(rng, chosen, np.zeros(2), 40, 1).matrices(times)[:, :2, 2]
            for _ in range(20)
        ]
        return float(np.mean([np.hypot(*(t[1] - (t[0] + t[2]) / 2)) for t in tracks]))

    assert deviation(0.0) < 1e-9
    assert deviation(1.0) > 2


def test_any_time_draws_times_other_than_half() -> None:
    times = [draw_scene(k, any_time=0.5).time for k in range(40)]
    assert 8 < times.count(0.5) < 32
    assert all(0.05 <= time <= 0.95 for time in times)


def test_scene_depends_on_its_generator_alone() -> None:
    photos = smooth_photos()
    first, again, other = (
        make_scene(photos, np.random.default_rng(k), scene_options()) for k in (1, 1, 2)
    )
    assert first.motions[0].translation.tolist() == again.motions[0].translation.tolist()
    assert np.array_equal(first.background, again.background)
    assert np.array_equal(first.cutouts, again.cutouts)
    assert first.motions[0].translation.tolist() != other.motions[0].translation.tolist()
