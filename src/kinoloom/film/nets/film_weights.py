"""Loading of FILM weights from a file: the official checkpoint in each of its common formats.

Supported, detected by content rather than by name: a TorchScript archive, a state dict saved by
torch (zip or legacy format), and safetensors; in any floating-point type; with the names and
shapes of `film_net`. Anything else raises a `WeightsError` that states the difference.

No code of a file runs: state dicts are read with weights_only, and TorchScript archives by
`film.nets.torchscript`, which reads their tensors and never executes them.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from kinoloom.errors import WeightsError
from kinoloom.film.cards import FILM
from kinoloom.film.nets.film_net import FilmNet, FilmOptions
from kinoloom.film.nets.torchscript import read_torchscript

_LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9"
"""First bytes of torch files that are not zip archives: a pickled magic number."""
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
    tensors = read_tensors(path)
    with torch.device("meta"):
        net = FilmNet(options)
    _check_tensors(tensors, net.state_dict(), path.name)
    net.load_state_dict({key: value.float() for key, value in tensors.items()}, assign=True)
    return net.eval()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a checkpoint as stored.

    Raises:
        WeightsError: the file does not exist, is not a checkpoint, or is damaged.
    """
    if not path.is_file():
        raise WeightsError(f"The weight file {path} does not exist.", hint=_HINT)
    with path.open("rb") as file:
        head = file.read(len(_LEGACY_MAGIC))
    try:
        tensors = _read_by_format(path, head)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path.name} contains Python objects besides tensors; loading them could run code.",
            hint="Save only the state dict, or use safetensors.",
        ) from error
    except WeightsError:
        raise
    except Exception as error:  # a damaged pickle raises any error
        raise WeightsError(f"{path.name} is damaged or truncated.", hint=_HINT) from error
    if not isinstance(tensors, Mapping) or not all(
        isinstance(value, Tensor) for value in tensors.values()
    ):
        raise WeightsError(
            f"{path.name} does not contain a state dict, a mapping of names to tensors.",
            hint=_HINT,
        )
    return {str(key): value for key, value in tensors.items()}


def _read_by_format(path: Path, head: bytes) -> object:
    if head[8:] == b"{":
        return load_file(path)
    if head.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any("/code/" in name for name in names):
            return read_torchscript(path)
        if any(name.endswith("/data.pkl") for name in names):
            return torch.load(path, map_location="cpu", weights_only=True)
    elif head == _LEGACY_MAGIC:
        return torch.load(path, map_location="cpu", weights_only=True)
    problem = "is empty" if not head else "is not a checkpoint"
    raise WeightsError(
        f"{path.name} {problem}; expected TorchScript, a torch state dict or safetensors.",
        hint=_HINT,
    )


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
