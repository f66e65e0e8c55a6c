"""Reads the weights of FILM from each file format in which the checkpoint is published.

Accepted, by content and not by file name: a TorchScript archive; a state dict saved by torch, as
zip or in the older format; safetensors. Any floating-point type, with the names and shapes of
`film_net`. Anything else is rejected with a `WeightsError` that states the difference.

Pickled code is never run: state dicts are read with weights_only, and torch.jit.load, which runs
no Python, is used for TorchScript archives only.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from kinoloom.errors import WeightsError
from kinoloom.film.cards import FILM
from kinoloom.film.nets.film_net import FilmNet, FilmOptions

_OLDER_FORM = b"\x80\x02\x8a\nl\xfc\x9cF\xf9"
"""First bytes of torch files that are not zip archives: a pickled magic number."""
_HINT = f"The published weights are at {FILM.url}"


def load_film(path: Path, options: FilmOptions | None = None) -> FilmNet:
    """Load a network with the weights of a file, in float32, ready for inference.

    Args:
        path: the file.
        options: of the network that the file is for; None for the published network.

    Raises:
        WeightsError: the file does not exist, is not a checkpoint, is damaged, or contains the
            weights of another network.
    """
    tensors = read_tensors(path)
    with torch.device("meta"):
        net = FilmNet(options)
    _check(tensors, net.state_dict(), path.name)
    net.load_state_dict({key: value.float() for key, value in tensors.items()}, assign=True)
    return net.eval()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a checkpoint, as they are stored.

    Raises:
        WeightsError: the file does not exist, is not a checkpoint, or is damaged.
    """
    if not path.is_file():
        raise WeightsError(f"{path} does not exist.", hint=_HINT)
    with path.open("rb") as file:
        head = file.read(len(_OLDER_FORM))
    try:
        tensors = _read(path, head)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path.name} contains Python objects besides tensors; they could run code, so it "
            "is not read.",
            hint="Save the state dict alone, or as safetensors.",
        ) from error
    except (RuntimeError, EOFError, SafetensorError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path.name} is damaged or incomplete.", hint=_HINT) from error
    if not isinstance(tensors, Mapping) or not all(
        isinstance(value, Tensor) for value in tensors.values()
    ):
        raise WeightsError(
            f"{path.name} does not contain a state dict, which maps names to tensors.", hint=_HINT
        )
    return {str(key): value for key, value in tensors.items()}


def _read(path: Path, head: bytes) -> object:
    if head[8:] == b"{":
        return load_file(path)
    if head.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any("/code/" in name for name in names):
            return _read_torchscript(path)
        if any(name.endswith("/data.pkl") for name in names):
            return torch.load(path, map_location="cpu", weights_only=True)
    elif head == _OLDER_FORM:
        return torch.load(path, map_location="cpu", weights_only=True)
    what = "is empty" if not head else "is not a checkpoint"
    raise WeightsError(
        f"{path.name} {what}; expected TorchScript, a torch state dict, or safetensors.",
        hint=_HINT,
    )


def _read_torchscript(path: Path) -> dict[str, Tensor]:
    with warnings.catch_warnings():
        # torch asks to export the program again; only its tensors are read here.
        warnings.simplefilter("ignore", DeprecationWarning)
        module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    tensors: dict[str, Tensor] = module.state_dict()
    return tensors


def _check(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], name: str) -> None:
    """Check that tensors are those of the network.

    Raises:
        WeightsError: names, shapes or types differ, or values are not finite.
    """
    faults = [f"{len(expected)} tensors expected, found {len(tensors)}"]
    missing = [key for key in expected if key not in tensors]
    unknown = [key for key in tensors if key not in expected]
    faults += [f"first missing: {missing[0]}"] if missing else []
    faults += [f"first unknown: {unknown[0]}"] if unknown else []
    if not missing and not unknown:
        faults = [fault for key in expected if (fault := _fault(key, tensors[key], expected[key]))]
    if faults:
        raise WeightsError(f"{name} does not contain FILM: {'; '.join(faults[:3])}.", hint=_HINT)


def _fault(key: str, tensor: Tensor, expected: Tensor) -> str:
    if tensor.shape != expected.shape:
        return f"{key} has shape {tuple(tensor.shape)}, expected {tuple(expected.shape)}"
    if not tensor.is_floating_point():
        return f"{key} has type {tensor.dtype}, expected floating point"
    return "" if bool(tensor.isfinite().all()) else f"{key} has NaN or infinite values"
