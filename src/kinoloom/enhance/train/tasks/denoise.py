"""The training task of denoising: a photo from itself with Gaussian noise of known level.

The figures are PSNR of RGB at a standard deviation of 25 levels, rounded to 8 bits, by the
literature's protocol: picture i gets the noise of `default_rng(i)`, neither clipped nor rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kinoloom.base.arrays import from_float, to_float
from kinoloom.enhance.nets.ffdnet import SIZE_MULTIPLE
from kinoloom.enhance.train.samples.crops import Floats, to_planes
from kinoloom.enhance.train.samples.noise import NoiseBatches
from kinoloom.enhance.train.tasks.objective import build_loss_weights, compute_terms
from kinoloom.learn.logging.contact_sheet import draw_contact_sheet
from kinoloom.learn.task import Task
from kinoloom.metrics import psnr

Pixels = NDArray[np.uint8]
_UINT8 = np.dtype(np.uint8)
SIGMA = 25.0
"""Standard deviation of the noise for the figures, in levels of 255."""
_SHOWN_CASES, _SHOWN_PX = 4, 128


@dataclass(frozen=True)
class NoisyCase:
    """A picture on which networks are evaluated.

    Attributes:
        noisy: (H, W, 3) float32, H and W even.
        clean: the ground truth, (H, W, 3) uint8.
    """

    noisy: Floats
    clean: Pixels


def build_cases(pictures: Iterable[Pixels]) -> list[NoisyCase]:
    """Add the noise of the protocol, and crop pictures to even sizes."""
    cases = []
    for index, picture in enumerate(pictures):
        noise = np.random.default_rng(index).normal(0, SIGMA / 255, picture.shape)
        noisy = (to_float(picture) + noise).astype(np.float32)
        height, width = (side // SIZE_MULTIPLE * SIZE_MULTIPLE for side in picture.shape[:2])
        cases.append(
            NoisyCase(noisy[:height, :width], np.ascontiguousarray(picture[:height, :width]))
        )
    return cases


def build_denoising_task(
    net: nn.Module,
    batches: NoiseBatches,
    held_out: Sequence[NoisyCase],
    test: Sequence[NoisyCase],
    steps: int,
    record: Mapping[str, Any],
) -> Task:
    """Build the task; see `tasks.upscale.build_upscaling_task`.

    Args:
        net: maps a noisy image and the levels of its noise to the image, as `nets.ffdnet.FFDNet`.
        batches, held_out, test, steps, record: as there.
    """

    def compute_losses(
        net: nn.Module, batch: Mapping[str, Tensor], weights: Mapping[str, float]
    ) -> dict[str, Tensor]:
        return compute_terms(net(batch["noisy"], batch["levels"]), batch["clean"], weights)

    baseline_db = fmean(_score(from_float(case.noisy, _UINT8), case) for case in held_out)

    def validate(net: nn.Module) -> dict[str, float]:
        found_db = evaluate(net, held_out)
        figures = {"psnr_db": found_db, "gain_db": found_db - baseline_db}
        return figures | ({"test_psnr_db": evaluate(net, test)} if test else {})

    return Task(
        net,
        batches,
        compute_losses,
        build_loss_weights(steps),
        validate=validate,
        best="psnr_db",
        samples=lambda net: {"noisy_result_truth": _draw_samples(net, held_out)},
        record=record,
    )


def evaluate(net: nn.Module, cases: Sequence[NoisyCase]) -> float:
    """Return the mean PSNR in dB."""
    return fmean(_score(denoise(net, case), case) for case in cases)


def denoise(net: nn.Module, case: NoisyCase) -> Pixels:
    """Remove the noise of a case, (H, W, 3) uint8."""
    image = torch.from_numpy(to_planes(case.noisy, luma=False)[None]).to(
        next(net.parameters()).device
    )
    levels = image.new_full((1, 1, *image.shape[2:]), SIGMA / 255)
    with torch.no_grad():
        result = net(image, levels)[0].float().cpu().numpy()
    return from_float(np.ascontiguousarray(result.transpose(1, 2, 0)), _UINT8)


def _score(result: Pixels, case: NoisyCase) -> float:
    return psnr(result, case.clean)


def _draw_samples(net: nn.Module, cases: Sequence[NoisyCase]) -> NDArray[np.uint8]:
    """Draw the corners of the first cases: noisy, the network's result, and the truth."""
    shown = cases[:_SHOWN_CASES]
    side = min(_SHOWN_PX, *(length for case in shown for length in case.clean.shape[:2]))
    rows = []
    for case in shown:
        images = (case.noisy, to_float(denoise(net, case)), to_float(case.clean))
        rows.append(
            [torch.from_numpy(to_planes(image[:side, :side], luma=False)) for image in images]
        )
    return draw_contact_sheet(rows)
