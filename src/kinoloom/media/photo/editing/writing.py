"""Write a clip of edited photos: one file, or a folder that mirrors those of the inputs.

In a folder, a photo that fails does not stop the others: it becomes a note of the clip, and the
next one follows. Photos whose output exists from the same work are omitted by `resume`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from kinoloom.base.clip import Clip
from kinoloom.base.files import Progress, Written
from kinoloom.base.provenance import Provenance
from kinoloom.errors import UsageError
from kinoloom.media.photo.editing.clips import EditedPhoto
from kinoloom.media.photo.editing.encoding import SUFFIXES
from kinoloom.media.photo.editing.saving import SavedPhoto, save_photo
from kinoloom.media.photo.editing.trees import PhotoTree, TreePhoto, TreeReport, plan_tree
from kinoloom.media.video.codecs import ANIMATED, VIDEO
from kinoloom.media.write_options import WriteOptions


def write_photos(clip: Clip, path: Path, options: WriteOptions, progress: Progress) -> Written:
    """Write each photo of a clip in the format of its file.

    Args:
        clip: of `edit_photos`.
        path: a file with the suffix of a photo, for one photo; otherwise a folder.
        options: `quality` is that of the compressed formats; `codec` is not for photos.
        progress: called with the number of finished photos.

    Returns:
        Its data has output, photos (written), finished (by an earlier run), failed (one object
        with file and error each), width and height (of the last one written), bytes and seconds.

    Raises:
        UsageError: several photos for one file, the name of a video, or a codec.
        KinoloomError: as `save_photo`; for a folder only if no photo could be written.
    """
    begun = time.monotonic()
    if options.codec != "auto":
        raise UsageError("Photos have no --codec.", hint="The suffix determines their format.")
    writer = _Writer(clip, options, progress)
    if path.suffix.lower() in SUFFIXES and not path.is_dir():
        if len(clip.files) != 1:
            raise UsageError(
                f"{len(clip.files)} photos cannot be written as the one file {path}.",
                hint="Name a folder, such as -o better/.",
            )
        writer.write(0, path, clip.record)
        return writer.describe(path, TreeReport([TreePhoto(clip.files[0], path)]), begun)
    if path.suffix.lower() in VIDEO | ANIMATED and not path.is_dir():
        raise UsageError(
            f"{path} is the name of a video, but the inputs are photos.",
            hint=f"Name a folder, such as -o better/, or a photo ({', '.join(SUFFIXES)}).",
        )
    tree = plan_tree(clip.names, clip.files, path)
    report = writer.write_tree(tree)
    return writer.describe(path, report, begun)


class _Writer:
    """Writes the photos of a clip, and notes what happened to them."""

    def __init__(self, clip: Clip, options: WriteOptions, progress: Progress) -> None:
        self.clip, self.options, self.progress = clip, options, progress
        self.saved: list[SavedPhoto] = []

    def write_tree(self, tree: PhotoTree) -> TreeReport:
        """Write all photos of a tree.

        Raises:
            KinoloomError: no photo could be written (the error of the first).
        """
        numbers = {source: index for index, source in enumerate(self.clip.files)}
        report = tree.process(
            lambda photo: replace(self.clip.record, inputs=(photo.source,)),
            lambda photo, record: self.write(numbers[photo.source], photo.target, record),
            resume=self.options.resume,
            overwrite=self.options.overwrite,
            progress=self.progress,
        )
        if report.failed and not report.done and not report.finished:
            raise report.failed[0].error
        for failure in report.failed:
            self.clip.notes.add("photo", str(failure.error), "error")
        if report.finished:
            count = _count(len(report.finished), "photo")
            self.clip.notes.add("resume", f"{count} had been finished by an earlier run.")
        return report

    def write(self, index: int, path: Path, record: Provenance) -> None:
        """Write one photo."""
        frame = next(self.clip.read(Fraction(index)))
        edited = frame.native
        assert isinstance(edited, EditedPhoto), "a clip of edit_photos"
        quality = self.options.quality
        saved = save_photo(
            edited.photo,
            edited.samples,
            path,
            alpha=edited.alpha,
            metadata=edited.metadata,
            quality=None if quality is None else max(quality, 1),
            provenance=record,
            overwrite=self.options.overwrite,
        )
        for remark in saved.remarks:
            self.clip.notes.add("photo", f"{edited.photo.path.name}: {remark}.", "warning")
        self.saved.append(saved)

    def describe(self, path: Path, report: TreeReport, begun: float) -> Written:
        """Describe what was written."""
        last = self.saved[-1] if self.saved else None
        seconds = time.monotonic() - begun
        data = {
            "output": str(path),
            "photos": len(report.done),
            "finished": len(report.finished),
            "failed": [
                {"file": str(one.photo.source), "error": one.error.message} for one in report.failed
            ],
            "width": last.width if last else None,
            "height": last.height if last else None,
            "removed": sorted({phrase for one in self.saved for phrase in one.removed}),
            "bytes": sum(one.path.stat().st_size for one in self.saved),
            "seconds": seconds,
        }
        return Written(path, tuple(_list_facts(self.saved, report, seconds)), data)


def _list_facts(saved: Sequence[SavedPhoto], report: TreeReport, seconds: float) -> list[str]:
    facts = []
    if len(saved) == 1:
        facts += [f"{saved[0].width}x{saved[0].height}", saved[0].kind]
    else:
        facts += [_count(len(saved), "photo")]
    if report.failed:
        facts.append(f"{len(report.failed)} failed")
    return [*facts, f"{seconds:.1f} s to write"]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
