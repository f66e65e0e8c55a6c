"""Model cards agree with the committed benchmark results."""

import json
from pathlib import Path

from kinoloom.film.cards import FUSION

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
SETS = {
    "val": "10 DAVIS triplets",
    "val_small": "16 triplets of small motion",
    "val_made": "8 generated triplets",
    "val_local": "10 triplets of local motion",
}


def test_figures_match_the_committed_results() -> None:
    expected = {}
    for name, title in SETS.items():
        result = json.loads((RESULTS / f"film_{name}.json").read_text())
        rows = {row["engine"]: row for row in result["rows"]}
        for engine in ("deep", "best"):
            expected[f"PSNR dB of {engine} on {title}"] = round(rows[engine]["psnr_db"], 2)
            expected[f"SSIM of {engine} on {title}"] = round(rows[engine]["ssim"], 3)
    assert FUSION.figures == expected
