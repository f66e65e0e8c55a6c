"""Output formats: containers, and the codecs that each of them supports.

Conventions: a codec's pixel format depends on whether the pictures are deep (more than 8 bits per
sample) and whether they have alpha. `--quality` ranges from 0 (smallest file) to 100 (best picture)
and maps linearly to each encoder's own scale; the default of each codec is visually lossless for
most content.

Sources: encoder options as documented by FFmpeg 8 (ffmpeg-codecs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from kinoloom.errors import UsageError


@dataclass(frozen=True)
class Codec:
    """A video codec.

    Attributes:
        name: as passed to `--codec`.
        encoder: FFmpeg's name of the encoder.
        formats: FFmpeg's pixel formats by (deep, alpha), coarse chroma first; unsupported pairs are
            absent. The first is for sources without chroma.
        options: encoder options, always passed.
        format_options: encoder options by pixel format.
        scale: the encoder option that sets the quality, and its values at quality 0, at quality
            100 and by default; None if the quality cannot be chosen.
        step: width and height must be multiples of this, in pixels.
        min_px: smallest width and height.
        lossless: whether decoding returns the encoded samples exactly, in the pixel format stored.
        sound: encoder for sound that cannot be copied, or "" for the container's.
        tags: the four-character codes that players expect, by profile if there are several; empty
            for FFmpeg's.
    """

    name: str
    encoder: str
    formats: Mapping[tuple[bool, bool], tuple[str, ...]]
    options: Mapping[str, str] = field(default_factory=dict)
    format_options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    scale: tuple[str, int, int, int] | None = None
    step: int = 1
    min_px: int = 1
    lossless: bool = False
    sound: str = ""
    tags: tuple[str, ...] = ()

    def find_tag(self, settings: Mapping[str, str]) -> str:
        """Return the four-character code for encoder options, "" for FFmpeg's."""
        return self.tags[int(settings.get("profile", 0))] if self.tags else ""

    def settings(self, quality: int | None, pix_fmt: str = "") -> dict[str, str]:
        """Return the encoder options for a quality of 0..100, or None for the default.

        Args:
            quality: 0..100, or None.
            pix_fmt: one of `formats`.

        Raises:
            UsageError: the codec has no quality setting.
        """
        options = {**self.options, **self.format_options.get(pix_fmt, {})}
        if self.scale is None:
            if quality is not None:
                raise UsageError(
                    f"{self.name} has no --quality"
                    + (": it is lossless." if self.lossless else "."),
                    hint="Omit --quality, or choose another --codec.",
                )
            return options
        key, worst, best, usual = self.scale
        value = usual if quality is None else round(worst + (best - worst) * quality / 100)
        return {key: str(value), **options}


@dataclass(frozen=True)
class Container:
    """A file format.

    Attributes:
        form: FFmpeg's name of the format.
        codecs: names of the supported video codecs, the preferred one first.
        sound: encoder for sound that cannot be copied; "" for a format without sound.
        sounds: FFmpeg's names of the supported audio codecs; "pcm" is any kind of PCM, and an
            empty tuple is any codec.
        subtitles: subtitle codecs it holds; other text is converted to the first.
        record_tags: names under which it keeps a provenance record; the first free one is taken.
        options: of FFmpeg's writer.
        clock: the unit of its times in seconds, where the format fixes it and frames are
            written as they come.
        covers: how it stores cover art: as a "stream", as an "attachment", or not at all.
        stores_hdr: whether it has a place for static HDR metadata.
    """

    form: str
    codecs: tuple[str, ...]
    sound: str = ""
    sounds: tuple[str, ...] = ()
    subtitles: tuple[str, ...] = ()
    record_tags: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    clock: Fraction | None = None
    covers: Literal["stream", "attachment", ""] = ""
    stores_hdr: bool = False

    @property
    def name(self) -> str:
        """The name of the format for people."""
        return {"matroska": "Matroska", "webm": "WebM"}.get(self.form, self.form.upper())

    def holds_sound(self, codec: str) -> bool:
        """Whether packets of an audio codec can be copied into it."""
        return not self.sounds or codec.partition("_")[0] in self.sounds


_YUV = ("yuv420p", "yuv422p", "yuv444p")
_YUV10 = ("yuv420p10le", "yuv422p10le", "yuv444p10le")
_RGB = {
    (False, False): ("bgr0",),
    (False, True): ("bgra",),
    (True, False): ("gbrp16le",),
    (True, True): ("gbrap16le",),
}
_PRORES_4444 = "4"

CODECS = {
    codec.name: codec
    for codec in (
        Codec(
            "h264",
            "libx264",
            {(False, False): _YUV},
            options={"x264-params": "cpu-independent=1"},  # else pictures depend on the CPU
            scale=("crf", 40, 4, 17),
            step=2,
        ),
        Codec(
            "h265",
            "libx265",
            {(False, False): _YUV, (True, False): _YUV10},
            options={"preset": "fast", "x265-params": "log-level=none"},
            scale=("crf", 42, 6, 17),
            step=2,
            min_px=16,
            tags=("hvc1",),
        ),
        Codec(
            "av1",
            "libsvtav1",
            {(False, False): ("yuv420p",), (True, False): ("yuv420p10le",)},
            options={"preset": "8"},
            scale=("crf", 60, 6, 22),
            min_px=4,
        ),
        Codec(
            "vp9",
            "libvpx-vp9",
            {(False, False): _YUV, (False, True): ("yuva420p",)},
            options={"deadline": "good", "cpu-used": "4", "row-mt": "1"},
            format_options={"yuva420p": {"auto-alt-ref": "0"}},
            scale=("crf", 58, 4, 18),
        ),
        Codec(
            "prores",
            "prores_ks",
            {(True, False): ("yuv422p10le", "yuv444p10le"), (True, True): ("yuva444p10le",)},
            format_options={
                "yuv444p10le": {"profile": _PRORES_4444},
                "yuva444p10le": {"profile": _PRORES_4444},
            },
            scale=("profile", 0, 3, 3),
            tags=("apco", "apcs", "apcn", "apch", "ap4h"),
            sound="pcm_s24le",
        ),
        Codec("ffv1", "ffv1", _RGB, options={"level": "3"}, lossless=True, sound="flac"),
        Codec("gif", "gif", {(False, False): ("pal8",)}),
        Codec(
            "webp",
            "libwebp_anim",
            {(False, False): ("bgra",), (False, True): ("bgra",)},
            scale=("quality", 0, 100, 90),
        ),
        Codec(
            "apng",
            "apng",
            {
                (False, False): ("rgb24",),
                (False, True): ("rgba",),
                (True, False): ("rgb48be",),
                (True, True): ("rgba64be",),
            },
            lossless=True,
        ),
    )
}

_MP4 = Container(
    "mp4",
    ("h264", "h265", "av1"),
    sound="aac",
    sounds=("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"),
    subtitles=("mov_text",),
    record_tags=("comment", "description", "synopsis"),
    options={"movflags": "+faststart"},
    covers="stream",
    stores_hdr=True,
)
VIDEO = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": replace(
        _MP4,
        form="mov",
        codecs=("h264", "h265", "prores"),
        sounds=("aac", "mp3", "ac3", "eac3", "alac", "pcm"),
        covers="",
        record_tags=("comment",),
    ),
    ".mkv": Container(
        "matroska",
        ("h264", "h265", "ffv1", "vp9", "av1", "prores"),
        sound="libopus",
        subtitles=(
            "subrip",
            "ass",
            "webvtt",
            "hdmv_pgs_subtitle",
            "dvd_subtitle",
            "dvb_subtitle",
        ),
        record_tags=("KINOLOOM",),
        covers="attachment",
        stores_hdr=True,
    ),
    ".webm": Container(
        "webm",
        ("vp9", "av1"),
        sound="libopus",
        sounds=("opus", "vorbis"),
        subtitles=("webvtt",),
        record_tags=("KINOLOOM",),
        stores_hdr=True,
    ),
}
ANIMATED = {
    ".gif": Container("gif", ("gif",), options={"loop": "0"}),
    ".webp": Container("webp", ("webp",), options={"loop": "0"}, clock=Fraction(1, 1000)),
    ".png": Container("apng", ("apng",), options={"plays": "0"}),
    ".apng": Container("apng", ("apng",), options={"plays": "0"}),
    ".avif": Container("avif", ("av1",)),
}
