"""The task of FILM and its kin: a frame from two, judged by the published losses.

The terms of the loss, as `learn.losses` defines them: l1, vgg and style.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any, Protocol

from torch import Tensor, nn

from kinoloom.film.train.scoring import psnr_db
from kinoloom.film.train.sheets import sheet
from kinoloom.learn.data.batches import Batches, RawBatch, TripletBatch, finish
from kinoloom.learn.data.source import Source
from kinoloom.learn.losses.photometric import l1
from kinoloom.learn.schedules import Piecewise
from kinoloom.learn.task import Task

VALIDATED = 32
"""Held-out samples on which the network is scored while it is trained."""


class Frames(Protocol):
    """A network that makes the frame at a time, such as `nets.film_net.FilmNet`."""

    def __call__(self, x0: Tensor, x1: Tensor, t: float | Tensor = 0.5) -> Tensor:
        """(B, 3, H, W) of two of these, in 0..1; t a number or (B, 1, 1, 1)."""


def film_task(
    net: nn.Module,
    batches: Batches,
    held_out: Source,
    weights: Mapping[str, float | Piecewise],
    perceptual: Callable[[Tensor, Tensor], Mapping[str, Tensor]] | None,
    record: Mapping[str, Any],
) -> Task:
    """Train a network on triplets.

    Args:
        net: as `Frames`.
        batches: what it learns from.
        held_out: what it is scored on.
        weights: of the terms.
        perceptual: (made, truth) -> "vgg" and "style", where one of them has a weight.
        record: see `learn.task.Task`.
    """

    def losses(net: nn.Module, drawn: RawBatch, weights: Mapping[str, float]) -> dict[str, Tensor]:
        batch = finish(drawn)
        made = _made(net, batch)
        terms: dict[str, Tensor] = {"l1": l1(made, batch["middle"])}
        if perceptual is not None and weights.keys() & {"vgg", "style"}:
            terms |= perceptual(made, batch["middle"])
        return {name: terms[name] for name in weights}

    still = finish(
        Batches(held_out, VALIDATED, batches.crop_px, 1, augmentation=batches.augmentation)(0, 0, 1)
    )
    return Task(
        net,
        batches,
        losses,
        weights,
        validate=lambda net: _validate(net, still),
        best="psnr_db",
        samples=lambda net: _samples(net, still),
        record=record,
    )


def published_start(net: nn.Module) -> nn.Module:
    """Set the weights as the published training begins: as Keras does, by Glorot and Bengio."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return net


def _made(net: nn.Module, batch: TripletBatch) -> Tensor:
    time = batch["time"].view(-1, 1, 1, 1)
    made: Tensor = net(batch["frame0"], batch["frame1"], time)
    return made


def _each(net: nn.Module, samples: TripletBatch) -> list[tuple[Tensor, Tensor]]:
    """What the network makes of each sample, and the truth, (3, H, W) on the CPU."""
    device = next(net.parameters()).device
    pairs = []
    for k in range(len(samples["time"])):
        first, second, time = (
            samples[name][k : k + 1].to(device) for name in ("frame0", "frame1", "time")
        )
        made = net(first, second, time.view(1, 1, 1, 1))[0].float().clamp(0, 1).cpu()
        pairs.append((made, samples["middle"][k]))
    return pairs


def _validate(net: nn.Module, samples: TripletBatch) -> dict[str, float]:
    return {"psnr_db": fmean(psnr_db(made, truth) for made, truth in _each(net, samples))}


def _samples(net: nn.Module, samples: TripletBatch) -> dict[str, Any]:
    """Of the first samples, what was made beside the truth."""
    few = TripletBatch(
        **{name: samples[name][:4] for name in ("frame0", "middle", "frame1", "time")}
    )  # type: ignore[typeddict-item]
    return {"made_and_truth": sheet(_each(net, few))}
