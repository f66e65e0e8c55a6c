"""The file formats that FFmpeg may read, and why others are refused.

Some demuxers open further files or network addresses that the content or the name of a file lists:
playlists, scripts, image sequences. A film from a stranger must not read other files of its user or
tell a server that it was opened, so only demuxers that read the given file alone are allowed.

Sources: FFmpeg 8.1, ffmpeg-formats (demuxers, `format_whitelist`), ffmpeg-protocols
(`protocol_whitelist`); libavformat/img2dec.c (file names that are patterns).
"""

from __future__ import annotations

import re
from pathlib import Path

from kinoloom.errors import UnsupportedMediaError
from kinoloom.media.limits import DECODER_OPTIONS

_CONTAINERS = (
    "mov matroska webm avi mpegts mpeg mpegvideo flv asf ogg mxf gxf dv nut ivf rm wtv nsv swf "
    "yuv4mpegpipe"
)
_STREAMS = (
    "h261 h263 h264 hevc vvc evc apv m4v vc1 vc1test av1 obu avs2 avs3 cavsvideo dirac dnxhd "
    "mjpeg mjpeg_2000 mpjpeg smjpeg"
)
_ANIMATIONS = "gif apng jpegxl_anim flic"
_PICTURES = (
    "bmp_pipe dpx_pipe exr_pipe gif_pipe hdr_pipe j2k_pipe jpeg_pipe jpegls_pipe jpegxl_pipe "
    "pam_pipe pbm_pipe pfm_pipe pgm_pipe png_pipe ppm_pipe qoi_pipe sgi_pipe sunrast_pipe "
    "tiff_pipe webp_pipe"
)
_SOUND = "aac ac3 aiff amr ape au caf dts eac3 flac mp3 tta w64 wav wv"

INPUT_OPTIONS = {
    **DECODER_OPTIONS,
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(
        " ".join((_CONTAINERS, _STREAMS, _ANIMATIONS, _PICTURES, _SOUND)).split()
    ),
}
"""Options of every file that FFmpeg opens for reading."""

_OPENS_OTHERS = ("concat", "dash", "hls", "imf", "mlv", "rtsp", "sap", "sdp", "vobsub")
_REFUSAL = "Format not on whitelist"
_PATTERN_CHARACTERS = frozenset("%*?{[")
_FORMATS_BY_SIGNATURE = (
    (re.compile(rb"GIF8"), "gif"),
    (re.compile(rb"\x89PNG"), "apng"),
    (re.compile(rb".{4}ftypavi[fs]", re.DOTALL), "mov"),
)
_SIGNATURE_BYTES = 12


def find_format(path: Path) -> str | None:
    """Return the format to read a file with; None lets FFmpeg detect it.

    FFmpeg takes a picture name such as `what?.gif` for the pattern of an image sequence, so
    the format of an animation with such a name is detected here.
    """
    if _PATTERN_CHARACTERS.isdisjoint(str(path)):
        return None
    with path.open("rb") as file:
        head = file.read(_SIGNATURE_BYTES)
    return next((name for sign, name in _FORMATS_BY_SIGNATURE if sign.match(head)), None)


def explain_refusal(path: Path, form: str, reason: str) -> UnsupportedMediaError | None:
    """Return the error for a file in a format that is not allowed, or None for another failure.

    Args:
        path: the file.
        form: FFmpeg's name of the format.
        reason: the message that FFmpeg logged.
    """
    if not reason.startswith(_REFUSAL):
        return None
    if form == "image2":  # FFmpeg's last guess, by the suffix
        if _PATTERN_CHARACTERS.isdisjoint(str(path)):
            return UnsupportedMediaError(
                f"{path} cannot be read: its content is not that of a picture or video.",
                hint="It may be damaged or truncated; copy or download it again.",
            )
        return UnsupportedMediaError(
            f"The name {path} is a pattern of an image sequence, and only one file is read.",
            hint="Pass the pictures themselves, or rename the file.",
        )
    if form in _OPENS_OTHERS:
        return UnsupportedMediaError(
            f"{path} is a playlist (FFmpeg's format '{form}'): it lists other files or network "
            "addresses, which are not opened.",
            hint="Pass the video itself, or save the stream as one file first.",
        )
    return UnsupportedMediaError(
        f"{path} cannot be used: FFmpeg detects the format '{form}', which is not supported.",
        hint="It may be damaged; convert an undamaged video to MP4 or MKV first.",
    )
