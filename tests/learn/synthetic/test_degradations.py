"""Light, noise, compression and motion blur of made scenes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from synthetic_scenes import scene, smooth_photos, straight

from kinoloom.learn.synthetic.degradations import (
    Degradations,
    DegradationOptions,
    add_noise,
    draw_degradations,
    adjust_exposure,
)
from kinoloom.learn.synthetic.jpeg import simulate_jpeg
from kinoloom.learn.synthetic.packing import pack
from kinoloom.learn.synthetic.samples import render_frames, render_samples
from kinoloom.learn.synthetic.scenes import Scene


def suffering(**changes: object) -> Scene:
    """A scene of which nothing moves, that suffers."""
    still = scene(2, layers=(0, 0))
    none = Degradations(np.ones(3), 0.0, 0.0, 7)
    return replace(still, motions=(straight((0, 0)),), degradations=replace(none, **changes))


def psnr(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(-10 * torch.log10((one - other).square().mean()))


@pytest.mark.parametrize("time", [0.5, 0.2])
def test_the_light_of_the_middle_lies_between_that_of_the_ends(time: float) -> None:
    gain = np.array([1.4, 1.2, 0.8])
    made = render_samples(pack([replace(suffering(gain=gain), time=time)]))
    dark = made["frame0"]
    factors = torch.tensor(gain, dtype=torch.float32).view(1, 3, 1, 1)
    assert torch.allclose(made["frame1"], adjust_exposure(dark, factors), atol=1e-6)
    assert torch.allclose(made["middle"], adjust_exposure(dark, factors**time), atol=1e-6)
    assert made["frame1"][:, 0].mean() > made["middle"][:, 0].mean() > dark[:, 0].mean()
    assert made["frame1"][:, 2].mean() < made["middle"][:, 2].mean() < dark[:, 2].mean()


def test_light_after_light_is_their_product_and_black_and_white_stay() -> None:
    values = torch.linspace(0, 1, 30).view(1, 1, 5, 6).expand(1, 3, 5, 6)
    one, other = torch.full((1, 3, 1, 1), 1.5), torch.full((1, 3, 1, 1), 0.6)
    assert torch.allclose(
        adjust_exposure(adjust_exposure(values, one), other), adjust_exposure(values, one * other)
    )
    ends = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    assert torch.equal(adjust_exposure(ends, one), ends)
    assert float(adjust_exposure(values, one)[0, 0, 0, 1] / values[0, 0, 0, 1]) == pytest.approx(
        1.5, 0.01
    )


def test_noise_is_on_both_ends_but_not_on_the_middle() -> None:
    made = render_samples(pack([suffering(noise=0.02)]))
    clean = render_samples(pack([suffering()]))
    assert torch.equal(made["middle"], clean["middle"])
    first, last = (made[name] - clean[name] for name in ("frame0", "frame1"))
    assert 0.015 < float(first.std()) < 0.025
    assert 0.015 < float(last.std()) < 0.025
    assert abs(float(torch.corrcoef(torch.stack([first.flatten(), last.flatten()]))[0, 1])) < 0.03


def test_noise_is_normal_and_grows_with_light() -> None:
    images = torch.zeros(1, 2, 3, 100, 101)
    images[:, 1] = 1.0
    apart = add_noise(images, torch.tensor([0.01]), torch.tensor([123])) - images
    black, white = apart[0, 0].flatten() / 0.01, apart[0, 1].flatten() / 0.01
    assert float(black.var()) == pytest.approx(0.5, rel=0.03)
    assert float(white.var()) == pytest.approx(1.5, rel=0.03)
    assert abs(float(white.mean())) < 0.03
    within = (white.abs() < white.std()).float().mean()
    assert float(within) == pytest.approx(0.6827, abs=0.01)
    assert float((white**4).mean() / white.var() ** 2) == pytest.approx(3.0, rel=0.06)


def test_noise_follows_from_its_seed_in_any_batch() -> None:
    images = torch.full((2, 2, 3, 9, 11), 0.5)
    deviation, seeds = torch.tensor([0.1, 0.1]), torch.tensor([5, 2**32 - 1])
    both = add_noise(images, deviation, seeds)
    assert torch.equal(both[1:], add_noise(images[1:], deviation[1:], seeds[1:]))
    assert not torch.allclose(both[0], both[1], atol=0.05)


@pytest.mark.parametrize("quality", [40, 75, 95])
def test_compression_is_what_a_jpeg_file_does(quality: int) -> None:
    noise = np.random.default_rng(0).normal(0, 12, (61, 75, 1))
    grey = smooth_photos(1, side=80)[0][:61, :75, :1] + noise
    image = np.repeat(np.clip(grey, 0, 255).astype(np.uint8), 3, axis=2)
    stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    truth = torch.from_numpy(cv2.imdecode(stored, cv2.IMREAD_COLOR)).permute(2, 0, 1)[None] / 255
    given = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    ours = simulate_jpeg(given, torch.tensor([float(quality)]))
    assert psnr(ours, truth) > 45
    assert psnr(ours, truth) > psnr(given, truth) + 8


def test_colours_are_stored_as_in_a_jpeg_file() -> None:
    image = smooth_photos(1, side=64, softness_px=6)[0]
    image[:, 32:] = image[:, :32, ::-1]
    settings = [cv2.IMWRITE_JPEG_QUALITY, 60]
    stored = cv2.imencode(".jpg", image[..., ::-1], settings)[1]
    truth = cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1].copy()
    given = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    ours = simulate_jpeg(given, torch.tensor([60.0]))
    theirs = torch.from_numpy(truth).permute(2, 0, 1)[None] / 255
    assert psnr(ours, theirs) > psnr(given, theirs) + 1
    assert (ours - theirs).mean(dim=(0, 2, 3)).abs().max() < 0.004


def test_compression_harms_the_ends_only() -> None:
    made = render_samples(pack([suffering(quality=40.0), suffering()]))
    assert torch.equal(made["middle"][0], made["middle"][1])
    assert 25 < psnr(made["frame0"][0], made["frame0"][1]) < 45
    assert torch.equal(made["frame0"][0], made["frame1"][0])


def test_as_many_scenes_suffer_as_asked() -> None:
    rng = np.random.default_rng(0)
    options = DegradationOptions(exposure=0.2, noise=0.5, jpeg=0.0)
    drawn = [draw_degradations(rng, options) for _ in range(500)]
    assert 60 < sum((each.gain != 1).any() for each in drawn) < 140
    assert 200 < sum(each.noise > 0 for each in drawn) < 300
    assert not any(each.quality for each in drawn)
    assert all(2**-0.7 < gain < 2**0.7 for each in drawn for gain in each.gain)


def test_a_blurred_frame_is_the_mean_of_its_moments() -> None:
    sharp = replace(suffering(), time=0.5, motions=(straight((40, 10)),))
    blurred = render_frames(pack([replace(sharp, exposure=0.3, exposures=3)]))[0, 1]
    moments = [render_frames(pack([replace(sharp, time=time)]))[0, 1] for time in (0.4, 0.5, 0.6)]
    apart = (blurred - torch.stack(moments).mean(0)).abs()
    assert float(apart.mean()) < 0.004
    assert float((blurred - moments[1]).abs().mean()) > 3 * float(apart.mean())


def test_some_scenes_are_blurred_and_packed_apart() -> None:
    scenes = [scene(k, blurred=0.5) for k in range(20)]
    blurred = [each for each in scenes if each.exposures > 1]
    assert 4 < len(blurred) < 16
    assert all(0 <= each.exposure <= 0.5 for each in blurred)
    with pytest.raises(ValueError, match="one size and number of exposures"):
        pack(scenes)
