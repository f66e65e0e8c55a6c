"""Models that a user adds: networks of supported families from the user's own files.

A model is a folder with NAME.onnx and card.json, which has its SHA-256, family and scale. It
appears completely or not at all. Which families are supported is declared by the subjects
(`recognizers` in their entries.py).
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from kinoloom.base import registry
from kinoloom.base.model import ModelCard
from kinoloom.base.outputs import name_output_errors
from kinoloom.base.outputs.sync import sync_file, sync_folder
from kinoloom.base.outputs.temporary import remove
from kinoloom.base.provenance import sha256
from kinoloom.errors import RegistryError, UsageError, WeightsError
from kinoloom.runtime.models.folders import added_folder

_CARD = "card.json"
_STAGING = ".new-"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_STORED = ("task", "summary", "source", "licence", "sha256", "parameters", "family", "scale")
"""The fields of a card that its file has."""


def list_cards() -> list[ModelCard]:
    """Load the cards of all models: built-in ones, those of other packages, and added ones.

    Raises:
        WeightsError: the card of an added model is damaged.
    """
    return [*(registry.load("cards", name) for name in registry.names("cards")), *_list_added()]


def load_card(name: str) -> ModelCard:
    """Load the card of a model, built-in or added.

    Raises:
        RegistryError: there is no model of that name.
        WeightsError: the card of an added model is damaged.
    """
    if name in registry.names("cards"):
        return registry.load("cards", name)  # type: ignore[no-any-return]
    if _is_added(name):
        return _read_card(added_folder() / name)
    try:
        return registry.load("cards", name)  # type: ignore[no-any-return]
    except RegistryError as error:
        added = [folder.name for folder in _folders()]
        hint = f"{error.hint} Added models: {', '.join(added)}." if added else error.hint
        raise RegistryError(error.message, hint=hint.lstrip()) from error


def add_model(name: str, file: Path) -> ModelCard:
    """Store a user's network under a name of its own.

    Args:
        name: 1 to 64 of a-z, 0-9, ".", "_" and "-", which no other model has.
        file: .onnx, .param or .bin of ncnn, or .pth, .pt or .safetensors of torch, of a family that
            a subject supports. It is converted to ONNX, and not used any more afterwards.

    Returns:
        The card of the stored model.

    Raises:
        UsageError: the name is not valid, or another model has it; or the file does not exist.
        WeightsError: the file is damaged, or contains a network that is not supported.
        MissingExtraError: torch, which reads its own files, is not installed.
        OutputError: the folder cannot be written to.
    """
    _check_name(name)
    if not file.is_file():
        raise UsageError(f"{file} does not exist or is not a file.")
    parent = added_folder()
    with name_output_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=parent))
        try:
            card = _stage(name, file, staging)
            staging.chmod(0o755)
            _publish(staging, parent / name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return replace(card, file=parent / name / f"{name}.onnx")


def remove_added(name: str) -> bool:
    """Remove an added model, also a damaged one; return whether there was one."""
    if not _is_added(name):
        return False
    folder = added_folder() / name
    with name_output_errors(folder):
        remove(folder)
    return True


def _check_name(name: str) -> None:
    """Check the name of a new model.

    Raises:
        UsageError: it is not valid, or is used.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' is not a valid model name: expected at most 64 of a-z, 0-9, '.', '_' and "
            "'-', a letter or digit first."
        )
    if name in registry.names("cards"):
        raise UsageError(
            f"'{name}' is the name of a model of kinoloom or of an installed package.",
            hint="Choose another name.",
        )
    if _is_added(name):
        raise _describe_used(name)


def _stage(name: str, file: Path, folder: Path) -> ModelCard:
    """Write the network and the card to a folder."""
    from kinoloom.runtime.onnx import OnnxModel  # late, so that the command line starts without it

    target = folder / f"{name}.onnx"
    card = _recognize(file, target)
    OnnxModel(target)  # rejects weights that are not finite, and control flow
    card = replace(card, name=name, weights="user", sha256=sha256(target))
    stored = {key: value for key, value in asdict(card).items() if key in _STORED}
    (folder / _CARD).write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    for path in (target, folder / _CARD):
        sync_file(path)
    return card


def _publish(staging: Path, folder: Path) -> None:
    try:
        staging.rename(folder)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        raise _describe_used(folder.name) from error  # another process was faster
    sync_folder(folder.parent)


def _describe_used(name: str) -> UsageError:
    return UsageError(
        f"There is a model '{name}' already.",
        hint=f"Choose another name, or run: kinoloom models remove {name}",
    )


def _recognize(file: Path, target: Path) -> ModelCard:
    """Return what the first subject that supports the network says.

    Raises:
        WeightsError: none supports it, with the reasons of all.
    """
    reasons = []
    for name in registry.names("recognizers"):
        try:
            card: ModelCard = registry.load("recognizers", name)(file, target)
        except WeightsError as error:
            reasons.append(error)
        else:
            return card
    text = " ".join(error.message for error in reasons)
    hint = next((error.hint for error in reasons if error.hint), "")
    raise WeightsError(text or f"No installed subject reads {file.name}.", hint=hint)


def _list_added() -> list[ModelCard]:
    return [_read_card(folder) for folder in _folders()]


def _folders() -> list[Path]:
    parent = added_folder()
    found = sorted(parent.iterdir()) if parent.is_dir() else []
    return [path for path in found if _NAME.fullmatch(path.name) and path.is_dir()]


def _is_added(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and (added_folder() / name).is_dir()


def _read_card(folder: Path) -> ModelCard:
    try:
        stored: dict[str, Any] = json.loads((folder / _CARD).read_text(encoding="utf-8"))
        return ModelCard(
            **{key: stored[key] for key in _STORED},
            name=folder.name,
            weights="user",
            file=folder / f"{folder.name}.onnx",
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"The card of the added model '{folder.name}' is damaged: {folder / _CARD}.",
            hint=f"Remove it with: kinoloom models remove {folder.name}",
        ) from error
