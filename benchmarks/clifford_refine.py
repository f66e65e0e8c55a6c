"""Refinement network for film with a Clifford trunk, compared with the plain one of equal size.

    python -m benchmarks.clifford_refine VIDEOS --work DIR [--steps N] [--seeds N]

Ablation: both networks evaluate motion candidates as `kinoloom train film --preset refine` trains
it (`film.nets.refine_net`, `film.train.tasks.refine`), on the same prepared regions, samples,
schedule and steps. The Clifford network receives each candidate as a multivector of Cl(2, 0), its
brightness, motion and curl, and the other input planes as scalars; all inner convolutions are
Clifford convolutions of multivector channels. Its width is chosen to match the number of parameters
of the plain network. Evaluated after the last step on the ends of the videos, which are held out:
gain in dB over the unrefined candidates, and the terms of the loss; mean and standard deviation
over seeds. DIR stores finished runs; the script resumes from it.
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
from kinoloom.clifford.nets.sizing import count_parameters, match_width
from kinoloom.film.nets.refine_net import RefineNet, RefineSize
from kinoloom.film.synthesis.refine import INPUT_PLANES
from kinoloom.film.train.presets import PRESETS, RefinePreset
from kinoloom.film.train.samples.patches import sample_patch
from kinoloom.film.train.samples.preparation import prepare_samples
from kinoloom.film.train.samples.regions import extract_regions, load_region
from kinoloom.film.train.tasks.refine import (
    LOSS_WEIGHTS,
    PATCH_CELLS,
    build_refine_task,
    compute_losses,
)
from kinoloom.learn.data.videos import open_videos
from kinoloom.learn.loop import train
from kinoloom.learn.seeds import generator
from kinoloom.learn.settings import Settings

_G = (1, 1)
_BLADES = 4
_PLAIN = RefineSize(encoder=8, fine=12, half=24, quarter=36, depth=2)
_COLOURS, _MOTION = slice(0, 3), slice(6, 8)  # of the planes of `build_network_input`
_SAMPLES, _HELD_OUT = 240, 80
_EVALUATION_SEED = 99


def main() -> None:
    """Run what is missing and write benchmarks/results/clifford_refine.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.work.mkdir(parents=True, exist_ok=True)
    regions, held_out = prepare_regions(args.videos, args.work)
    runs = [
        train_and_evaluate(form, seed, args.steps, regions, held_out, args.work)
        for seed in range(args.seeds)
        for form in ("plain", "clifford")
    ]
    findings = {
        "steps": args.steps,
        "regions": len(list(regions.glob("*.npz"))),
        "held_out": len(list(held_out.glob("*.npz"))),
        "rows": [_average([r for r in runs if r["form"] == f]) for f in ("plain", "clifford")],
        "runs": runs,
    }
    command = f"python -m benchmarks.clifford_refine VIDEOS --work DIR --steps {args.steps}"
    print(write_results("clifford_refine", f"{command} --seeds {args.seeds}", findings))


def prepare_regions(videos: Path, work: Path) -> tuple[Path, Path]:
    """Return folders of training and held-out regions, prepared as for the preset `refine`."""
    preset = PRESETS["refine"]
    assert isinstance(preset, RefinePreset)
    source = open_videos(videos, index=work / "videos.json", min_px=preset.min_px)
    kept, held = (
        dataclasses.replace(part, any_time=preset.any_time, longest_px=preset.longest_px)
        for part in source.split(preset.held_out_fraction)
    )
    prepare_samples(held, work / "held", _HELD_OUT, 1, 1, extract_regions)
    prepare_samples(kept, work / "regions", _SAMPLES, 0, 1, extract_regions)
    return work / "regions", work / "held"


def train_and_evaluate(
    form: str, seed: int, steps: int, regions: Path, held_out: Path, work: Path
) -> dict[str, Any]:
    """Return the results of a network on held-out regions; a finished run is not repeated."""
    name = f"{form}-{seed}-{steps}"
    path = work / f"{name}.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    settings = _choose_settings(steps, seed)
    task = build_refine_task(regions, held_out, settings.batch, seed, _PLAIN)
    torch.manual_seed(seed)
    net = RefineNet(_PLAIN) if form == "plain" else build_clifford_net()
    begin = time.process_time()
    result = train(dataclasses.replace(task, net=net), settings, work / name)
    record = {
        "form": form, "seed": seed, "parameters": count_parameters(net),
        "cpu_s": time.process_time() - begin, **result.figures,
        **compute_loss_terms(net, held_out),
    }  # fmt: skip
    path.write_text(json.dumps(record))
    print(name, record, flush=True)
    return record


@torch.no_grad()
def compute_loss_terms(net: nn.Module, held_out: Path) -> dict[str, float]:
    """Return the terms of the loss on a part of each held-out region, equal for all networks."""
    terms = []
    for k, file in enumerate(sorted(held_out.glob("*.npz"))):
        arrays = vars(sample_patch(load_region(file), PATCH_CELLS, generator(_EVALUATION_SEED, k)))
        tensors = {
            name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
            for name, value in arrays.items()
        }
        terms.append(compute_losses(net, [tensors], LOSS_WEIGHTS))
    return {name: statistics.fmean(float(each[name]) for each in terms) for name in LOSS_WEIGHTS}


def _choose_settings(steps: int, seed: int) -> Settings:
    """Return the settings of the preset for a shorter run."""
    return dataclasses.replace(
        PRESETS["refine"].settings, steps=steps, batch=4, seed=seed, warmup_steps=steps // 10,
        ema=0.0, validate_steps=steps, validate_s=None, save_s=60.0, loaders=0, tensorboard=False,
    )  # fmt: skip


def build_clifford_net() -> CliffordRefineNet:
    """Return the network with as many parameters as the plain one, in the same proportions."""

    def build(tenths: int) -> CliffordRefineNet:
        channels = (_PLAIN.encoder, _PLAIN.fine, _PLAIN.half, _PLAIN.quarter)
        widths = [_BLADES * max(1, round(n * tenths / 10 / _BLADES)) for n in channels]
        return CliffordRefineNet(RefineSize(_PLAIN.candidates, *widths, _PLAIN.depth))

    with torch.device("meta"):
        target = count_parameters(RefineNet(_PLAIN))
    return build(match_width(build, target))


class CliffordRefineNet(RefineNet):
    """Refinement network with a Clifford trunk; inputs and outputs as `RefineNet`.

    Args:
        size: channels are multiples of the four blades; the blades of a channel are adjacent.
    """

    def __init__(self, size: RefineSize) -> None:
        super().__init__(size)
        self.look = nn.Sequential(_CandidateEncoder(size.encoder), _activation())
        trunk = (self.keep, self.down2, self.down4, self.up2, self.up1, self.judge)
        for steps in trunk:
            for step in steps:
                step[0] = _FlatCliffordConv(step[0])


class _CandidateEncoder(nn.Module):
    """Convolution from the input planes of a candidate to multivectors, as flat channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        out, fan_in = channels // _BLADES, _BLADES + INPUT_PLANES
        self.field = _initialise(CliffordConv2d(_G, 1, out, 3, padding=1), fan_in)
        scalars = CliffordConv2d(_G, INPUT_PLANES, out, 3, padding=1, bias=False, in_grades=[0])
        self.scalars = _initialise(scalars, fan_in)

    def forward(self, planes: Tensor) -> Tensor:
        scalars = planes[:, :, None]
        return (self.field(build_candidate_field(planes)) + self.scalars(scalars)).flatten(1, 2)


def build_candidate_field(planes: Tensor) -> Tensor:
    """Return brightness, motion and its curl, (n, 1, 4, h, w), of planes (n, INPUT_PLANES, h, w).

    e1 points down and e2 to the right, along the axes of the image.
    """
    right, down = planes[:, _MOTION].unbind(1)
    rotation = torch.gradient(right, dim=-2)[0] - torch.gradient(down, dim=-1)[0]
    brightness = planes[:, _COLOURS].mean(1)
    return torch.stack([brightness, down, right, -rotation], 1)[:, None]


class _FlatCliffordConv(nn.Module):
    """Clifford convolution that replaces a plain one, on flat channels."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        size, stride, padding = (n[0] for n in (plain.kernel_size, plain.stride, plain.padding))
        channels = (plain.in_channels // _BLADES, plain.out_channels // _BLADES)
        conv = CliffordConv2d(_G, *channels, size, stride, int(padding))
        self.conv = _initialise(conv, plain.in_channels)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.conv(split_channels(x, _BLADES))
        return output.flatten(1, 2)


def _initialise(conv: CliffordConv2d, fan_in: int) -> CliffordConv2d:
    """Initialise a convolution as the plain network does (He et al., 2015)."""
    nn.init.normal_(conv.weight, std=(2 / (fan_in * math.prod(conv.kernel_size))) ** 0.5)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


def _activation() -> nn.Module:
    return nn.LeakyReLU(0.1)


def _average(runs: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"form": runs[0]["form"], "parameters": runs[0]["parameters"]}
    for name in ("gain_db", *LOSS_WEIGHTS, "cpu_s"):
        values = [run[name] for run in runs]
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        row[name] = {"mean": round(statistics.fmean(values), 4), "deviation": round(deviation, 4)}
    return {**row, "seeds": len(runs)}


if __name__ == "__main__":
    main()
