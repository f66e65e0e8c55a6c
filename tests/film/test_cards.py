"""Model cards agree with the committed benchmark results."""

import json
from pathlib import Path

from kinoloom.film.cards import FUSION

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "film_val.json"


def test_figures_match_the_committed_results() -> None:
    rows = {row["engine"]: row for row in json.loads(RESULTS.read_text())["rows"]}
    expected = {
        f"{metric} of {engine} on 10 DAVIS triplets": round(rows[engine][key], digits)
        for engine in ("deep", "best")
        for metric, key, digits in (
            ("PSNR dB", "psnr_db", 2),
            ("SSIM", "ssim", 3),
        )
    }
    assert FUSION.figures == expected
