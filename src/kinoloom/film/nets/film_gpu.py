"""FILM for inference on a GPU: the plain network in half precision, channels-last.

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
"""More than the plain network needs even in single precision (5,200, measured on a CPU)."""
_USABLE_MEMORY_PERCENT = 90


class FilmGpu:
    """A `FilmNet` on a GPU; see `film.engines.film.Runner`.

    Args:
        net: the network, which is moved to the device.
        device: a torch device name.
    """

    def __init__(self, net: FilmNet, device: str = "cuda") -> None:
        self.options = net.options
        self._device = torch.device(device)
        self._net: FilmNet = net.to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def analyse(
        self, first: NDArray[np.float32], second: NDArray[np.float32], halvings: int = 0
    ) -> PairAnalysis:
        """Compute everything that does not depend on the time."""
        planes = [torch.from_numpy(image).to(self._device) for image in (first, second)]
        x0, x1 = (image.permute(2, 0, 1)[None] for image in planes)
        with torch.inference_mode(), self._use_half_precision():
            return self._net.analyse(x0, x1, halvings)

    def render_frame(self, pair: PairAnalysis, t: float) -> NDArray[np.float32]:
        """Return the frame at t."""
        with torch.inference_mode(), self._use_half_precision():
            return _to_array(self._net.render_frame(pair, t))

    def read_flow(self, pair: PairAnalysis) -> NDArray[np.float32]:
        """Return the flow from first to second and the flow back."""
        return np.stack([_to_array(pair.forward[0]), _to_array(pair.backward[0])])

    def max_tile_pixels(self, memory_bytes: int) -> int:
        """Return how many pixels fit in the GPU's free memory; the host limit is ignored."""
        free, _ = torch.cuda.mem_get_info(self._device)
        return int(free * _USABLE_MEMORY_PERCENT // 100 // _BYTES_PER_PIXEL)

    def _use_half_precision(self) -> AbstractContextManager[None]:
        return torch.autocast(self._device.type, torch.float16)


def _to_array(planes: Tensor) -> NDArray[np.float32]:
    """Convert (1, C, H, W) to (H, W, C)."""
    pixels: NDArray[np.float32] = planes[0].permute(1, 2, 0).float().cpu().numpy()
    return np.ascontiguousarray(pixels)
