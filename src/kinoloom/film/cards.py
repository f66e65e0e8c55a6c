"""Model cards of the networks for frame interpolation."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.model import ModelCard
from kinoloom.motion.flow_network import FLOW_WEIGHTS, FLOW_WEIGHTS_SHA256, SIZE_MULTIPLE

_WEIGHTS = Path(__file__).parent / "weights"

FILM = ModelCard(
    name="film",
    task="interpolate",
    summary="FILM, the published network for large motion; needs user-supplied weights",
    source="Reda et al., FILM: Frame Interpolation for Large Motion, ECCV 2022, arXiv:2202.04901",
    licence="Apache-2.0",
    weights="user",
    url="https://github.com/dajes/frame-interpolation-pytorch/releases/download/v1.0.2/"
    "film_net_fp32.pt",  # the torch port's file, Apache-2.0
    parameters=34_436_667,
    size_multiple=64,
    trained_on="Vimeo-90K train triplets (by its authors)",
    limits=(
        "Trained for the midpoint; at other times its flows are scaled, as in its torch port.",
        "Motion above about 200 px is beyond its reach; reduce --flow-scale.",
        "Its receptive field exceeds a tile, so a tiled frame differs from an untiled one.",
    ),
)

FLOW = ModelCard(
    name="flow",
    task="interpolate",
    summary="the flow network of the engines deep and best",
    source="Huang et al., Real-Time Intermediate Flow Estimation for Video Frame Interpolation, "
    "ECCV 2022, arXiv:2011.06294: IFNet of RIFE HDv3; docs/decisions/0015-deep-blends-engines.md",
    licence="MIT",
    weights="shipped",
    file=FLOW_WEIGHTS,
    sha256=FLOW_WEIGHTS_SHA256,
    parameters=2_277_600,
    size_multiple=SIZE_MULTIPLE,
    trained_on="Vimeo-90K (by its authors, Megvii); their weights, stored in 16 bits",
    limits=(
        "Trained for the midpoint; its motion is projected to other times.",
        "Regions occluded in both images and non-linear motion are wrong.",
    ),
)

FUSION = ModelCard(
    name="fusion",
    task="interpolate",
    summary="the network that fuses motion sources in the engines deep and best",
    source="kinoloom, docs/decisions/0048-a-network-fuses-motion-sources.md",
    licence="Apache-2.0",
    weights="shipped",
    file=_WEIGHTS / "fusion.onnx",
    sha256="bb0e5a99e02f8d9d30df957246610211efcba17663104e6eeb2a997cd52d4d66",
    parameters=137_924,
    size_multiple=8,
    trained_on="232 regions of 16 short videos and of synthetic scenes from 339 photos, under "
    "mixed, mostly research-only licences, not shipped; 900 steps with the settings of the preset "
    "fusion, on regions prepared in two passes, so the preset gives similar, not equal weights",
    figures={
        "PSNR dB of deep on 10 DAVIS triplets": 28.89,
        "SSIM of deep on 10 DAVIS triplets": 0.878,
        "PSNR dB of best on 10 DAVIS triplets": 28.97,
        "SSIM of best on 10 DAVIS triplets": 0.879,
        "PSNR dB of deep on 16 triplets of small motion": 33.53,
        "SSIM of deep on 16 triplets of small motion": 0.886,
        "PSNR dB of best on 16 triplets of small motion": 33.62,
        "SSIM of best on 16 triplets of small motion": 0.886,
        "PSNR dB of deep on 8 generated triplets": 33.72,
        "SSIM of deep on 8 generated triplets": 0.971,
        "PSNR dB of best on 8 generated triplets": 34.10,
        "SSIM of best on 8 generated triplets": 0.973,
        "PSNR dB of deep on 10 triplets of local motion": 30.57,
        "SSIM of deep on 10 triplets of local motion": 0.968,
        "PSNR dB of best on 10 triplets of local motion": 30.49,
        "SSIM of best on 10 triplets of local motion": 0.969,
    },
    limits=(
        "Blends what its motion sources found; it adds no motion of its own.",
        "It fades to the mean of the sources above 12 px of motion; the bounds were chosen on the "
        "DAVIS and the generated triplets.",
    ),
)
