"""Degradations that are named after their origin: video calls, VHS tapes, phones.

Their ranges are our own choice; only their parts have sources.
"""

from __future__ import annotations

import math

import numpy as np

from kinoloom.enhance.degrade.recipe import CodecName, VideoStage
from kinoloom.enhance.degrade.sampling.draw import (
    choose,
    happens,
    integer,
    log_uniform,
    uniform,
)
from kinoloom.enhance.degrade.sampling.shuffled import sample_camera
from kinoloom.enhance.degrade.steps.blur import Blur, Sharpen, Smooth
from kinoloom.enhance.degrade.steps.jpeg import Jpeg
from kinoloom.enhance.degrade.steps.resize import Resize
from kinoloom.enhance.degrade.steps.step import Step
from kinoloom.enhance.degrade.steps.tape import Tape


def sample_meeting(rng: np.random.Generator) -> tuple[Step, ...]:
    """Sample a webcam in a dim room: a soft lens, noise, denoising, sharpening and MJPEG."""
    return (
        _sample_lens(rng, (0.5, 1.2)),
        sample_camera(rng, (0.001, 0.01)),
        Smooth(uniform(rng, (1.0, 2.0)), uniform(rng, (0.03, 0.08))),
        Sharpen(uniform(rng, (0.8, 1.5)), uniform(rng, (0.3, 1.0))),
        Jpeg(integer(rng, (55, 85))),
        Resize("output", 1.0, choose(rng, ("area", "bilinear"))),
    )


def sample_meeting_video(rng: np.random.Generator) -> VideoStage:
    """Sample the encoder of a call with little bandwidth, half the frames, and a few freezes."""
    return VideoStage(
        codec=choose(rng, ("h264", "av1"), (0.8, 0.2)),
        crf=None,
        bits_per_pixel=log_uniform(rng, (0.04, 0.15)),
        rate_divisor=2,
        freeze=uniform(rng, (0, 0.1)),
    )


def sample_vhs(rng: np.random.Generator) -> tuple[Step, ...]:
    """Sample a tape of standard or long play, and the player."""
    is_long_play = happens(rng, 0.4)
    noise = uniform(rng, (3, 7)) * (1.5 if is_long_play else 1)
    tape = Tape(
        luma_lines=uniform(rng, (200, 230) if is_long_play else (220, 250)),
        chroma_lines=uniform(rng, (25, 40)),
        chroma_shift=uniform(rng, (0.001, 0.008)),
        peaking=uniform(rng, (0.3, 1.2)),
        luma_noise=noise,
        chroma_noise=uniform(rng, (4, 12)),
        jitter=log_uniform(rng, (2e-4, 1.5e-3)),
        switching_rows=integer(rng, (4, 10)),
        dropouts=log_uniform(rng, (0.02, 1)),
    )
    return (tape, Resize("output", 1.0, "area"))


def sample_vhs_video(rng: np.random.Generator) -> VideoStage:
    """Sample the encoder of the digitised tape."""
    return VideoStage("mpeg4", integer(rng, (2, 6)), None, rate_divisor=1, freeze=0.0)


def sample_phone(rng: np.random.Generator, *, moving: bool) -> tuple[Step, ...]:
    """Sample a cheap phone in dim light, and the reduction and compression by a messenger.

    Args:
        rng: decides.
        moving: whether the pictures are frames, which a codec compresses, instead of JPEG.
    """
    steps: list[Step] = [_sample_lens(rng, (0.4, 0.9))]
    if not moving and happens(rng, 0.4):
        shake, angle = uniform(rng, (1.0, 3.0)), uniform(rng, (-math.pi, math.pi))
        steps.append(Blur("gaussian", 15, shake, 0.4, angle, 1.0))
    steps += [
        sample_camera(rng, (0.0005, 0.005)),
        Smooth(uniform(rng, (1.0, 2.5)), uniform(rng, (0.03, 0.1))),
        Sharpen(uniform(rng, (0.8, 2.0)), uniform(rng, (0.4, 1.2))),
    ]
    if not moving:
        steps.append(Jpeg(integer(rng, (75, 95))))
    steps.append(Resize("output", 1.0, choose(rng, ("area", "bilinear"))))
    if not moving:
        steps.append(Jpeg(integer(rng, (45, 80))))
    return tuple(steps)


def sample_phone_video(rng: np.random.Generator) -> VideoStage:
    """Sample the encoder of a messenger."""
    codecs: tuple[CodecName, ...] = ("h264", "h265")
    return VideoStage(choose(rng, codecs), integer(rng, (28, 38)), None, rate_divisor=1, freeze=0.0)


def _sample_lens(rng: np.random.Generator, sigma: tuple[float, float]) -> Blur:
    width = uniform(rng, sigma)
    return Blur("gaussian", 9, width, width, 0.0, 1.0)
