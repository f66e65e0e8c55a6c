"""FILM networks with seeded weights, and moving textures."""

import numpy as np
import torch
from numpy.typing import NDArray
from scenes import panning

from kinoloom.film.nets.film_net import FilmNet, FilmOptions

NARROW = FilmOptions(filters=4, flow_filters=(2, 4, 4, 6))
MEDIUM = FilmOptions(filters=16, flow_filters=(8, 16, 32, 64))


def random_film(options: FilmOptions | None = None) -> FilmNet:
    """Return a network with the weights of the conformance case, in the order of its names."""
    net = FilmNet(options).eval()
    with torch.no_grad():
        for number, tensor in enumerate(net.state_dict().values()):
            draw = np.random.Generator(np.random.PCG64(1000 + number))
            values = torch.from_numpy(draw.standard_normal(tuple(tensor.shape), np.float32))
            fan_in = tensor[0].numel()
            tensor.copy_(values * (np.sqrt(1.9 / fan_in) if tensor.ndim > 1 else 0.02))
    return net


def moving_pair(height: int, width: int, step: float = 5.0) -> list[NDArray[np.float32]]:
    """Return two float32 views of a texture, the second `step` px further right."""
    pictures = panning(2, step=step, size=(width, height))
    return [picture.astype(np.float32) / 255 for picture in pictures]


def planes(picture: NDArray[np.float32]) -> torch.Tensor:
    """Convert (H, W, 3) to (1, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))


def pixels(planes: torch.Tensor) -> NDArray[np.float32]:
    """Convert (1, C, H, W) to (H, W, C)."""
    return planes[0].detach().permute(1, 2, 0).numpy()
