"""Which engine does the work."""

from dataclasses import replace
from pathlib import Path

import pytest

from kinoloom.base import registry
from kinoloom.base.machine import default_budget_bytes
from kinoloom.errors import MissingError, RegistryError, UsageError
from kinoloom.film.engine import Engine, EngineOptions, Interpolator
from kinoloom.film.selection import choose, engine_options, engines, made_with

ALLOWED = EngineOptions(1 << 30)


def make(options: EngineOptions) -> Interpolator:
    raise NotImplementedError


def engine(name: str, rank: int, missing: str = "", least_bytes: int = 1) -> Engine:
    return Engine(name, "for a test", rank, make, lambda options: missing, least_bytes)


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of three engines, the best of which lacks something."""
    known = [
        engine("low", 1),
        engine("high", 3, "no weights (--weights)."),
        engine("mid", 2, least_bytes=1 << 20),
    ]
    table = {item.name: item for item in known}
    monkeypatch.setattr(registry, "names", lambda kind: list(table))
    monkeypatch.setattr(registry, "load", lambda kind, name: table[name])


@pytest.mark.usefixtures("three")
def test_auto_takes_the_best_that_is_present() -> None:
    assert [item.name for item in engines()] == ["high", "mid", "low"]
    assert choose("auto", ALLOWED).name == "mid"


@pytest.mark.usefixtures("three")
def test_auto_passes_over_what_does_not_fit_the_memory() -> None:
    assert choose("auto", EngineOptions(1 << 19)).name == "low"


def test_the_record_tells_the_engine_and_its_weights(tmp_path: Path) -> None:
    weights = tmp_path / "film.pt"
    bare, weighty = engine("bare", 1), replace(engine("weighty", 2), weights=lambda o: o.weights)
    allowed = EngineOptions(1 << 30, weights=weights)
    assert made_with(bare, allowed) == {"engine": "bare"}
    assert made_with(weighty, allowed) == {"engine": "weighty", "weights": weights}


@pytest.mark.usefixtures("three")
def test_an_engine_that_lacks_something_says_what() -> None:
    with pytest.raises(MissingError) as caught:
        choose("high", ALLOWED)
    assert str(caught.value) == "The engine 'high' cannot run: no weights (--weights)."
    assert caught.value.exit_code == 3


@pytest.mark.usefixtures("three")
def test_a_weaker_engine_is_taken_when_asked_for() -> None:
    assert choose("low", ALLOWED).name == "low"


def test_an_unknown_engine_brings_close_names() -> None:
    with pytest.raises(RegistryError, match=r"no interpolator named 'blnd'\. Did you mean blend\?"):
        choose("blnd", ALLOWED)


def test_every_engine_is_registered_under_its_own_name_and_ranks_differ() -> None:
    found = {name: registry.load("interpolators", name) for name in registry.names("interpolators")}
    assert {name: item.name for name, item in found.items()} == {name: name for name in found}
    assert len({item.rank for item in found.values()}) == len(found)


def test_some_engine_is_always_present() -> None:
    assert choose("auto", ALLOWED).missing(ALLOWED) == ""
    assert choose("blend", ALLOWED).name == "blend"


def test_what_is_allowed_is_filled_in() -> None:
    assert engine_options(123, 0.5, Path("w.pt")) == EngineOptions(123, 0.5, Path("w.pt"))
    default = engine_options(None)
    assert (default.flow_scale, default.weights) == (1.0, None)
    assert default.memory_bytes == pytest.approx(default_budget_bytes(), rel=0.5)


def test_a_look_that_an_engine_does_not_know_is_refused() -> None:
    sharp = replace(ALLOWED, look="sharp", memory_bytes=1 << 33)
    with pytest.raises(UsageError, match=r"'fast' cannot make frames that look 'sharp'\. Use"):
        choose("fast", sharp)
    assert choose("auto", sharp).name == "deep"
    with pytest.raises(UsageError, match="No engine that fits the memory"):
        choose("auto", replace(sharp, memory_bytes=1 << 20))
