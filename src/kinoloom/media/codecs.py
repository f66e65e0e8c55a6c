"""What can be written: containers, the codecs each may hold, and how pictures lie in them.

In: a clip, its first frame, the suffix of the output and the user's wishes. Out: a `Plan`, which
says everything that an encoder has to know; or an error that says what is possible instead.

Conventions: a pixel format is chosen by two questions, whether the pictures are deep (more than
8 bits a sample) and whether they have alpha. HDR needs a deep format; where there is none it is
refused, for PQ or HLG in 8 bits shows bands. `--quality` runs from 0 (smallest) to 100 (best) and
maps linearly onto each encoder's own scale; without it each codec uses a setting whose loss is
hardly ever visible.

Sources: encoder options as documented by FFmpeg 8 (ffmpeg-codecs); code points of ITU-T H.273.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av
import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Clip, Colour, Frame
from kinoloom.errors import UsageError

_FALLBACK_RATE = Fraction(25)
_MOST_RATE = Fraction(500)


@dataclass(frozen=True)
class Codec:
    """A way to store pictures.

    Attributes:
        name: as given to `--codec`.
        encoder: as FFmpeg calls it.
        formats: FFmpeg's pixel format by (deep, alpha); a pair that is absent is not possible.
        options: of the encoder, always given.
        alpha_options: of the encoder, given for pictures with alpha.
        scale: the encoder's option that sets the quality, and its values at quality 0, at 100
            and without `--quality`; None where there is nothing to choose.
        step: width and height are multiples of this, in pixels.
        least_px: the smallest width and height.
        lossless: whether the decoded pictures equal those stored, in the pixel format stored.
        sound: the encoder of new sound that fits beside it, or "" for the container's.
        tag: the four-character code that players of MP4 and MOV want, or "" for FFmpeg's.
    """

    name: str
    encoder: str
    formats: Mapping[tuple[bool, bool], str]
    options: Mapping[str, str] = field(default_factory=dict)
    alpha_options: Mapping[str, str] = field(default_factory=dict)
    scale: tuple[str, int, int, int] | None = None
    step: int = 1
    least_px: int = 1
    lossless: bool = False
    sound: str = ""
    tag: str = ""

    def settings(self, quality: int | None, *, alpha: bool = False) -> dict[str, str]:
        """The encoder's options at a quality of 0..100, or None for the default.

        Raises:
            UsageError: a quality for a codec that has none.
        """
        options = {**self.options, **(self.alpha_options if alpha else {})}
        if self.scale is None:
            if quality is not None:
                raise UsageError(
                    f"{self.name} has no --quality"
                    + (": it is lossless." if self.lossless else "."),
                    hint="Leave --quality out, or choose another --codec.",
                )
            return options
        key, worst, best, usual = self.scale
        value = usual if quality is None else round(worst + (best - worst) * quality / 100)
        return {key: str(value), **options}


@dataclass(frozen=True)
class Container:
    """A kind of file.

    Attributes:
        form: as FFmpeg calls it.
        codecs: names of the codecs it may hold, the preferred one first.
        sound: the encoder of new sound, "" for a kind that has no sound.
        sounds: codecs of sound it may hold, as FFmpeg calls them; "pcm" stands for all kinds of
            PCM, an empty tuple for all codecs that there are.
        subtitles: subtitle codecs it holds; other text is converted to the first.
        options: of FFmpeg's writer.
        clock: the unit of its times in seconds, where the format fixes it.
    """

    form: str
    codecs: tuple[str, ...]
    sound: str = ""
    sounds: tuple[str, ...] = ()
    subtitles: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    clock: Fraction | None = None

    def holds_sound(self, codec: str) -> bool:
        """Whether packets of a sound codec may be copied into it."""
        return not self.sounds or codec.partition("_")[0] in self.sounds


@dataclass(frozen=True)
class Plan:
    """How the pictures of one clip are stored.

    Attributes:
        codec: the codec.
        pix_fmt: FFmpeg's name of the pixel format.
        alpha: whether that keeps an alpha channel.
        width, height: as stored, in pixels; the clip's, rounded up to the codec's step.
        rate: frames a second, for the encoder's rate control; nominal where times vary.
        constant: whether that rate is the true one of all frames.
        colour: what the stored numbers mean.
        pixel_aspect: width of a pixel over its height.
        takes_native: whether a decoder's frame of this format holds the same numbers.
        settings: options of the encoder.
    """

    codec: Codec
    pix_fmt: str
    alpha: bool
    width: int
    height: int
    rate: Fraction
    constant: bool
    colour: Colour
    pixel_aspect: Fraction
    takes_native: bool
    settings: Mapping[str, str]


_YUV420 = {(False, False): "yuv420p", (True, False): "yuv420p10le"}
_RGB = {
    (False, False): "bgr0",
    (False, True): "bgra",
    (True, False): "gbrp16le",
    (True, True): "gbrap16le",
}

CODECS = {
    codec.name: codec
    for codec in (
        Codec(
            "h264",
            "libx264",
            {(False, False): "yuv420p"},
            scale=("crf", 40, 4, 17),
            step=2,
        ),
        Codec(
            "h265",
            "libx265",
            _YUV420,
            options={"preset": "fast", "x265-params": "log-level=none"},
            scale=("crf", 42, 6, 19),
            step=2,
            least_px=16,
            tag="hvc1",
        ),
        Codec(
            "av1",
            "libsvtav1",
            _YUV420,
            options={"preset": "8"},
            scale=("crf", 60, 6, 22),
            least_px=4,
        ),
        Codec(
            "vp9",
            "libvpx-vp9",
            {(False, False): "yuv420p", (False, True): "yuva420p"},
            options={"deadline": "good", "cpu-used": "4", "row-mt": "1"},
            alpha_options={"auto-alt-ref": "0"},
            scale=("crf", 58, 4, 18),
        ),
        Codec(
            "prores",
            "prores_ks",
            {(True, False): "yuv422p10le", (True, True): "yuva444p10le"},
            alpha_options={"profile": "4"},
            scale=("profile", 0, 3, 3),
            sound="pcm_s24le",
        ),
        Codec("ffv1", "ffv1", _RGB, options={"level": "3"}, lossless=True, sound="flac"),
        Codec("gif", "gif", {(False, False): "pal8"}),
        Codec(
            "webp",
            "libwebp_anim",
            {(False, False): "bgra", (False, True): "bgra"},
            scale=("quality", 0, 100, 90),
        ),
        Codec(
            "apng",
            "apng",
            {
                (False, False): "rgb24",
                (False, True): "rgba",
                (True, False): "rgb48be",
                (True, True): "rgba64be",
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
    options={"movflags": "+faststart"},
)
VIDEO = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": replace(
        _MP4,
        form="mov",
        codecs=("h264", "h265", "prores"),
        sounds=("aac", "mp3", "ac3", "eac3", "alac", "pcm"),
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
    ),
    ".webm": Container(
        "webm",
        ("vp9", "av1"),
        sound="libopus",
        sounds=("opus", "vorbis"),
        subtitles=("webvtt",),
    ),
}
ANIMATED = {
    ".gif": Container("gif", ("gif",), options={"loop": "0"}, clock=Fraction(1, 100)),
    ".webp": Container("webp", ("webp",), options={"loop": "0"}, clock=Fraction(1, 1000)),
    ".png": Container("apng", ("apng",), options={"plays": "0"}),
    ".apng": Container("apng", ("apng",), options={"plays": "0"}),
    ".avif": Container("avif", ("av1",)),
}


def plan(
    clip: Clip, first: Frame, suffix: str, codec: str = "auto", quality: int | None = None
) -> Plan:
    """Decide how the pictures of `clip` are stored.

    What cannot be kept but may be given up (a row or column for an even size, bits beyond those
    of the format) is said in `clip.notes`.

    Args:
        clip: the clip to write.
        first: its first frame; tells whether there is alpha, and the decoder's format.
        suffix: a key of `VIDEO` or `ANIMATED`.
        codec: a name in `CODECS`, or "auto" for the first of the container that keeps all.
        quality: 0..100, or None for the codec's default.

    Raises:
        UsageError: the container does not hold this codec; alpha or HDR would be lost; the
            pictures are too small; a quality for a codec that has none.
    """
    held = [CODECS[name] for name in (VIDEO | ANIMATED)[suffix].codecs]
    if codec != "auto" and codec not in (item.name for item in held):
        raise UsageError(
            f"A {suffix} file cannot hold {codec}.",
            hint=f"It holds {' or '.join(item.name for item in held)}.",
        )
    asked = [item for item in held if codec in ("auto", item.name)]
    chosen, kept = _choose(clip, first, asked, suffix)
    size = _stored_size(clip, chosen)
    pix_fmt = _pixel_format(chosen, kept, first)
    colour = stored_colour(clip.colour, pix_fmt, chosen)
    return Plan(
        chosen,
        pix_fmt,
        kept[1],
        *size,
        rate=_nominal_rate(clip, first),
        constant=clip.rate is not None,
        colour=colour,
        pixel_aspect=clip.pixel_aspect,
        takes_native=colour == clip.colour and size == (clip.width, clip.height),
        settings=chosen.settings(quality, alpha=kept[1]),
    )


def stored_colour(colour: Colour, pix_fmt: str, codec: Codec) -> Colour:
    """What the numbers mean once pictures of `colour` lie in a pixel format.

    RGB formats keep primaries and transfer; RGB pictures that go into a YUV format take the
    matrix of BT.709 (BT.2020 for its primaries) in limited range.
    """
    if av.VideoFormat(pix_fmt).is_rgb or pix_fmt == "pal8":
        return replace(colour, matrix=0, full_range=True)
    if colour.matrix == 0:
        return replace(colour, matrix=9 if colour.primaries == 9 else 1, full_range=False)
    return replace(colour, full_range=colour.full_range and codec.name != "prores")


def is_transparent(image: Picture) -> bool:
    """Whether anything shines through a picture."""
    if image.shape[2] == 3:
        return False
    top = 1.0 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    return bool(image[..., 3].min() < top)


def _choose(
    clip: Clip, first: Frame, asked: list[Codec], suffix: str
) -> tuple[Codec, tuple[bool, bool]]:
    """The first codec that keeps depth and alpha, else one that loses bits only.

    A channel of alpha that hides nothing in the first frame may be left out.
    """
    deep, transparent = clip.bits > 8, is_transparent(first.image)
    alphas = [True] if transparent else [True, False] if first.image.shape[2] == 4 else [False]
    for depth in (deep, not deep):
        for codec in asked:
            for alpha in alphas:
                if (depth, alpha) in codec.formats:
                    if deep and not depth:
                        _give_up_depth(clip, codec, suffix)
                    return codec, (depth, alpha)
    raise UsageError(
        f"The pictures have transparent parts, which {_called(asked, suffix)} cannot keep.",
        hint=f"Write {_that_keep(deep=deep, alpha=True)}, or a folder of PNG files.",
    )


def _give_up_depth(clip: Clip, codec: Codec, suffix: str) -> None:
    if clip.colour.is_hdr:
        raise UsageError(
            f"The pictures are HDR, which {codec.name} in a {suffix} file cannot keep.",
            hint=f"Write {_that_keep(deep=True, alpha=False)}.",
        )
    clip.notes.add(
        "depth",
        f"The source has {clip.bits} bits a sample; {codec.name} in a {suffix} file stores 8.",
        "warning",
    )


def _called(asked: list[Codec], suffix: str) -> str:
    return asked[0].name if len(asked) == 1 else f"a {suffix} file"


def _that_keep(*, deep: bool, alpha: bool) -> str:
    """All pairs of suffix and codec that keep what is wished, in words."""
    pairs = [
        f"{suffix} with --codec {name}" if len(container.codecs) > 1 else suffix
        for suffix, container in (VIDEO | ANIMATED).items()
        for name in container.codecs
        if (deep, alpha) in CODECS[name].formats
    ]
    return " or ".join(pairs)


def _pixel_format(codec: Codec, kept: tuple[bool, bool], first: Frame) -> str:
    """The codec's format for depth and alpha; FFV1 keeps the decoder's own where it can."""
    native = native_format(first.native)
    formats = av.Codec(codec.encoder, "w").video_formats or []
    if codec.name == "ffv1" and native in {item.name for item in formats}:
        return native
    return codec.formats[kept]


def native_format(native: object) -> str:
    """The pixel format of a decoder's frame, "" for anything else.

    FFmpeg's old names for full-range YUV ("yuvj420p") are given as the plain ones, for the
    range is a matter of `Colour`.
    """
    if not isinstance(native, av.VideoFrame):
        return ""
    return native.format.name.replace("yuvj", "yuv")


def _stored_size(clip: Clip, codec: Codec) -> tuple[int, int]:
    if min(clip.width, clip.height) < codec.least_px:
        raise UsageError(
            f"{codec.name} takes pictures of at least {codec.least_px}x{codec.least_px} pixels, "
            f"not {clip.width}x{clip.height}.",
            hint="Choose another --codec, or a folder of PNG files.",
        )
    width, height = (size + -size % codec.step for size in (clip.width, clip.height))
    if (width, height) != (clip.width, clip.height):
        clip.notes.add(
            "size",
            f"{codec.name} needs even sizes: {clip.width}x{clip.height} is stored as "
            f"{width}x{height}, the last row or column repeated.",
        )
    return width, height


def _nominal_rate(clip: Clip, first: Frame) -> Fraction:
    rate = clip.rate or (1 / first.duration if first.duration else _FALLBACK_RATE)
    return min(rate, _MOST_RATE)
