"""What each step of the work costs, measured on a part of a picture."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from kinoloom.base.arrays import Picture, to_float
from kinoloom.base.report import Table
from kinoloom.enhance.filters.catalogue import FILTERS
from kinoloom.enhance.filters.filter import Context
from kinoloom.enhance.networks.network import Floats
from kinoloom.enhance.pictures.building import Networks
from kinoloom.enhance.pictures.detail import find_detail
from kinoloom.enhance.pictures.resizing import resize
from kinoloom.enhance.pictures.stages import DenoiseStage, FilterStage, Stage, UpscaleStage
from kinoloom.enhance.pictures.work import PictureWork

_SIDE_PX = 256
_RUNS = 2
"""The fastest one counts: the first one allocates memory."""


@dataclass(frozen=True)
class StepCost:
    """The cost of a step.

    Attributes:
        name: of the step, for a person.
        seconds: for each picture.
        pictures: how many it works on; None if unknown.
    """

    name: str
    seconds: float
    pictures: int | None = 1

    @property
    def total_s(self) -> float | None:
        """Seconds for all pictures; None if their number is unknown."""
        return None if self.pictures is None else self.seconds * self.pictures


def measure_steps(
    work: PictureWork,
    networks: Networks,
    picture: Picture,
    context: Context,
    pictures: int | None = 1,
) -> list[StepCost]:
    """Measure the steps of the work on a picture, in order.

    Each one runs on the part with the most detail; its time is scaled to the whole picture, without
    the overlap of tiles.

    Args:
        work: the steps.
        networks: of the job, whose names are shown.
        picture: (H, W, 3), see `base.arrays`.
        context: of the picture.
        pictures: how many of them there are.
    """
    detail = find_detail(picture, _SIDE_PX)
    tile = to_float(detail.crop(picture))
    share = tile.shape[0] * tile.shape[1] / (picture.shape[0] * picture.shape[1])
    names = [one.name for one in networks.upscalers]
    costs = []

    def run(name: str, step: Callable[[Floats], Floats]) -> None:
        nonlocal tile
        seconds, tile = _time(step, tile)
        costs.append(StepCost(name, seconds / share, pictures))

    for stage in work.stages:
        name = _name_stage(stage, networks, names)
        run(name, partial(stage, context=context))
    size = work.size(picture.shape[1], picture.shape[0])
    if size != (picture.shape[1] * work.scale, picture.shape[0] * work.scale):
        wide, high = (max(1, round(side * share**0.5)) for side in size)
        run("resize", partial(resize, width=wide, height=high))
    for one in work.filters:
        run(_name_filter(one), partial(FilterStage(one), context=context))
    return costs


def tabulate_costs(costs: list[StepCost], *, unit: str) -> Table:
    """Return the table of the costs.

    Args:
        costs: in the order of the work.
        unit: what a picture is: "photo" or "frame".
    """
    total = sum(one.total_s or 0.0 for one in costs) or None
    rows: list[tuple[object, ...]] = [
        (one.name, one.seconds, one.pictures, one.total_s) for one in costs
    ]
    if len(costs) > 1:
        rows.append(("together", None, None, total))
    columns = ("step", f"seconds per {unit}", f"{unit}s", "seconds in total, estimated")
    return Table(columns, tuple(rows), "Cost of each step")


def _time(step: Callable[[Floats], Floats], image: Floats) -> tuple[float, Floats]:
    """Return the seconds and the result of a step."""
    durations = []
    result = image
    for _ in range(_RUNS):
        begun = time.perf_counter()
        result = step(image)
        durations.append(time.perf_counter() - begun)
    return min(durations), result


def _name_stage(stage: Stage, networks: Networks, upscalers: list[str]) -> str:
    if isinstance(stage, UpscaleStage):
        return f"enlarge {stage.scale} times ({upscalers.pop(0)})"
    if isinstance(stage, DenoiseStage):
        return f"denoise ({networks.denoiser.name})" if networks.denoiser else "denoise"
    if isinstance(stage, FilterStage):
        return _name_filter(stage.filter)
    return type(stage).__name__


def _name_filter(one: Any) -> str:
    """Return the name of a filter as it is in `filters.catalogue`."""
    classes = {path.partition(":")[2]: name for name, path in FILTERS.items()}
    return classes.get(type(one).__name__, type(one).__name__)
