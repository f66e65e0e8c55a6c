"""The figures of README.md are those of the committed results."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def result(name: str) -> Any:
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())


def cells(engine: str) -> list[str]:
    """The cells of an engine's row in the table."""
    row = next(
        line for line in README.splitlines() if line.startswith((f"| {engine} |", f"| {engine} ("))
    )
    return [cell.strip() for cell in row.split("|")[2:]]


@pytest.mark.parametrize(
    ("title", "engine"),
    [
        ("`deep`", "deep"),
        ("`fast`", "fast"),
        ("`refine`", "refine"),
        ("`dis`", "dis"),
        ("`blend`", "blend"),
        ("RIFE HDv3", "rife-hdv3"),
    ],
)
def test_quality_and_speed_are_as_measured(title: str, engine: str) -> None:
    row = next(row for row in result("film_val")["rows"] if row["engine"] == engine)
    psnr_db, ssim, st_lpips, speed = cells(title)[:4]
    assert float(psnr_db) == round(row["psnr_db"], 2)
    assert float(ssim) == round(row["ssim"], 3)
    assert float(st_lpips) == round(row["st_lpips"], 3)
    ratios = result("engines")["times_as_fast"]
    if engine in ("deep", "fast", "dis"):
        assert float(speed) == round(ratios[f"rife-hdv3 / {engine}, 1 new"], 1)


def test_the_sharp_look_is_as_measured() -> None:
    row = result("film_val_sharp")["rows"][0]
    told = [float(cell) for cell in cells("`deep` with `--look sharp`")[:3]]
    figures = zip(("psnr_db", "ssim", "st_lpips"), (2, 3, 3), strict=True)
    assert told == [round(row[name], digits) for name, digits in figures]


def test_ratios_in_the_text_are_as_measured() -> None:
    text = README.replace("\n", " ")
    more = re.search(r"with three it is ([\d.]+) times as fast as RIFE, with seven ([\d.]+)", text)
    film = re.search(r"takes ([\d.]+) times less processor time and ([\d.]+) times less", text)
    assert more is not None
    assert film is not None
    speeds = result("engines")["times_as_fast"]
    wanted = [round(speeds[f"rife-hdv3 / deep, {count} new"], 1) for count in (3, 7)]
    assert [float(more[1]), float(more[2])] == wanted
    ratios = result("film_speed")["plain_over_ours"]
    assert [float(film[1]), float(film[2])] == [ratios["cpu_s"], ratios["peak_mb"]]


def test_figures_by_motion_are_as_measured() -> None:
    pair = r"([\d.]+) to ([\d.]+)"
    words = rf"By motion.*?: {pair} dB.*?, {pair} from.*?, {pair} in"
    told = re.search(words, README.replace("\n", " "))
    assert told is not None
    rows = {row["engine"]: row["strata"] for row in result("film_val")["rows"]}
    pairs = zip(rows["deep"], rows["rife-hdv3"], strict=True)
    wanted = [round(stratum["psnr_db"], 2) for pair in pairs for stratum in pair]
    assert [float(figure) for figure in told.groups()] == wanted


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) >= 6
    assert [link for link in links if not (ROOT / link).exists()] == []
