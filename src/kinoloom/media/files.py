"""Read and write clips: the media interface for the rest of kinoloom.

The reader depends on the content of the files, the writer on the suffix of the output:

    .mp4 .m4v .mov .mkv .webm         a video with sound, subtitles, chapters and tags
    .gif .webp .png .apng .avif       an animated picture
    no suffix, or a folder            a folder of numbered PNG files
    -                                 standard output, as y4m, for another program in a pipe

Photos that are edited one by one keep their own format, in a file or a folder like that of theirs.

The provenance record is stored in the output, or next to it as `<name>.provenance.json` if the
format has no place for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kinoloom.base.budget import Budget, EstimateWriting
from kinoloom.base.clip import Clip
from kinoloom.base.files import Progress, Written, no_progress
from kinoloom.base.options import build, option
from kinoloom.base.outputs import check_not_input, check_output
from kinoloom.errors import InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.media.write_options import (
    STDOUT,
    WriteOptions,
    WrittenClip,
    describe_written,
    sidecar_path,
)

if TYPE_CHECKING:
    from fractions import Fraction

    from kinoloom.media.video.pieces import GrowingFilm

PathLike = str | Path


@dataclass(frozen=True)
class ReadOptions:
    """How a clip is read."""

    order: Literal["given", "time"] = option(
        "given", "order of photos: as given, or by capture time"
    )
    deinterlace: Literal["auto", "on", "off"] = option(
        "auto", "Videos: convert interlaced and telecined video to progressive frames"
    )


@dataclass(frozen=True)
class ReadEachOptions:
    """How a clip is read whose photos are processed one by one."""

    deinterlace: Literal["auto", "on", "off"] = option(
        "auto", "Videos: convert interlaced and telecined video to progressive frames"
    )


@dataclass(frozen=True)
class ClipFiles:
    """Reads and writes clips; implements `base.files.Files`."""

    read_options: type = ReadOptions
    each_options: type = ReadEachOptions
    write_options: type = WriteOptions

    def read(self, paths: Sequence[Path], options: ReadOptions) -> Clip:
        """Return one video, or one or more photos, as a clip.

        Raises:
            UsageError: no files, several videos, or photos and videos together.
            MediaError: a file does not exist, is damaged or is not media.
        """
        return self.read_within(paths, options, None)

    def estimate_writing(self, path: Path, options: WriteOptions) -> EstimateWriting:
        """Return the estimate for writing to `path`; see `base.files.Budgeted`."""
        from kinoloom.media.memory import choose_likely_codec, estimate_encoding

        def estimate(width: int, height: int, bits: int, frames: int | None) -> int:
            codec = choose_likely_codec(path.suffix.lower(), options.codec, bits)
            return estimate_encoding(codec, width, height, bits, frames)

        return estimate

    def read_within(
        self, paths: Sequence[Path], options: ReadOptions, budget: Budget | None
    ) -> Clip:
        """Read as `read`, within a memory budget; see `base.files.Budgeted`.

        Raises:
            UsageError, MediaError: as `read`.
        """
        if not paths:
            raise UsageError("No input files.", hint="Pass one video, or photos in order.")
        photos = [_is_photo(path) for path in paths]
        if all(photos):
            from kinoloom.media.photo.reading import open_photos

            return open_photos(paths, options.order, budget)
        from kinoloom.media.video.reading import open_video

        if len(paths) > 1:
            odd = paths[photos.index(False)]
            open_video(odd)  # raises if it is not media
            raise UsageError(
                f"{odd} is a video; several files must all be photos.",
                hint="Pass a single video, or photos only.",
            )
        return open_video(paths[0], budget, options.deinterlace)

    def read_each(self, paths: Sequence[Path], options: ReadOptions, budget: Budget | None) -> Clip:
        """Return one video, or photos and folders of photos; see `base.files.ReadsEach`.

        Raises:
            UsageError, MediaError: as `read`; or a folder has no photos.
        """
        if len(paths) == 1 and not paths[0].is_dir() and not _is_photo(paths[0]):
            return self.read_within(paths, ReadOptions(deinterlace=options.deinterlace), budget)
        from kinoloom.media.photo.editing import open_each_photo

        return open_each_photo(paths, budget)

    def write(
        self,
        value: Clip,
        path: Path,
        options: WriteOptions,
        progress: Progress = no_progress,
    ) -> Written:
        """Write a clip, completely or not at all; of a folder of photos, each of them.

        Args:
            value: the clip.
            path: the output; its suffix determines the format.
            options: how it is written.
            progress: called with the number of finished frames.

        Returns:
            Its data has output, frames, duration_s (None without times), width and height in
            pixels, rate ("30000/1001", or None if it varies), codec, hdr (the HDR metadata
            stored, or None), bytes (of everything written; None for a pipe) and seconds (of
            writing). For edited photos see `photo.editing.writing.write_photos`.

        Raises:
            UsageError: an unknown suffix, or an option that the format does not support.
            OutputExistsError, OutputError: as `base.outputs.check_output`; the output is a file
                that the clip reads; the disk is full.
        """
        begun = time.monotonic()
        if value.keeps_format and path != STDOUT:
            from kinoloom.media.photo.editing import write_photos

            return write_photos(value, path, options, progress)
        check_not_input(path, value.files)
        written = _write(value, path, options, progress)
        return describe_written(value, path, written, begun, overwrite=options.overwrite)

    def growing(
        self, value: Clip, path: Path, options: WriteOptions, piece_s: Fraction
    ) -> GrowingFilm:
        """Return a video that is written in pieces; see `base.files.Pieces`.

        Raises:
            UsageError, OutputError: as `pieces.GrowingFilm`.
        """
        from kinoloom.media.video.pieces import GrowingFilm

        check_not_input(path, value.files)
        return GrowingFilm(value, path, options, piece_s)

    def write_piece(self, value: Clip, piece: Mapping[str, Any], folder: Path) -> None:
        """Write one piece of a video; see `base.files.Pieces`.

        Raises:
            KinoloomError: as `write`.
        """
        from kinoloom.media.video.pieces import write_piece

        write_piece(value, piece, folder)


CLIP_FILES = ClipFiles()


def read(
    paths: PathLike | Iterable[PathLike], budget: Budget | None = None, **options: Any
) -> Clip:
    """Read one video, or one or more photos, as a clip.

    Args:
        paths: one or more files.
        budget: the memory budget of the job; None for no limit.
        **options: fields of `ReadOptions`.

    Raises:
        UsageError, MediaError: as `ClipFiles.read`.
    """
    several = [paths] if isinstance(paths, str | Path) else list(paths)
    files, built = [Path(path) for path in several], build(ReadOptions, options)
    return CLIP_FILES.read_within(files, built, budget)


def write(clip: Clip, path: PathLike, **options: Any) -> dict[str, Any]:
    """Write a clip to a file or folder; see the head of this module for the formats.

    Args:
        clip: the clip.
        path: the output.
        **options: fields of `WriteOptions`.

    Returns:
        A description of the output; see `ClipFiles.write`.

    Raises:
        UsageError, OutputError: as `ClipFiles.write`.
    """
    return dict(CLIP_FILES.write(clip, Path(path), build(WriteOptions, options)).data)


def _is_photo(path: Path) -> bool:
    from kinoloom.media.photo.reading import is_photo

    if path.is_dir():
        raise UnreadableMediaError(
            f"{path} is a folder.", hint=f"Pass the files in it, for example {path}/*.png."
        )
    if not path.exists():
        raise InputNotFoundError(
            f"The file {path} does not exist.", hint="Check its name and folder."
        )
    return is_photo(path)


def _write(clip: Clip, path: Path, options: WriteOptions, progress: Progress) -> WrittenClip:
    """Write the clip with the writer for its suffix."""
    if path == STDOUT:
        from kinoloom.media.container.y4m import write_y4m

        return write_y4m(clip, options, progress)
    from kinoloom.media.video.codecs import ANIMATED, VIDEO

    suffix = path.suffix.lower()
    if path.is_dir() or not suffix:
        from kinoloom.media.photo.folders import write_folder

        return write_folder(clip, path, options, progress)
    if suffix not in VIDEO | ANIMATED:
        raise UsageError(
            f"Unknown suffix '{path.suffix}': expected {', '.join(VIDEO | ANIMATED)}.",
            hint="A name without a suffix writes a folder of PNG files.",
        )
    if clip.stills:
        raise UsageError(
            "Photos have no times, so they cannot be written as a video.",
            hint="Turn them into a film with interpolate, or write a folder of PNG files.",
        )
    if suffix in VIDEO:
        from kinoloom.media.video.writing import write_video

        return write_video(clip, path, options, progress)
    from kinoloom.media.animation.writing import write_animated

    check_output(sidecar_path(path), overwrite=options.overwrite)
    return write_animated(clip, path, options, progress)
