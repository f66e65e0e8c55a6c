"""Recipe: all sampled parameters of one degradation, and its application to a picture.

A recipe consists of plain values, so it can be stored as JSON and replayed. Equal recipes give
bit-identical results, with the same versions of NumPy, OpenCV and FFmpeg on the same kind of
processor. Noise depends on the recipe's seed, the number of the frame and the position of the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import cv2
import numpy as np

from kinoloom.base.arrays import Picture, check_picture, from_float, to_float
from kinoloom.enhance.degrade.fields import parameter, read_values
from kinoloom.enhance.degrade.steps.blur import Blur, Sharpen, Sinc, Smooth
from kinoloom.enhance.degrade.steps.camera import CameraNoise
from kinoloom.enhance.degrade.steps.jpeg import Jpeg
from kinoloom.enhance.degrade.steps.noise import CorrelatedNoise, GaussianNoise, PoissonNoise
from kinoloom.enhance.degrade.steps.resize import Decimate, Reduce, Resize
from kinoloom.enhance.degrade.steps.step import Step, Surroundings
from kinoloom.enhance.degrade.steps.tape import Tape
from kinoloom.errors import DefinitionError
from kinoloom.media.recompression import MAX_CRF, Compression, recompress_picture

MAX_SCALE = 8
SEED_LIMIT = 2**32
_MAX_STEPS, _MAX_GROWTH = 64, 4
STEPS: dict[str, type[Step]] = {
    "blur": Blur,
    "sinc": Sinc,
    "smooth": Smooth,
    "sharpen": Sharpen,
    "resize": Resize,
    "reduce": Reduce,
    "decimate": Decimate,
    "gaussian-noise": GaussianNoise,
    "correlated-noise": CorrelatedNoise,
    "poisson-noise": PoissonNoise,
    "camera-noise": CameraNoise,
    "jpeg": Jpeg,
    "tape": Tape,
}
CodecName = Literal["h264", "h265", "av1", "mpeg4"]
_NAMES = {cls: name for name, cls in STEPS.items()}
_UINT8 = np.dtype(np.uint8)
_FIELDS = ("preset", "scale", "seed", "steps", "video")


@dataclass(frozen=True)
class VideoStage:
    """What happens to a clip after its pictures: lost frames, and a real codec.

    Attributes:
        codec: see `media.recompression`.
        crf: constant rate factor of the codec; None if `bits_per_pixel` is given.
        bits_per_pixel: of the compressed clip; None if `crf` is given.
        rate_divisor: the frame rate is divided by this.
        freeze: probability that a frame repeats the one before.
    """

    codec: CodecName
    crf: int | None = parameter(0, 63)
    bits_per_pixel: float | None = parameter(0.001, 10)
    rate_divisor: int = parameter(1, 60)
    freeze: float = parameter(0, 0.9)

    @property
    def compression(self) -> Compression:
        """The settings of the codec."""
        return Compression(self.codec, self.crf, self.bits_per_pixel)


@dataclass(frozen=True)
class Recipe:
    """The parameters of one degradation.

    Attributes:
        preset: from which they were sampled.
        scale: both sides of the result are those of the input, divided by this and rounded down.
        seed: of the noise.
        steps: in order; the last size is that of the result.
        video: the codec, and what happens between frames; None for pictures only.
    """

    preset: str
    scale: int
    seed: int
    steps: tuple[Step, ...]
    video: VideoStage | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; see `read_recipe`."""
        steps = [{"step": _NAMES[type(step)], **_list_values(step)} for step in self.steps]
        video = None if self.video is None else asdict(self.video)
        plain = {"preset": self.preset, "scale": self.scale, "seed": self.seed}
        return {**plain, "steps": steps, "video": video}

    def find_output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the result, at least 1."""
        return max(1, height // self.scale), max(1, width // self.scale)


def read_recipe(values: object, where: str = "recipe") -> Recipe:
    """Build a recipe from plain values, as `Recipe.to_dict` returns them.

    Args:
        values: an object of JSON.
        where: its name in messages.

    Raises:
        DefinitionError: a field is missing, unknown or invalid; the message names it.
    """
    if not isinstance(values, Mapping):
        raise DefinitionError(f"{where} must be an object, not {type(values).__name__}.")
    for name in _FIELDS:
        if name not in values:
            raise DefinitionError(f"{where}.{name} is missing.")
    unknown = [name for name in values if name not in _FIELDS]
    if unknown:
        raise DefinitionError(
            f"{where}.{unknown[0]} is not a field: expected {', '.join(_FIELDS)}."
        )
    if not isinstance(values["preset"], str):
        raise DefinitionError(f"{where}.preset must be text.")
    numbers = {name: values[name] for name in ("scale", "seed")}
    head = read_values(_Head, numbers, where)
    if not isinstance(values["steps"], list) or len(values["steps"]) > _MAX_STEPS:
        raise DefinitionError(f"{where}.steps must be a list of at most {_MAX_STEPS} steps.")
    steps = tuple(_read_step(step, f"{where}.steps[{k}]") for k, step in enumerate(values["steps"]))
    _check_growth(steps, head.scale, where)
    video = None if values["video"] is None else _read_video(values["video"], f"{where}.video")
    return Recipe(values["preset"], head.scale, head.seed, steps, video)


def apply_recipe(picture: Picture, recipe: Recipe, frame: int = 0) -> Picture:
    """Degrade one picture; a video stage compresses it as a single key frame.

    Args:
        picture: see `base.arrays`; an alpha channel is only reduced.
        recipe: what is done.
        frame: number that selects the noise, at least 0.

    Returns:
        (H // scale, W // scale, C) uint8.

    Raises:
        ArrayError: not a picture.
    """
    degraded = apply_steps(picture, recipe, frame)
    if recipe.video is None:
        return degraded
    colours = recompress_picture(degraded[..., :3], recipe.video.compression)
    return np.concatenate([colours, degraded[..., 3:]], axis=2)


def apply_steps(picture: Picture, recipe: Recipe, frame: int = 0) -> Picture:
    """Degrade one picture as `apply_recipe`, without the video stage.

    Raises:
        ArrayError: not a picture.
    """
    image = to_float(check_picture(picture)[..., :3])
    size = recipe.find_output_size(*image.shape[:2])
    for k, step in enumerate(recipe.steps):
        rng = np.random.default_rng((recipe.seed, frame, k))
        image = step.apply(image, Surroundings(size, rng))
    if image.shape[:2] != size:
        image = np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC))
    colours = from_float(np.ascontiguousarray(image), _UINT8)
    if picture.shape[2] == 3:
        return colours
    alpha = cv2.resize(to_float(picture[..., 3:]), size[::-1], interpolation=cv2.INTER_AREA)
    return np.dstack([colours, from_float(np.asarray(alpha), _UINT8)])


@dataclass(frozen=True)
class _Head:
    """The numbers of a recipe that belong to no step."""

    scale: int = parameter(1, MAX_SCALE)
    seed: int = parameter(0, SEED_LIMIT - 1)


def _list_values(step: Step) -> dict[str, Any]:
    values = vars(step).items()
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values}


def _read_step(values: object, where: str) -> Step:
    if not isinstance(values, Mapping):
        raise DefinitionError(f"{where} must be an object, not {type(values).__name__}.")
    name = values.get("step")
    if not isinstance(name, str) or name not in STEPS:
        raise DefinitionError(f"{where}.step must be one of {', '.join(STEPS)}, not {name!r}.")
    parameters = {key: value for key, value in values.items() if key != "step"}
    return read_values(STEPS[name], parameters, where)


def _check_growth(steps: tuple[Step, ...], scale: int, where: str) -> None:
    """Check that no step enlarges the picture far beyond the input, which would fill the memory.

    Raises:
        DefinitionError: a step does.
    """
    size = 1.0
    for k, step in enumerate(steps):
        if isinstance(step, Resize):
            size = step.factor * (size if step.of == "picture" else 1 / scale)
        if size > _MAX_GROWTH:
            raise DefinitionError(
                f"{where}.steps[{k}].factor enlarges the picture to {size:g} times the sides of "
                f"the input; at most {_MAX_GROWTH} times are allowed."
            )


def _read_video(values: object, where: str) -> VideoStage:
    stage = read_values(VideoStage, values, where)
    if (stage.crf is None) == (stage.bits_per_pixel is None):
        raise DefinitionError(f"{where} must have either crf or bits_per_pixel; the other is null.")
    highest = MAX_CRF[stage.codec]
    if stage.crf is not None and stage.crf > highest:
        raise DefinitionError(
            f"{where}.crf must be from 0 to {highest} for {stage.codec}, not {stage.crf}."
        )
    return stage
