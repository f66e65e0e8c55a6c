"""Checks of `kinoloom doctor` for media: encoders and photo formats."""

from __future__ import annotations

import av
from PIL import features

from kinoloom.base.checks import Check, check_extra

_ENCODERS = {
    "libx264": "H.264 in MP4, MOV and MKV",
    "libx265": "H.265, and video of more than 8 bits or HDR",
    "libsvtav1": "AV1, and animated AVIF",
    "libvpx-vp9": "VP9 in WebM",
    "prores_ks": "ProRes in MOV",
    "ffv1": "lossless FFV1 in MKV",
    "aac": "sound in MP4 and MOV that is re-encoded",
    "libopus": "sound in MKV and WebM that is re-encoded",
    "libwebp_anim": "animated WebP",
}
_PHOTOS = {"avif": "AVIF photos", "webp": "WebP photos", "littlecms2": "ICC profiles"}
_REINSTALL = "pip install --force-reinstall av"


def checks() -> list[Check]:
    """Check every encoder and photo format."""
    encoders = [_encoder(name, gives) for name, gives in _ENCODERS.items()]
    photos = [_photo_format(name, gives) for name, gives in _PHOTOS.items()]
    heic = check_extra("pillow_heif", extra="heic", needed_for="HEIC photos")
    return [*encoders, *photos, heic]


def _encoder(name: str, gives: str) -> Check:
    try:
        av.codec.Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        return Check(name, False, "not in this build of PyAV", gives, _REINSTALL)
    return Check(name, True, gives, gives)


def _photo_format(name: str, gives: str) -> Check:
    if features.check(name):
        return Check(name, True, gives, gives)
    return Check(name, False, "not in this build of Pillow", gives, "pip install --upgrade pillow")
