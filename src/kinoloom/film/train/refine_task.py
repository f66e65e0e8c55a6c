"""The task of the refining network: which samples of the guesses to trust, and how far.

What the network says is mixed as the engine will mix it, and the mix is compared with the truth.
The terms of the loss:

    fit     logarithm of the mean squared error of a part: a decibel counts the same everywhere
    near    mean absolute error
    judged  mean absolute error of the predicted logarithms of the squared error of each sample:
            the network learns soonest what is wrong from being asked just that
    error   likewise of the mix, for the confidence
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.film.nets.mixing import mix
from kinoloom.film.nets.refine_net import RefineNet, RefineSize
from kinoloom.film.synthesis.refine import LIGHT, SHIFT, TRUST
from kinoloom.film.train.parts import Part, part
from kinoloom.film.train.prepared import AROUND_PX, load
from kinoloom.film.train.preparing import prepared_in
from kinoloom.film.train.scoring import psnr_db
from kinoloom.film.train.sheets import sheet
from kinoloom.learn.seeds import generator, share_indices
from kinoloom.learn.task import Task

_SHOWN = 4
CELLS = 64
"""Sides of a part, on the grid."""
_LEAST_ERROR = 5e-4
"""Squared error (33 dB) of a part that is good: to gain there counts less and less."""
_DARKEST = 1e-6
WEIGHTS = {"fit": 0.5, "near": 5.0, "judged": 0.2, "error": 0.05}


def refine_task(prepared: Path, held_out: Path, batch: int, seed: int, size: RefineSize) -> Task:
    """Train on the prepared regions of one folder; choose the best by those of another.

    Args:
        prepared, held_out: folders of regions, see `prepared`.
        batch: parts in a step.
        seed: of the training.
        size: of the network.

    Raises:
        InputNotFoundError: one of the folders holds no regions.
    """
    files, held = (prepared_in(folder) for folder in (prepared, held_out))

    def batch_of(step: int, share: int, shares: int) -> list[dict[str, Any]]:
        made = []
        for k in share_indices(batch, share, shares):
            rng = generator(seed, step, k)
            made.append(vars(part(load(files[int(rng.integers(len(files)))]), CELLS, rng)))
        return made

    still = [part(load(file), CELLS, generator(seed, k)) for k, file in enumerate(held)]
    return Task(
        RefineNet(size),
        batch_of,
        losses,
        WEIGHTS,
        validate=lambda net: validate(net, still),
        best="psnr_db",
        samples=lambda net: {"made_unchanged_truth": _sheet(net, still)},
        record={"regions": len(files), "held_out": len(held), "size": vars(size)},
    )


def losses(
    net: nn.Module, batch: Sequence[Mapping[str, Any]], weights: Mapping[str, float]
) -> dict[str, Tensor]:
    """The terms above, means over the batch."""
    seen = torch.stack([each["seen"] for each in batch])
    answers, light, error, judged = net(seen)
    terms: dict[str, list[Tensor]] = {name: [] for name in WEIGHTS}
    for k, each in enumerate(batch):
        made = mixed(each, answers[k], light[k])
        squared = (made - each["truth"]).square().mean(0)
        terms["fit"].append(torch.log(squared.mean() + _LEAST_ERROR))
        terms["near"].append((made - each["truth"]).abs().mean())
        target = functional.adaptive_avg_pool2d(squared.detach()[None], error.shape[2:])
        terms["error"].append((error[k] - (target + _DARKEST).log() / 2).abs().mean())
    terms["judged"] = [(judged - torch.stack([each["errors"] for each in batch])).abs().mean()]
    return {name: torch.stack(terms[name]).mean() for name in weights}


def mixed(part: Mapping[str, Any], answers: Tensor, light: Tensor) -> Tensor:
    """The picture of a part, (3, H, W), after the network's answers to it.

    Args:
        part: as `parts.Part`, in tensors.
        answers: (guesses, ANSWERS, h, w).
        light: (3, h, w).
    """
    ratio = part["truth"].shape[1] // part["logs"].shape[2]
    logs = part["logs"] + TRUST * answers[:, :2]
    weights = logs.flatten(0, 1).softmax(0).view_as(logs)
    motions = part["motions"] + ratio * SHIFT * answers[:, 2:]
    fine = [_finer(field, ratio) for field in (motions, weights, LIGHT * light[None])]
    first, second = part["first"], part["second"]
    return mix(first, second, fine[0], fine[1], fine[2], float(part["time"]), AROUND_PX)


def validate(net: nn.Module, parts: Sequence[Part]) -> dict[str, float]:
    """Means over parts: the ratio of signal to noise, with the network and without."""
    with_net, without = [], []
    for each in parts:
        made, unchanged, truth = _made(net, each)
        with_net.append(psnr_db(made, truth))
        without.append(psnr_db(unchanged, truth))
    return {
        "psnr_db": float(np.mean(with_net)),
        "gain_db": float(np.mean(with_net) - np.mean(without)),
    }


def _made(net: nn.Module, part: Part) -> tuple[Tensor, Tensor, Tensor]:
    """The picture of a part with the network and without, and the truth, (3, H, W)."""
    device = next(net.parameters()).device
    tensors = {
        name: torch.from_numpy(value).to(device) if isinstance(value, np.ndarray) else value
        for name, value in vars(part).items()
    }
    answers, light, _, _ = net(tensors["seen"][None])
    made, unchanged = (mixed(tensors, share * answers[0], share * light[0]) for share in (1, 0))
    return made, unchanged, tensors["truth"]


def _sheet(net: nn.Module, parts: Sequence[Part]) -> NDArray[np.uint8]:
    """Of the first parts of one size: with the network, without, and the truth."""
    shown = [each for each in parts if each.truth.shape == parts[0].truth.shape][:_SHOWN]
    return sheet([_made(net, each) for each in shown])


def _finer(field: Tensor, ratio: int) -> Tensor:
    if ratio == 1:
        return field
    return functional.interpolate(field, scale_factor=ratio, mode="bilinear", align_corners=False)
