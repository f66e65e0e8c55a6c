"""The presets by name, and `sample_recipe`, which samples a recipe from one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kinoloom.enhance.degrade.recipe import MAX_SCALE, SEED_LIMIT, CodecName, Recipe, VideoStage
from kinoloom.enhance.degrade.sampling.devices import (
    sample_meeting,
    sample_meeting_video,
    sample_phone,
    sample_phone_video,
    sample_vhs,
    sample_vhs_video,
)
from kinoloom.enhance.degrade.sampling.draw import choose, happens, integer, log_uniform
from kinoloom.enhance.degrade.sampling.second_order import HEAVY, LIGHT, REALESRGAN, Rounds
from kinoloom.enhance.degrade.sampling.shuffled import sample_shuffled
from kinoloom.enhance.degrade.steps.step import Step
from kinoloom.errors import UsageError

SampleVideo = Callable[[np.random.Generator], VideoStage]
_CODECS: tuple[CodecName, ...] = ("h264", "h265", "av1", "mpeg4")


@dataclass(frozen=True)
class Preset:
    """A distribution of degradations.

    Attributes:
        summary: one line.
        scale: the final reduction where none is given.
        sample: (rng, scale, moving) -> the steps.
        sample_video: what happens to clips afterwards.
        compresses_pictures: whether single pictures are frames of such a clip, too.
    """

    summary: str
    scale: int
    sample: Callable[[np.random.Generator, int, bool], tuple[Step, ...]]
    sample_video: SampleVideo
    compresses_pictures: bool = False


def _sample_codec(crf: tuple[int, int], bits_per_pixel: tuple[float, float] | None) -> SampleVideo:
    """Return a function that samples one of four codecs.

    Args:
        crf: range of the constant rate factor, as x264 counts.
        bits_per_pixel: range of the bit rate of half the clips; None for a constant rate factor.
    """

    def sample(rng: np.random.Generator) -> VideoStage:
        codec, quality = choose(rng, _CODECS), integer(rng, crf)
        has_rate = bits_per_pixel is not None and happens(rng, 0.5)
        if has_rate and bits_per_pixel is not None:
            return VideoStage(codec, None, log_uniform(rng, bits_per_pixel), 1, 0.0)
        return VideoStage(codec, _convert_crf(codec, quality), None, 1, 0.0)

    return sample


def _convert_crf(codec: str, crf: int) -> int:
    """Return the setting of a codec that looks about like a constant rate factor of x264."""
    if codec == "av1":
        return round(crf * 63 / 51)
    return max(2, round((crf - 16) * 0.7)) if codec == "mpeg4" else crf


def _sample_rounds(rounds: Rounds) -> Callable[[np.random.Generator, int, bool], tuple[Step, ...]]:
    return lambda rng, scale, moving: rounds.sample(rng)


PRESETS: dict[str, Preset] = {
    "realesrgan": Preset(
        "blur, resizing, noise and JPEG, twice, as published",
        4,
        _sample_rounds(REALESRGAN),
        _sample_codec((20, 45), (0.02, 0.2)),
    ),
    "light": Preset(
        "one mild round of the same", 2, _sample_rounds(LIGHT), _sample_codec((20, 30), None)
    ),
    "heavy": Preset(
        "two strong rounds of the same", 4, _sample_rounds(HEAVY), _sample_codec((32, 45), None)
    ),
    "bsrgan": Preset(
        "blur, reduction and noise in random order, as published",
        4,
        lambda rng, scale, moving: sample_shuffled(rng, scale),
        _sample_codec((20, 45), (0.02, 0.2)),
    ),
    "meeting": Preset(
        "a webcam in a call with little bandwidth",
        2,
        lambda rng, scale, moving: sample_meeting(rng),
        sample_meeting_video,
        compresses_pictures=True,
    ),
    "vhs": Preset(
        "a digitised VHS tape",
        1,
        lambda rng, scale, moving: sample_vhs(rng),
        sample_vhs_video,
        compresses_pictures=True,
    ),
    "phone": Preset(
        "a phone in dim light, sent by a messenger",
        2,
        lambda rng, scale, moving: sample_phone(rng, moving=moving),
        sample_phone_video,
    ),
}


def sample_recipe(
    preset: str, rng: np.random.Generator, scale: int | None = None, *, moving: bool = False
) -> Recipe:
    """Sample a recipe from a preset.

    Args:
        preset: a key of `PRESETS`.
        rng: decides everything; `np.random.default_rng((seed, index))` for picture `index`.
        scale: the final reduction, 1 to 8; None for the preset's.
        moving: whether the recipe is for a clip, which is compressed as a video.

    Raises:
        UsageError: an unknown preset, or a scale out of range.
    """
    if preset not in PRESETS:
        raise UsageError(f"Unknown preset '{preset}': expected {', '.join(PRESETS)}.")
    chosen = PRESETS[preset]
    scale = chosen.scale if scale is None else scale
    if not 1 <= scale <= MAX_SCALE:
        raise UsageError(f"The scale must be from 1 to {MAX_SCALE}, not {scale}.")
    seed = int(rng.integers(SEED_LIMIT))
    steps = chosen.sample(rng, scale, moving)
    has_video = moving or chosen.compresses_pictures
    return Recipe(preset, scale, seed, steps, chosen.sample_video(rng) if has_video else None)
