"""Model cards agree with the committed benchmark results."""

import json
from pathlib import Path

import pytest

from kinoloom.base.model import ModelCard
from kinoloom.film.cards import DEEP

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "film_val.json"


@pytest.mark.parametrize("card", [DEEP], ids=lambda card: card.name)
def test_figures_match_the_committed_results(card: ModelCard) -> None:
    rows = {row["engine"]: row for row in json.loads(RESULTS.read_text())["rows"]}
    row = rows[card.name]
    assert list(card.figures.values()) == [
        round(row["psnr_db"], 2),
        round(row["ssim"], 3),
        round(row["st_lpips"], 3),
    ]


def test_default_engine_has_the_best_psnr() -> None:
    rows = json.loads(RESULTS.read_text())["rows"]
    ours = [row for row in rows if row["engine"] != "rife-hdv3"]
    assert max(ours, key=lambda row: row["psnr_db"])["engine"] == "deep"
