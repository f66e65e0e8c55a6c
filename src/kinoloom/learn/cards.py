"""Model cards of the networks that losses and metrics use."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.model import Archive, FetchedFile, FetchSource, Member, ModelCard

_STLPIPS = Archive(
    registry="pypi",
    package="stlpips-pytorch",
    version="0.0.2",
    file="stlpips_pytorch-0.0.2-py3-none-any.whl",
    sha256="a412bf901a97c942b37af57c7c63b6e5d1aebfe8d1dfc17853d4b2f878630645",
    size_bytes=63_807_084,
)

VGG16_ST = ModelCard(
    name="vgg16-st",
    task="train.film",
    summary="VGG-16 with blurred pooling: the metric ST-LPIPS and perceptual losses",
    source="Ghildyal & Liu, Shift-tolerant perceptual similarity metric, ECCV 2022",
    licence="BSD-2-Clause",
    weights="fetched",
    fetch=FetchSource(
        version="0.0.2",
        files=(
            FetchedFile(
                name="vgg_shift_tolerant.pth",
                sha256="44597da68f49c1837c100ff52299050f274d102eb102e5837178c79be6f0e250",
                size_bytes=58_907_298,
                parts=(Member(_STLPIPS, "stlpips_pytorch/weights/vST0.0/vgg_shift_tolerant.pth"),),
            ),
        ),
        licence=Path(__file__).parent / "losses" / "LICENSE.stlpips",
    ),
    parameters=14_716_160,
    trained_on="ImageNet and the BAPPS data set (by its authors)",
)

VGG19 = ModelCard(
    name="vgg19",
    task="train.film",
    summary="VGG-19, the features of FILM's own losses, with user-supplied weights",
    source="Simonyan & Zisserman, Very deep convolutional networks, ICLR 2015, arXiv:1409.1556",
    licence="CC-BY-4.0",
    weights="user",
    parameters=20_024_384,
    trained_on="ImageNet (by its authors)",
)
