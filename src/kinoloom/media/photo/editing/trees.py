"""Folders of photos, mirrored: which files are photos, where their outputs go, which are finished.

In: files and folders. Out: a folder with the same relative paths. One file that fails does not stop
the others; it is reported.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kinoloom.base.files import Progress, no_progress
from kinoloom.base.outputs import name_output_errors
from kinoloom.base.provenance import Provenance
from kinoloom.errors import (
    InputNotFoundError,
    KinoloomError,
    MediaError,
    OutputExistsError,
    UnreadableMediaError,
    UsageError,
    describe_cause,
)
from kinoloom.media.photo.editing.encoding import SUFFIXES
from kinoloom.media.photo.editing.opening import read_skeleton
from kinoloom.media.photo.editing.xmp import find_record
from kinoloom.media.photo.formats import detect_format
from kinoloom.media.photo.reading import load, translate_errors
from kinoloom.media.write_options import sidecar_path

_HEAD_BYTES = 64
_FALLBACK = ".png"
"""The suffix of outputs whose input has a format that cannot be written."""
_STOPS_ALL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
_REMOVED_SUFFIXES = (".heic", ".heif", ".hif", ".bmp", ".gif")


@dataclass(frozen=True)
class TreePhoto:
    """A photo of a tree.

    Attributes:
        source: the file.
        target: its output.
    """

    source: Path
    target: Path


@dataclass(frozen=True)
class Failure:
    """A photo that could not be processed, and why."""

    photo: TreePhoto
    error: KinoloomError


@dataclass
class TreeReport:
    """What happened to the photos of a tree.

    Attributes:
        done: photos whose output was written.
        finished: photos whose output existed already, from the same work on the same content.
        failed: photos without an output.
    """

    done: list[TreePhoto] = field(default_factory=list)
    finished: list[TreePhoto] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class PhotoTree:
    """Photos and their outputs.

    Attributes:
        out: the folder of the outputs.
        photos: in the order of their paths.
    """

    out: Path
    photos: tuple[TreePhoto, ...]

    def process(
        self,
        describe: Callable[[TreePhoto], Provenance],
        work: Callable[[TreePhoto, Provenance], None],
        *,
        resume: bool = False,
        overwrite: bool = False,
        progress: Progress = no_progress,
    ) -> TreeReport:
        """Process each photo; one that fails is reported, and the next one follows.

        Args:
            describe: returns how the output of a photo is made.
            work: writes the output of a photo; its folder exists.
            resume: whether photos whose output has the same provenance key are omitted.
            overwrite: whether existing outputs are replaced.
            progress: called with the number of photos that have ended.

        Raises:
            OutputExistsError: outputs exist and neither `resume` nor `overwrite` is set.
            OutputError: no output can be written, for example because the disk is full.
        """
        if not resume and not overwrite:
            self._check_outputs()
        report = TreeReport()
        for number, photo in enumerate(self.photos):
            progress(number, len(self.photos))
            try:
                provenance = describe(photo)
                if resume and read_key(photo.target) == provenance.key:
                    report.finished.append(photo)
                    continue
                with name_output_errors(photo.target):
                    photo.target.parent.mkdir(parents=True, exist_ok=True)
                work(photo, provenance)
                report.done.append(photo)
            except KinoloomError as error:
                if _stops_all(error):
                    raise
                report.failed.append(Failure(photo, error))
        progress(len(self.photos), len(self.photos))
        return report

    def _check_outputs(self) -> None:
        existing = [photo.target for photo in self.photos if photo.target.exists()]
        if existing:
            raise OutputExistsError(
                f"{len(existing)} of {len(self.photos)} outputs already exist, such as "
                f"{existing[0]}.",
                hint="Add --resume to keep those that are finished, or --overwrite.",
            )


def list_photos(places: Sequence[Path]) -> dict[Path, Path]:
    """Return the photos in files and folders by their paths in a folder of outputs.

    In a folder, a photo is recognised by its content, or by its suffix, so that damaged ones are
    reported; other files, hidden ones, and links to folders are omitted. An output has the path of
    its photo relative to the input folder; HEIC, BMP and GIF become PNG.

    Args:
        places: files and folders.

    Raises:
        UsageError: no photos, or two with the same output.
        InputNotFoundError: an input does not exist.
        UnreadableMediaError: a folder cannot be read.
    """
    sources: dict[Path, Path] = {}
    for place in places:
        if not place.exists():
            raise InputNotFoundError(
                f"The input {place} does not exist.", hint="Check its name and folder."
            )
        for path, relative in _list_files(place):
            if path != place and not _looks_like_photo(path):
                continue
            if relative in sources:
                raise UsageError(
                    f"{sources[relative]} and {path} would have the same output {relative}.",
                    hint="Process the folders one after the other.",
                )
            sources[relative] = path
    if not sources:
        raise UsageError("No photos found.", hint=f"Expected files like {', '.join(SUFFIXES)}.")
    names = set(sources)
    return {_name_output(path, relative, names): path for relative, path in sorted(sources.items())}


def plan_tree(names: Sequence[Path], sources: Sequence[Path], out: Path) -> PhotoTree:
    """Return the outputs of photos in a folder.

    Args:
        names: the path of each output below `out`.
        sources: the photos; those inside `out` are outputs of an earlier run, and omitted.
        out: the folder of the outputs; it need not exist.

    Raises:
        UsageError: no photos are left.
    """
    inside = out.resolve()
    photos = [
        TreePhoto(source, out / name)
        for name, source in zip(names, sources, strict=True)
        if not source.resolve().is_relative_to(inside)
    ]
    if not photos:
        raise UsageError(
            f"The output folder {out} is the input folder.", hint="Choose another name."
        )
    return PhotoTree(out, tuple(photos))


def read_key(path: Path) -> str:
    """Return the key of the provenance record of a photo or next to it; "" if there is none."""
    with suppress(MediaError), translate_errors(path):
        kind, data = load(path)
        for block in read_skeleton(kind, data).blocks:
            if block.kind == "xmp" and (key := find_record(block.data)[1]):
                return key
    with suppress(OSError, ValueError, KeyError, TypeError):
        if path.is_file():
            record = json.loads(sidecar_path(path).read_text("utf-8"))
            return str(record["key"])
    return ""


def _list_files(place: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each file of an input, and its path relative to it."""
    if not place.is_dir():
        yield place, Path(place.name)
        return
    waiting = [place]
    while waiting:
        folder = waiting.pop()
        for entry in _list_entries(folder):
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                if not entry.is_symlink():
                    waiting.append(entry)
            elif entry.is_file():
                yield entry, entry.relative_to(place)


def _list_entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UnreadableMediaError(
            f"The folder {folder} cannot be read: {describe_cause(error)}.",
            hint="Check its permissions, or pass the readable folders.",
        ) from error


def _looks_like_photo(path: Path) -> bool:
    if path.suffix.lower() in SUFFIXES:
        return True
    with suppress(OSError), path.open("rb") as file:
        return bool(detect_format(file.read(_HEAD_BYTES)))
    return False


def _name_output(path: Path, relative: Path, names: set[Path]) -> Path:
    """Return the relative path of an output, with a suffix that can be written."""
    if path.suffix.lower() in SUFFIXES:
        return relative
    if path.suffix.lower() in _REMOVED_SUFFIXES:
        replaced = relative.with_suffix(_FALLBACK)
        if replaced not in names:
            return replaced
    return relative.with_name(f"{relative.name}{_FALLBACK}")


def _stops_all(error: KinoloomError) -> bool:
    """Whether an error would be the same for every photo."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _STOPS_ALL
