"""The training task of super-resolution: a photo from its reduction, clean or degraded.

The figures are PSNR of luma by the literature's protocol (`metrics.luma`), on 8-bit RGB, without a
border of as many pixels as the scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kinoloom.base.arrays import from_float, to_float
from kinoloom.enhance.train.samples.crops import Floats, to_planes
from kinoloom.enhance.train.samples.degraded import DegradedBatches
from kinoloom.enhance.train.samples.reductions import ReductionBatches
from kinoloom.enhance.train.tasks.objective import build_loss_weights, compute_terms
from kinoloom.learn.logging.contact_sheet import draw_contact_sheet
from kinoloom.learn.task import Task
from kinoloom.metrics import psnr_y, resize_bicubic, to_luma

Pixels = NDArray[np.uint8]
_UINT8 = np.dtype(np.uint8)
_SHOWN_CASES, _SHOWN_PX = 4, 128
_LUMA_RANGE = 219.0
"""Levels from black to white."""


class UpscalingNetwork(Protocol):
    """A network that enlarges planes (B, C, H, W), such as `nets.luma.Luma`."""

    scale: int
    in_channels: int
    """1 for luma, 3 for RGB."""

    def __call__(self, planes: Tensor) -> Tensor:
        """Return (B, C, scale H, scale W)."""


@dataclass(frozen=True)
class UpscalingCase:
    """A picture on which networks are evaluated.

    Attributes:
        low: (h, w, 3) uint8.
        high: the ground truth, (scale h, scale w, 3) uint8.
        bicubic: `low`, enlarged, (scale h, scale w, 3) float32 in 0..1.
    """

    low: Pixels
    high: Pixels
    bicubic: Floats


def build_cases(pairs: Iterable[tuple[Pixels, Pixels]], scale: int) -> list[UpscalingCase]:
    """Build cases from pairs of a reduced picture and its ground truth."""
    return [
        UpscalingCase(low, high, np.clip(resize_bicubic(to_float(low), scale), 0, 1))
        for low, high in pairs
    ]


def build_upscaling_task(
    net: nn.Module,
    batches: ReductionBatches | DegradedBatches,
    held_out: Sequence[UpscalingCase],
    test: Sequence[UpscalingCase],
    steps: int,
    record: Mapping[str, Any],
) -> Task:
    """Build the task.

    Args:
        net: an `UpscalingNetwork` for the planes of the batches.
        batches: the training data.
        held_out: cases that select the best weights, at least one.
        test: further cases whose figures are reported.
        steps: of the run; the losses depend on it.
        record: see `learn.task.Task`.
    """

    def compute_losses(
        net: nn.Module, batch: Mapping[str, Tensor], weights: Mapping[str, float]
    ) -> dict[str, Tensor]:
        return compute_terms(net(batch["low"]), batch["high"], weights)

    baseline_db = fmean(_score(from_float(case.bicubic, _UINT8), case) for case in held_out)

    def validate(net: nn.Module) -> dict[str, float]:
        found_db = evaluate(net, held_out)
        figures = {"psnr_y_db": found_db, "gain_db": found_db - baseline_db}
        return figures | ({"test_psnr_y_db": evaluate(net, test)} if test else {})

    return Task(
        net,
        batches,
        compute_losses,
        build_loss_weights(steps),
        validate=validate,
        best="psnr_y_db",
        samples=lambda net: {"bicubic_result_truth": _draw_samples(net, held_out)},
        record=record,
    )


def evaluate(net: nn.Module, cases: Sequence[UpscalingCase]) -> float:
    """Return the mean PSNR of luma in dB."""
    return fmean(_score(enlarge(net, case), case) for case in cases)


def enlarge(net: nn.Module, case: UpscalingCase) -> Pixels:
    """Enlarge the picture of a case, (scale h, scale w, 3) uint8.

    A network for luma provides the luma only; chroma is bicubic.
    """
    weight = next(net.parameters())
    luma = cast(UpscalingNetwork, net).in_channels == 1
    planes = torch.from_numpy(to_planes(case.low, luma=luma)[None]).to(weight.device)
    with torch.no_grad():
        result = cast(UpscalingNetwork, net)(planes)[0].float().cpu().numpy()
    if not luma:
        return from_float(np.ascontiguousarray(result.transpose(1, 2, 0)), _UINT8)
    # An equal shift of red, green and blue changes luma and keeps chroma.
    shift = (result[0] * 255 - to_luma(case.bicubic)) / _LUMA_RANGE
    return from_float(case.bicubic + shift[..., None].astype(np.float32), _UINT8)


def _score(result: Pixels, case: UpscalingCase) -> float:
    scale = case.high.shape[0] // case.low.shape[0]
    return psnr_y(result, np.ascontiguousarray(case.high), border_px=scale)


def _draw_samples(net: nn.Module, cases: Sequence[UpscalingCase]) -> NDArray[np.uint8]:
    """Draw the corners of the first cases: bicubic, the network's result, and the truth."""
    shown = cases[:_SHOWN_CASES]
    side = min(_SHOWN_PX, *(length for case in shown for length in case.high.shape[:2]))
    rows = []
    for case in shown:
        images = (case.bicubic, to_float(enlarge(net, case)), to_float(case.high))
        rows.append(
            [torch.from_numpy(to_planes(image[:side, :side], luma=False)) for image in images]
        )
    return draw_contact_sheet(rows)
