"""Model cards of the networks for frame interpolation."""

from __future__ import annotations

from kinoloom.base.model import ModelCard
from kinoloom.motion.flow_network import FLOW_WEIGHTS, FLOW_WEIGHTS_SHA256, SIZE_MULTIPLE

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

DEEP = ModelCard(
    name="deep",
    task="interpolate",
    summary="optical flow as in fast, combined with the motion from a small shipped network",
    source="Huang et al., Real-Time Intermediate Flow Estimation for Video Frame Interpolation, "
    "ECCV 2022, arXiv:2011.06294: IFNet of RIFE HDv3; docs/decisions/0015-deep-blends-engines.md",
    licence="MIT",
    weights="shipped",
    file=FLOW_WEIGHTS,
    sha256=FLOW_WEIGHTS_SHA256,
    parameters=2_277_600,
    size_multiple=SIZE_MULTIPLE,
    trained_on="Vimeo-90K (by its authors, Megvii); their weights, stored in 16 bits",
    figures={"PSNR dB on 10 DAVIS triplets": 28.83, "SSIM": 0.877, "ST-LPIPS": 0.104},
    limits=(
        "The network is trained for the midpoint; its motion is projected to other times.",
        "Runs on at most 500,000 pixels and misses small details of larger images.",
        "Regions occluded in both images and non-linear motion are wrong.",
    ),
)
