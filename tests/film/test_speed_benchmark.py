"""The speed benchmark: its ratios, and the results of a small run."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from kinoloom.film.bench.baselines import find_contestant
from kinoloom.film.selection import build_engine_options


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[2])
    return importlib.import_module("benchmarks.engines")


def test_ratio_is_the_median_of_those_of_the_rounds(benchmark: ModuleType) -> None:
    """A slow round of the machine slows both, and changes no ratio."""
    assert benchmark.compare_rounds([2.0, 40.0, 2.2], [1.0, 20.0, 1.0]) == 2.0


@pytest.mark.slow
def test_speed_is_measured_at_every_size(benchmark: ModuleType) -> None:
    options = build_engine_options(None)
    engines = {name: find_contestant(name).build(options) for name in ("dis", "fast")}
    found = benchmark.measure_speed(engines, ["64x48", "640x480"], 2, peer="dis")
    counts = [("64x48", 1), ("640x480", 1), ("640x480", 3), ("640x480", 7)]
    shown = [(row["size"], row["new_frames"]) for row in found["rows"]]
    assert shown == [each for each in counts for _ in engines]
    keys = [f"dis / fast, {count} new" for count in (1, 3, 7)] + ["dis / fast, 1 new, 64x48"]
    for name in ("times_as_fast", "times_as_fast_by_the_clock"):
        assert sorted(found[name]) == sorted(keys)
        assert all(ratio > 0 for ratio in found[name].values())
