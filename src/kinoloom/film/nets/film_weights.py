"""Loading of FILM weights from a file: the official checkpoint in each of its common formats.

A file of any format of `learn.checkpointing.tensor_files`, in any floating-point type, with the
names and shapes of `film_net`. Anything else raises a `WeightsError` that states the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from kinoloom.errors import WeightsError
from kinoloom.film.cards import FILM
from kinoloom.film.nets.film_net import FilmNet, FilmOptions
from kinoloom.learn.checkpointing.tensor_files import read_tensors

_HINT = f"The published weights are at {FILM.url}"


def load_film(path: Path, options: FilmOptions | None = None) -> FilmNet:
    """Load a network from a file, in float32 and evaluation mode.

    Args:
        path: the file.
        options: hyper-parameters of the stored network; the published ones if None.

    Raises:
        WeightsError: the file does not exist, is not a checkpoint, is damaged, or contains
            another network.
    """
    tensors = read_tensors(path, _HINT)
    with torch.device("meta"):
        net = FilmNet(options)
    _check_tensors(tensors, net.state_dict(), path.name)
    net.load_state_dict({key: value.float() for key, value in tensors.items()}, assign=True)
    return net.eval()


def _check_tensors(
    tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], name: str
) -> None:
    """Check that the tensors are those of the network.

    Raises:
        WeightsError: names, shapes or types differ, or values are not finite.
    """
    faults = [f"{len(expected)} tensors expected, found {len(tensors)}"]
    missing = [key for key in expected if key not in tensors]
    unknown = [key for key in tensors if key not in expected]
    faults += [f"first missing: {missing[0]}"] if missing else []
    faults += [f"first unknown: {unknown[0]}"] if unknown else []
    if not missing and not unknown:
        found = (_find_fault(key, tensors[key], expected[key]) for key in expected)
        faults = [fault for fault in found if fault]
    if faults:
        raise WeightsError(f"{name} does not contain FILM: {'; '.join(faults[:3])}.", hint=_HINT)


def _find_fault(key: str, tensor: Tensor, expected: Tensor) -> str:
    if tensor.shape != expected.shape:
        return f"{key} has shape {tuple(tensor.shape)}, expected {tuple(expected.shape)}"
    if not tensor.is_floating_point():
        return f"{key} has dtype {tensor.dtype}, expected a floating-point type"
    return "" if bool(tensor.isfinite().all()) else f"{key} contains NaN or infinite values"
