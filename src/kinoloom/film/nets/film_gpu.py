"""FILM for inference on a GPU: the network as it is, in half precision, channels last.

Inputs, outputs and conventions are those of `film_cpu`. Flows stay in single precision, see
`film_net.FlowPredictor`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kinoloom.film.nets.film_net import FilmNet, PairAnalysis

_BYTES_PER_PIXEL = 6000
"""More than the plain network takes even in single precision (5,200, measured on a CPU)."""


class FilmGpu:
    """Runs a `FilmNet`; see `film.engines.film.Runner`.

    Args:
        net: the network, which is moved to the device.
        device: where it runs, as torch names it.
    """

    def __init__(self, net: FilmNet, device: str = "cuda") -> None:
        self.options = net.options
        self._device = torch.device(device)
        self._net: FilmNet = net.to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def analyse(
        self, first: NDArray[np.float32], second: NDArray[np.float32], halvings: int = 0
    ) -> PairAnalysis:
        """What does not depend on the time."""
        planes = [torch.from_numpy(picture).to(self._device) for picture in (first, second)]
        x0, x1 = (picture.permute(2, 0, 1)[None] for picture in planes)
        with torch.inference_mode(), self._half():
            return self._net.analyse(x0, x1, halvings)

    def frame_at(self, pair: PairAnalysis, t: float) -> NDArray[np.float32]:
        """The frame at t."""
        with torch.inference_mode(), self._half():
            return _pixels(self._net.frame_at(pair, t))

    def flows(self, pair: PairAnalysis) -> NDArray[np.float32]:
        """The motion from the first picture to the second, and back."""
        return np.stack([_pixels(pair.forward[0]), _pixels(pair.backward[0])])

    def tile_pixels(self, memory_bytes: int) -> int:
        """How many pixels fit into the GPU's free memory, whatever the host may use."""
        free, _ = torch.cuda.mem_get_info(self._device)
        return int(free * 9 // 10 // _BYTES_PER_PIXEL)

    def _half(self) -> AbstractContextManager[None]:
        return torch.autocast(self._device.type, torch.float16)


def _pixels(planes: Tensor) -> NDArray[np.float32]:
    """(1, C, H, W) to (H, W, C)."""
    pixels: NDArray[np.float32] = planes[0].permute(1, 2, 0).float().cpu().numpy()
    return np.ascontiguousarray(pixels)
