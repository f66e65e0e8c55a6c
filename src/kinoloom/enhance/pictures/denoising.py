"""A denoising network on whole pictures, in tiles, with a map of the noise that is given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.networks.denoiser import NetworkDenoiser
from kinoloom.enhance.networks.network import Floats
from kinoloom.enhance.pictures.stages import DenoiseStage, mix
from kinoloom.enhance.pictures.work import plan_tiles
from kinoloom.runtime.tiles import run_tiled


@dataclass(frozen=True)
class TiledDenoiser:
    """Denoises pictures by a network.

    Attributes:
        network: the network.
        memory_bytes: the most memory of a tile.
        strength: 0..1, the share of its result.
    """

    network: NetworkDenoiser
    memory_bytes: int
    strength: float = 1.0

    def __call__(self, picture: Floats, noise: Floats) -> Floats:
        """Return the denoised picture, (H, W, 3) float32, not clipped.

        Args:
            picture: (H, W, 3) float32, about 0..1.
            noise: (H, W) float32: standard deviation in the same unit.

        Raises:
            BudgetError: the smallest tile does not fit.
        """
        stage = DenoiseStage(self.network, Noise(0.0, 0.0, 0.0))
        tiling = plan_tiles((stage,), picture.shape, self.memory_bytes)
        result = np.empty_like(picture)

        def work(rows: slice, columns: slice) -> list[Floats]:
            tile = np.ascontiguousarray(picture[rows, columns])
            return [self.network(tile, noise[rows, columns])]

        run_tiled(tiling, [result], work)
        return mix(picture, result, self.strength)
