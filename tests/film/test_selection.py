"""Selection of the engine."""

from dataclasses import replace
from pathlib import Path

import pytest

from kinoloom.base import registry
from kinoloom.base.machine import default_budget_bytes
from kinoloom.errors import MissingError, RegistryError, UsageError
from kinoloom.film.engine import Engine, EngineOptions, Interpolator
from kinoloom.film.selection import (
    build_engine_options,
    choose_engine,
    describe_engine,
    list_engines,
)

OPTIONS = EngineOptions(1 << 30)


def build(options: EngineOptions) -> Interpolator:
    raise NotImplementedError


def engine(name: str, rank: int, missing: str = "", min_memory_bytes: int = 1) -> Engine:
    return Engine(name, "for a test", rank, build, lambda options: missing, min_memory_bytes)


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register three engines, the best of which lacks a requirement."""
    known = [
        engine("low", 1),
        engine("high", 3, "no weights (--weights)."),
        engine("mid", 2, min_memory_bytes=1 << 20),
    ]
    table = {item.name: item for item in known}
    monkeypatch.setattr(registry, "names", lambda kind: list(table))
    monkeypatch.setattr(registry, "load", lambda kind, name: table[name])


@pytest.mark.usefixtures("three")
def test_auto_selects_the_best_available_engine() -> None:
    assert [item.name for item in list_engines()] == ["high", "mid", "low"]
    assert choose_engine("auto", OPTIONS).name == "mid"


@pytest.mark.usefixtures("three")
def test_auto_skips_engines_beyond_the_memory_limit() -> None:
    assert choose_engine("auto", EngineOptions(1 << 19)).name == "low"


def test_provenance_names_engine_and_weights(tmp_path: Path) -> None:
    weights = tmp_path / "film.pt"
    bare, weighty = engine("bare", 1), replace(engine("weighty", 2), weights=lambda o: o.weights)
    options = EngineOptions(1 << 30, weights=weights)
    assert describe_engine(bare, options) == {"engine": "bare"}
    assert describe_engine(weighty, options) == {"engine": "weighty", "weights": weights}


@pytest.mark.usefixtures("three")
def test_missing_requirement_is_reported() -> None:
    with pytest.raises(MissingError) as caught:
        choose_engine("high", OPTIONS)
    assert str(caught.value) == "The engine 'high' cannot run: no weights (--weights)."
    assert caught.value.exit_code == 3


@pytest.mark.usefixtures("three")
def test_named_engine_is_selected() -> None:
    assert choose_engine("low", OPTIONS).name == "low"


def test_unknown_engine_suggests_close_names() -> None:
    with pytest.raises(RegistryError, match=r"Unknown engine 'fsat'\. Did you mean fast\?"):
        choose_engine("fsat", OPTIONS)


def test_registered_names_and_ranks_are_unique() -> None:
    found = {name: registry.load("interpolators", name) for name in registry.names("interpolators")}
    assert {name: item.name for name, item in found.items()} == {name: name for name in found}
    assert len({item.rank for item in found.values()}) == len(found)


def test_an_engine_is_always_available() -> None:
    assert choose_engine("auto", OPTIONS).missing(OPTIONS) == ""


def test_default_memory_budget_is_filled_in() -> None:
    assert build_engine_options(123, 0.5, Path("w.pt")) == EngineOptions(123, 0.5, Path("w.pt"))
    default = build_engine_options(None)
    assert (default.flow_scale, default.weights) == (1.0, None)
    assert default.memory_bytes == pytest.approx(default_budget_bytes(), rel=0.5)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("refine", "was removed"),
        ("lite", "was removed"),
        ("dis", "is a baseline"),
        ("blend", "is a baseline"),
    ],
)
def test_former_engines_name_their_successor(name: str, why: str) -> None:
    with pytest.raises(UsageError, match=rf"'{name}' {why}.* Use --engine deep"):
        choose_engine(name, OPTIONS)
