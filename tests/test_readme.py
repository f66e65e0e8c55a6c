"""The README's figures are those of the committed results, and it works on a package index."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXT = README.replace("\n", " ")


def result(name: str) -> Any:
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())


def test_ratios_in_the_text_are_as_measured() -> None:
    more = re.search(r"with three it is ([\d.]+) times as fast as RIFE, with seven ([\d.]+)", TEXT)
    film = re.search(r"takes ([\d.]+) times less processor time and ([\d.]+) times less", TEXT)
    assert more is not None
    assert film is not None
    speeds = result("engines")["times_as_fast"]
    expected = [round(speeds[f"rife-hdv3 / deep, {count} new"], 1) for count in (3, 7)]
    assert [float(more[1]), float(more[2])] == expected
    ratios = result("film_speed")["plain_over_ours"]
    assert [float(film[1]), float(film[2])] == [ratios["cpu_s"], ratios["peak_mb"]]


def test_only_pictures_are_relative_links() -> None:
    """A package index resolves no relative link; a picture that is missing leaves its text."""
    links = re.findall(r"(!?)\[([^\]]*)\]\(([^)]+)\)", README)
    relative = [link for link in links if not link[2].startswith("https://")]
    assert relative
    for mark, text, target in relative:
        assert mark == "!"
        assert len(text.split()) > 12, "the alternative text must describe the result"
        assert (ROOT / target).exists()


def test_files_named_in_prose_exist() -> None:
    named = set(re.findall(r"`((?:docs|src|benchmarks|examples)/[\w./-]+|[A-Z]+\.md)`", README))
    assert len(named) >= 6
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_results_named_in_prose_exist() -> None:
    named = re.findall(r"`(\w+\.json)`", README)
    assert named
    assert [n for n in named if not (ROOT / "benchmarks" / "results" / n).exists()] == []
