"""Model cards of the networks for frame interpolation."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.model import ModelCard

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
    file=Path(__file__).parent / "weights" / "refine.onnx",
    parameters=253_714,
    sha256="11562c0e02408def463c9c894bbd5a057cb0499e4975d643c73b96092884f84e",
)
