"""A refining network for film whose trunk holds multivectors, beside the plain one of its size.

    python -m benchmarks.clifford_refine VIDEOS --work DIR [--steps N] [--seeds N]

An ablation: both networks judge the guesses of a motion as `kinoloom train film --preset refine`
trains it (`film.nets.refine_net`, `film.train.refine_task`), on the same prepared regions, samples,
schedule and steps. In the Clifford one each guess enters as a multivector of Cl(2, 0), its
brightness, its motion and the curl of that, and as the other planes that the plain one sees, taken
for scalars; all inner convolutions are Clifford ones, and hidden channels multivectors. It is as
wide as gives it the parameters of the plain one. Judged on the ends of the videos, which nothing
was learned from, after the last step: decibels gained over the guesses as they are, and the terms
of the loss, of which "judged" (how wrong each sample of a guess is) is what is learned first; mean
and standard deviation over seeds. DIR keeps what is done: started again, the script goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.common import write_results
from kinoloom.clifford.layers.conv import CliffordConv2d
from kinoloom.clifford.layers.layout import split_channels
from kinoloom.clifford.nets.size import parameter_count, width_of_equal_size
from kinoloom.film.nets.refine_net import RefineNet, RefineSize
from kinoloom.film.synthesis.refine import PLANES
from kinoloom.film.train.parts import part
from kinoloom.film.train.prepared import load
from kinoloom.film.train.prepared import regions as cut_regions
from kinoloom.film.train.preparing import prepare
from kinoloom.film.train.presets import PRESETS, RefinePreset
from kinoloom.film.train.refine_task import CELLS, WEIGHTS, losses, refine_task
from kinoloom.learn.data.videos import open_videos
from kinoloom.learn.loop import train
from kinoloom.learn.seeds import generator
from kinoloom.learn.settings import Settings

_G = (1, 1)
_BLADES = 4
_PLAIN = RefineSize(each=8, fine=12, half=24, quarter=36, depth=2)
_COLOURS, _MOTION = slice(0, 3), slice(6, 8)  # of the planes that `film.refine.seen` makes
_SAMPLES, _HELD_OUT = 240, 80
_JUDGED_SEED = 99


def main() -> None:
    """Prepare, train and judge all that is not done yet; write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--seeds", type=int, default=3)
    told = parser.parse_args()
    torch.set_num_threads(1)
    told.work.mkdir(parents=True, exist_ok=True)
    regions, held_out = prepared(told.videos, told.work)
    done = [
        judged(form, seed, told.steps, regions, held_out, told.work)
        for seed in range(told.seeds)
        for form in ("plain", "clifford")
    ]
    findings = {
        "steps": told.steps,
        "regions": len(list(regions.glob("*.npz"))),
        "held_out": len(list(held_out.glob("*.npz"))),
        "rows": [_row([d for d in done if d["form"] == form]) for form in ("plain", "clifford")],
        "runs": done,
    }
    command = f"python -m benchmarks.clifford_refine VIDEOS --work DIR --steps {told.steps}"
    print(write_results("clifford_refine", f"{command} --seeds {told.seeds}", findings))


def prepared(videos: Path, work: Path) -> tuple[Path, Path]:
    """Folders of regions to learn from and to judge by, made as the preset `refine` makes them."""
    preset = PRESETS["refine"]
    assert isinstance(preset, RefinePreset)
    source = open_videos(videos, index=work / "videos.json", least_px=preset.least_px)
    kept, held = (
        dataclasses.replace(part, any_time=preset.any_time, longest_px=preset.longest_px)
        for part in source.split(preset.held_part)
    )
    prepare(held, work / "held", _HELD_OUT, 1, 1, cut_regions)
    prepare(kept, work / "regions", _SAMPLES, 0, 1, cut_regions)
    return work / "regions", work / "held"


def judged(
    form: str, seed: int, steps: int, regions: Path, held_out: Path, work: Path
) -> dict[str, Any]:
    """What a network of a seed gains on held-out regions, trained once."""
    name = f"{form}-{seed}-{steps}"
    path = work / f"{name}.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    settings = _settings(steps, seed)
    task = refine_task(regions, held_out, settings.batch, seed, _PLAIN)
    torch.manual_seed(seed)
    net = RefineNet(_PLAIN) if form == "plain" else clifford_net()
    begin = time.process_time()
    result = train(dataclasses.replace(task, net=net), settings, work / name)
    found = {
        "form": form, "seed": seed, "parameters": parameter_count(net),
        "cpu_s": time.process_time() - begin, **result.figures,
        **held_out_terms(net, held_out),
    }  # fmt: skip
    path.write_text(json.dumps(found))
    print(name, found, flush=True)
    return found


@torch.no_grad()
def held_out_terms(net: nn.Module, held_out: Path) -> dict[str, float]:
    """The terms of the loss on a part of each held-out region, the same parts for all networks."""
    terms = []
    for k, file in enumerate(sorted(held_out.glob("*.npz"))):
        found = vars(part(load(file), CELLS, generator(_JUDGED_SEED, k)))
        tensors = {
            name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
            for name, value in found.items()
        }
        terms.append(losses(net, [tensors], WEIGHTS))
    return {name: statistics.fmean(float(each[name]) for each in terms) for name in WEIGHTS}


def _settings(steps: int, seed: int) -> Settings:
    """Those of the preset, for a shorter training."""
    return dataclasses.replace(
        PRESETS["refine"].settings, steps=steps, batch=4, seed=seed, warmup_steps=steps // 10,
        ema=0.0, validate_steps=steps, validate_s=None, save_s=60.0, loaders=0, tensorboard=False,
    )  # fmt: skip


def clifford_net() -> CliffordRefineNet:
    """As wide as gives it the parameters of the plain one, in the plain one's proportions."""

    def sized(tenths: int) -> CliffordRefineNet:
        numbers = (_PLAIN.each, _PLAIN.fine, _PLAIN.half, _PLAIN.quarter)
        wide = [_BLADES * max(1, round(n * tenths / 10 / _BLADES)) for n in numbers]
        return CliffordRefineNet(RefineSize(_PLAIN.guesses, *wide, _PLAIN.depth))

    with torch.device("meta"):
        target = parameter_count(RefineNet(_PLAIN))
    return sized(width_of_equal_size(sized, target))


class CliffordRefineNet(RefineNet):
    """The refining network with a trunk of multivectors; in and out as `RefineNet`.

    Args:
        size: channels are numbers, multiples of the four blades; blades are neighbours.
    """

    def __init__(self, size: RefineSize) -> None:
        super().__init__(size)
        self.look = nn.Sequential(_Look(size.each), _activation())
        trunk = (self.keep, self.down2, self.down4, self.up2, self.up1, self.judge)
        for steps in trunk:
            for step in steps:
                step[0] = _Trunk(step[0])


class _Look(nn.Module):
    """From what is seen of a guess to multivectors, as flat channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        out, seen = channels // _BLADES, _BLADES + PLANES
        self.field = _begun(CliffordConv2d(_G, 1, out, 3, padding=1), seen)
        scalars = CliffordConv2d(_G, PLANES, out, 3, padding=1, bias=False, in_grades=[0])
        self.rest = _begun(scalars, seen)

    def forward(self, seen: Tensor) -> Tensor:
        scalars = seen[:, :, None]
        return (self.field(guess_field(seen)) + self.rest(scalars)).flatten(1, 2)


def guess_field(seen: Tensor) -> Tensor:
    """Brightness, motion and its curl: (n, PLANES, h, w) to (n, 1, 4, h, w).

    e1 points down and e2 to the right, as the axes of the picture.
    """
    right, down = seen[:, _MOTION].unbind(1)
    turning = torch.gradient(right, dim=-2)[0] - torch.gradient(down, dim=-1)[0]
    brightness = seen[:, _COLOURS].mean(1)
    return torch.stack([brightness, down, right, -turning], 1)[:, None]


class _Trunk(nn.Module):
    """A Clifford convolution in the place of a plain one, on flat channels."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        size, stride, rim = (n[0] for n in (plain.kernel_size, plain.stride, plain.padding))
        ends = (plain.in_channels // _BLADES, plain.out_channels // _BLADES)
        self.conv = _begun(CliffordConv2d(_G, *ends, size, stride, int(rim)), plain.in_channels)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(split_channels(x, _BLADES))
        return made.flatten(1, 2)


def _begun(conv: CliffordConv2d, numbers: int) -> CliffordConv2d:
    """With weights as the plain network begins with (He et al.) where so many numbers go in."""
    nn.init.normal_(conv.weight, std=(2 / (numbers * math.prod(conv.kernel_size))) ** 0.5)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


def _activation() -> nn.Module:
    return nn.LeakyReLU(0.1)


def _row(runs: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"form": runs[0]["form"], "parameters": runs[0]["parameters"]}
    for name in ("gain_db", *WEIGHTS, "cpu_s"):
        values = [run[name] for run in runs]
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        row[name] = {"mean": round(statistics.fmean(values), 4), "deviation": round(deviation, 4)}
    return {**row, "seeds": len(runs)}


if __name__ == "__main__":
    main()
