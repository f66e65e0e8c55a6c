"""FILM, data, losses and training loop together: a small network overfits four triplets."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from kinoloom.film.nets.film_net import FilmNet, FilmOptions
from kinoloom.film.train.tasks import film as film_task_module
from kinoloom.film.train.tasks.film import build_film_task
from kinoloom.learn.data.augment import NO_AUGMENTATION
from kinoloom.learn.data.batches import Batches
from kinoloom.learn.data.source import FrameTriplet
from kinoloom.learn.loop import train
from kinoloom.learn.settings import Settings
from kinoloom.metrics import psnr

SIDE_PX = 16
STEPS_PX = ((3, 0), (2, 1), (-2, 2), (0, -3))
"""The motion from each image of a triplet to the next."""
SMALL = FilmOptions(
    filters=16, pyramid_levels=2, fusion_levels=2, sub_levels=1, flow_filters=(16,), flow_convs=(1,)
)


@dataclass(frozen=True)
class Four:
    """A source of four pans over different smooth textures."""

    def draw(self, index: int, seed: int) -> FrameTriplet:
        return four()[index % 4]


@cache
def four() -> list[FrameTriplet]:
    return [shot(k, *step) for k, step in enumerate(STEPS_PX)]


def shot(seed: int, x: int, y: int) -> FrameTriplet:
    noise = np.random.default_rng(seed).uniform(0, 255, (60, 60, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    texture = np.clip((smooth - smooth.mean()) / smooth.std() * 50 + 128, 0, 255).astype(np.uint8)
    places = [(20 + i * y, 20 + i * x) for i in range(3)]
    first, middle, second = (
        np.ascontiguousarray(texture[top : top + SIDE_PX, left : left + SIDE_PX])
        for top, left in places
    )
    return FrameTriplet((first, middle, second), 0.5, str(seed))


@pytest.mark.usefixtures("one_core")
def test_small_network_overfits_four_triplets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    means = [psnr(a // 2 + b // 2, truth) for a, truth, b in (shot.frames for shot in four())]
    assert np.mean(means) < 26
    monkeypatch.setattr(film_task_module, "VALIDATION_SAMPLES", 4)
    torch.manual_seed(0)
    batches = Batches(Four(), 4, SIDE_PX, 0, NO_AUGMENTATION)
    task = build_film_task(FilmNet(SMALL), batches, Four(), {"l1": 1.0}, None, {})
    settings = Settings(
        steps=900,
        batch=4,
        learning_rate=8e-3,
        schedule="cosine",
        loaders=0,
        validate_s=None,
        save_s=None,
        device="cpu",
        tensorboard=False,
    )
    result = train(task, settings, tmp_path / "run")
    assert result.figures["psnr_db"] > 38
