"""Model cards of the networks for frame interpolation."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.model import ModelCard
from kinoloom.motion.flow_network import FLOW_WEIGHTS, FLOW_WEIGHTS_SHA256, SIZE_MULTIPLE

_WEIGHTS = Path(__file__).parent / "weights"

FILM_WEIGHTS_URL = (
    "https://github.com/dajes/frame-interpolation-pytorch/releases/download/v1.0.2/film_net_fp32.pt"
)
"""The published weights as the torch port offers them, Apache-2.0."""

FILM = ModelCard(
    name="film",
    task="interpolate",
    summary="FILM, the published network for large motion, with weights that you bring",
    source="Reda et al., FILM: Frame Interpolation for Large Motion, ECCV 2022, arXiv:2202.04901",
    licence="Apache-2.0",
    weights="user",
    parameters=34_436_667,
    size_multiple=64,
    trained_on="Vimeo-90K train triplets (by its authors)",
    limits=(
        "It is trained for the middle frame; other times scale its flows, as its torch port does.",
        "Motion beyond about 200 px is not followed; estimate it on a smaller picture then.",
        "It sees further than a tile: a picture made in tiles differs from one made whole.",
    ),
)

REFINE = ModelCard(
    name="refine",
    task="interpolate",
    summary="guesses of the motion by optical flow, judged by a small network that is shipped",
    source="kinoloom, docs/decisions/0013-refine-judges-guesses.md",
    licence="Apache-2.0",
    weights="shipped",
    file=_WEIGHTS / "refine.onnx",
    parameters=253_714,
    sha256="46aa9a2a3e8c4dbe5bccec6a7faaa034e83edfa0fc6cfbb62a9c3d531ff1b773",
    trained_on="39 short videos of mixed licences, mostly for research, which are not shipped "
    "(kinoloom train film --data videos --out run; some hours on two CPU cores)",
    figures={"PSNR dB on 10 DAVIS triplets": 28.36, "SSIM": 0.871, "ST-LPIPS": 0.126},
    limits=("It is hardly better than fast, and slower: use it for weights of your own footage.",),
)

LITE = ModelCard(
    name="lite",
    task="interpolate",
    summary="a small shipped network of our own that finds motion by itself, at any time between",
    source="kinoloom, docs/decisions/0022-lite-begins-as-a-block-matcher.md",
    licence="Apache-2.0",
    weights="shipped",
    file=_WEIGHTS / "lite.onnx",
    sha256="3fec2715c73ffb1fa90480369483bc234d12181cd19e0e57d786739201da641a",
    parameters=258_060,
    size_multiple=32,
    trained_on="2,656 crops of short videos and of scenes made of photos, of mixed licences, "
    "mostly for research, which are not shipped (kinoloom train film --preset lite --steps 10000 "
    "--data folder --out run: seed 0, 1.2 hours on two CPU cores of an AMD EPYC)",
    figures={"PSNR dB on 10 DAVIS triplets": 27.47, "SSIM": 0.848, "ST-LPIPS": 0.135},
    limits=(
        "It was trained for little more than an hour: deep and fast are better.",
        "It looks at a million pixels at most, and misses what is small in larger pictures.",
    ),
)

DEEP = ModelCard(
    name="deep",
    task="interpolate",
    summary="optical flow as in fast, beside the motion that a small shipped network sees",
    source="Huang et al., Real-Time Intermediate Flow Estimation for Video Frame Interpolation, "
    "ECCV 2022, arXiv:2011.06294: IFNet of RIFE HDv3; docs/decisions/0015-deep-asks-a-network.md",
    licence="MIT",
    weights="shipped",
    file=FLOW_WEIGHTS,
    sha256=FLOW_WEIGHTS_SHA256,
    parameters=2_277_600,
    size_multiple=SIZE_MULTIPLE,
    trained_on="Vimeo-90K (by its authors, Megvii); the weights are theirs, stored in 16 bits",
    figures={"PSNR dB on 10 DAVIS triplets": 28.83, "SSIM": 0.877, "ST-LPIPS": 0.104},
    limits=(
        "The network is trained for the middle; to other times its motion is carried.",
        "It looks at 500,000 pixels at most, and misses what is small in larger pictures.",
        "What is hidden in both pictures, and motion that changes on the way, come out wrong.",
    ),
)
