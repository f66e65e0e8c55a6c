"""The training task of FILM: a frame from a pair, scored by the published losses.

Loss terms, as defined in `learn.losses`: l1, vgg and style.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any, Protocol, cast

from torch import Tensor, nn

from kinoloom.film.train.metrics import compute_psnr_db
from kinoloom.learn.data.batches import Batches, RawBatch, TripletBatch, finish
from kinoloom.learn.data.source import Source
from kinoloom.learn.logging.contact_sheet import draw_contact_sheet
from kinoloom.learn.losses.photometric import l1
from kinoloom.learn.schedules import Piecewise
from kinoloom.learn.task import Task

VALIDATION_SAMPLES = 32
"""Number of held-out samples on which the network is validated."""
_SHOWN_SAMPLES = 4


class FrameNetwork(Protocol):
    """A network that renders the frame at a time, such as `nets.film_net.FilmNet`."""

    def __call__(self, x0: Tensor, x1: Tensor, t: float | Tensor = 0.5) -> Tensor:
        """Map two images (B, 3, H, W) in 0..1 to the frame; t a number or (B, 1, 1, 1)."""


def build_film_task(
    net: nn.Module,
    batches: Batches,
    held_out: Source,
    weights: Mapping[str, float | Piecewise],
    perceptual: Callable[[Tensor, Tensor], Mapping[str, Tensor]] | None,
    record: Mapping[str, Any],
) -> Task:
    """Build the task of training a network on triplets.

    Args:
        net: a `FrameNetwork`.
        batches: the training data.
        held_out: the validation data.
        weights: of the loss terms.
        perceptual: (frame, truth) -> "vgg" and "style", if one of them has a weight.
        record: see `learn.task.Task`.
    """

    def compute_losses(
        net: nn.Module, drawn: RawBatch, weights: Mapping[str, float]
    ) -> dict[str, Tensor]:
        batch = finish(drawn)
        frames = _render(net, batch)
        terms: dict[str, Tensor] = {"l1": l1(frames, batch["middle"])}
        if perceptual is not None and weights.keys() & {"vgg", "style"}:
            terms |= perceptual(frames, batch["middle"])
        return {name: terms[name] for name in weights}

    validation = Batches(
        held_out, VALIDATION_SAMPLES, batches.crop_px, 1, augmentation=batches.augmentation
    )
    samples = finish(validation(0, 0, 1))
    return Task(
        net,
        batches,
        compute_losses,
        weights,
        validate=lambda net: _evaluate(net, samples),
        best="psnr_db",
        samples=lambda net: _draw_samples(net, samples),
        record=record,
    )


def initialise_glorot(net: nn.Module) -> nn.Module:
    """Initialise all convolutions as Keras does, and so the published training."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return net


def _render(net: nn.Module, batch: TripletBatch) -> Tensor:
    time = batch["time"].view(-1, 1, 1, 1)
    frames: Tensor = net(batch["frame0"], batch["frame1"], time)
    return frames


def _render_each(net: nn.Module, samples: TripletBatch) -> list[tuple[Tensor, Tensor]]:
    """Return the frame and the truth of each sample, (3, H, W) on the CPU."""
    device = next(net.parameters()).device
    pairs = []
    for k in range(len(samples["time"])):
        first, second, time = (
            samples[name][k : k + 1].to(device) for name in ("frame0", "frame1", "time")
        )
        frame = net(first, second, time.view(1, 1, 1, 1))[0].float().clamp(0, 1).cpu()
        pairs.append((frame, samples["middle"][k]))
    return pairs


def _evaluate(net: nn.Module, samples: TripletBatch) -> dict[str, float]:
    return {"psnr_db": fmean(compute_psnr_db(*pair) for pair in _render_each(net, samples))}


def _draw_samples(net: nn.Module, samples: TripletBatch) -> dict[str, Any]:
    """Draw the frames of the first samples next to the truth."""
    few = {name: samples[name][:_SHOWN_SAMPLES] for name in ("frame0", "middle", "frame1", "time")}
    return {"frame_and_truth": draw_contact_sheet(_render_each(net, cast(TripletBatch, few)))}
