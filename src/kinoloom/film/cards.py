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

REFINE = ModelCard(
    name="refine",
    task="interpolate",
    summary="optical flow with motion candidates weighted by a small shipped network",
    source="kinoloom, docs/decisions/0013-refine-scores-motion-candidates.md",
    licence="Apache-2.0",
    weights="shipped",
    file=_WEIGHTS / "refine.onnx",
    parameters=253_714,
    sha256="46aa9a2a3e8c4dbe5bccec6a7faaa034e83edfa0fc6cfbb62a9c3d531ff1b773",
    trained_on="39 short videos under mixed, mostly research-only licences, not shipped "
    "(kinoloom train film videos --out run; several hours on two CPU cores)",
    figures={"PSNR dB on 10 DAVIS triplets": 28.36, "SSIM": 0.871, "ST-LPIPS": 0.126},
    limits=("Barely better than fast, and slower; useful when trained on your own footage.",),
)

LITE = ModelCard(
    name="lite",
    task="interpolate",
    summary="a small shipped network that estimates motion, occlusion and colour at any time",
    source="kinoloom, docs/decisions/0022-lite-starts-as-a-block-matcher.md",
    licence="Apache-2.0",
    weights="shipped",
    file=_WEIGHTS / "lite.onnx",
    sha256="3fec2715c73ffb1fa90480369483bc234d12181cd19e0e57d786739201da641a",
    parameters=258_060,
    size_multiple=32,
    trained_on="2,656 crops of short videos and of synthetic scenes, under mixed, mostly "
    "research-only licences, not shipped (kinoloom train film folder --preset lite --steps 10000 "
    "--out run: seed 0, 1.2 hours on two CPU cores of an AMD EPYC)",
    figures={"PSNR dB on 10 DAVIS triplets": 27.47, "SSIM": 0.848, "ST-LPIPS": 0.135},
    limits=(
        "Trained for little more than an hour; deep and fast are better.",
        "Runs on at most a million pixels and misses small details of larger images.",
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
