"""Exposure, noise, compression and motion blur of synthetic scenes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from synthetic_scenes import draw_scene, smooth_photos, translation

from kinoloom.learn.synthetic.degradations import (
    DegradationOptions,
    Degradations,
    add_noise,
    adjust_exposure,
    draw_degradations,
)
from kinoloom.learn.synthetic.jpeg import simulate_jpeg
from kinoloom.learn.synthetic.packing import pack
from kinoloom.learn.synthetic.samples import render_frames, render_samples
from kinoloom.learn.synthetic.scenes import Scene


def degraded_scene(**changes: object) -> Scene:
    """Return a static scene with degradations."""
    still = draw_scene(2, layers=(0, 0))
    none = Degradations(np.ones(3), 0.0, 0.0, 7)
    return replace(still, motions=(translation((0, 0)),), degradations=replace(none, **changes))


def psnr(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(-10 * torch.log10((one - other).square().mean()))


@pytest.mark.parametrize("time", [0.5, 0.2])
def test_exposure_of_the_middle_is_between_the_ends(time: float) -> None:
    gain = np.array([1.4, 1.2, 0.8])
    samples = render_samples(pack([replace(degraded_scene(gain=gain), time=time)]))
    dark = samples["frame0"]
    factors = torch.tensor(gain, dtype=torch.float32).view(1, 3, 1, 1)
    assert torch.allclose(samples["frame1"], adjust_exposure(dark, factors), atol=1e-6)
    assert torch.allclose(samples["middle"], adjust_exposure(dark, factors**time), atol=1e-6)
    assert samples["frame1"][:, 0].mean() > samples["middle"][:, 0].mean() > dark[:, 0].mean()
    assert samples["frame1"][:, 2].mean() < samples["middle"][:, 2].mean() < dark[:, 2].mean()


def test_successive_gains_multiply_and_keep_black_and_white() -> None:
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


def test_noise_is_independent_on_both_ends_and_absent_in_the_middle() -> None:
    samples = render_samples(pack([degraded_scene(noise=0.02)]))
    clean = render_samples(pack([degraded_scene()]))
    assert torch.equal(samples["middle"], clean["middle"])
    first, last = (samples[name] - clean[name] for name in ("frame0", "frame1"))
    assert 0.015 < float(first.std()) < 0.025
    assert 0.015 < float(last.std()) < 0.025
    assert abs(float(torch.corrcoef(torch.stack([first.flatten(), last.flatten()]))[0, 1])) < 0.03


def test_noise_is_normal_and_its_variance_grows_with_brightness() -> None:
    images = torch.zeros(1, 2, 3, 100, 101)
    images[:, 1] = 1.0
    error = add_noise(images, torch.tensor([0.01]), torch.tensor([123])) - images
    black, white = error[0, 0].flatten() / 0.01, error[0, 1].flatten() / 0.01
    assert float(black.var()) == pytest.approx(0.5, rel=0.03)
    assert float(white.var()) == pytest.approx(1.5, rel=0.03)
    assert abs(float(white.mean())) < 0.03
    within = (white.abs() < white.std()).float().mean()
    assert float(within) == pytest.approx(0.6827, abs=0.01)
    assert float((white**4).mean() / white.var() ** 2) == pytest.approx(3.0, rel=0.06)


def test_noise_depends_on_its_seed_alone() -> None:
    images = torch.full((2, 2, 3, 9, 11), 0.5)
    deviation, seeds = torch.tensor([0.1, 0.1]), torch.tensor([5, 2**32 - 1])
    both = add_noise(images, deviation, seeds)
    assert torch.equal(both[1:], add_noise(images[1:], deviation[1:], seeds[1:]))
    assert not torch.allclose(both[0], both[1], atol=0.05)


@pytest.mark.parametrize("quality", [40, 75, 95])
def test_compression_matches_a_jpeg_file(quality: int) -> None:
    noise = np.random.default_rng(0).normal(0, 12, (61, 75, 1))
    grey = smooth_photos(1, side=80)[0][:61, :75, :1] + noise
    image = np.repeat(np.clip(grey, 0, 255).astype(np.uint8), 3, axis=2)
    stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    truth = torch.from_numpy(cv2.imdecode(stored, cv2.IMREAD_COLOR)).permute(2, 0, 1)[None] / 255
    original = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    simulated = simulate_jpeg(original, torch.tensor([float(quality)]))
    assert psnr(simulated, truth) > 45
    assert psnr(simulated, truth) > psnr(original, truth) + 8


def test_chroma_matches_a_jpeg_file() -> None:
    image = smooth_photos(1, side=64, softness_px=6)[0]
    image[:, 32:] = image[:, :32, ::-1]
    settings = [cv2.IMWRITE_JPEG_QUALITY, 60]
    stored = cv2.imencode(".jpg", image[..., ::-1], settings)[1]
    truth = cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1].copy()
    original = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    simulated = simulate_jpeg(original, torch.tensor([60.0]))
    decoded = torch.from_numpy(truth).permute(2, 0, 1)[None] / 255
    assert psnr(simulated, decoded) > psnr(original, decoded) + 1
    assert (simulated - decoded).mean(dim=(0, 2, 3)).abs().max() < 0.004


def test_compression_affects_only_the_ends() -> None:
    samples = render_samples(pack([degraded_scene(quality=40.0), degraded_scene()]))
    assert torch.equal(samples["middle"][0], samples["middle"][1])
    assert 25 < psnr(samples["frame0"][0], samples["frame0"][1]) < 45
    assert torch.equal(samples["frame0"][0], samples["frame1"][0])


def test_shares_of_degradations_are_respected() -> None:
    rng = np.random.default_rng(0)
    options = DegradationOptions(exposure=0.2, noise=0.5, jpeg=0.0)
    drawn = [draw_degradations(rng, options) for _ in range(500)]
    assert 60 < sum((each.gain != 1).any() for each in drawn) < 140
    assert 200 < sum(each.noise > 0 for each in drawn) < 300
    assert not any(each.quality for each in drawn)
    assert all(2**-0.7 < gain < 2**0.7 for each in drawn for gain in each.gain)


def test_blurred_frame_is_the_mean_over_its_exposure() -> None:
    sharp = replace(degraded_scene(), time=0.5, motions=(translation((40, 10)),))
    blurred = render_frames(pack([replace(sharp, exposure=0.3, exposures=3)]))[0, 1]
    renderings = [
        render_frames(pack([replace(sharp, time=time)]))[0, 1] for time in (0.4, 0.5, 0.6)
    ]
    error = (blurred - torch.stack(renderings).mean(0)).abs()
    assert float(error.mean()) < 0.004
    assert float((blurred - renderings[1]).abs().mean()) > 3 * float(error.mean())


def test_blurred_scenes_must_be_packed_separately() -> None:
    scenes = [draw_scene(k, blurred=0.5) for k in range(20)]
    blurred = [each for each in scenes if each.exposures > 1]
    assert 4 < len(blurred) < 16
    assert all(0 <= each.exposure <= 0.5 for each in blurred)
    with pytest.raises(ValueError, match="must agree in size and number of exposures"):
        pack(scenes)
