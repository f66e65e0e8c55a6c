"""What the benchmarks of pictures share: sources of contestants, and timed calls in processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Protocol, TypeVar, TypeVarTuple

from numpy.typing import NDArray

from kinoloom.base.machine import peak_memory_bytes
from kinoloom.enhance.tiers import Network
from kinoloom.errors import RegistryError, UsageError
from kinoloom.learn.bench.contestant import Contestant
from kinoloom.learn.bench.peer import load_peer


class Named(Protocol):
    """A contestant."""

    @property
    def name(self) -> str:
        """Its name in the results."""
        ...


A = TypeVarTuple("A")
N = TypeVar("N", bound=Named)


@dataclass(frozen=True)
class Source:
    """Where a contestant comes from, for another process that builds it.

    Attributes:
        name: of the contestant.
        network: the ONNX file, or None.
        peer: the Python file that defines it, or None.
    """

    name: str
    network: Path | None = None
    peer: Path | None = None


@dataclass(frozen=True)
class Timed:
    """The result of one call of a contestant.

    Attributes:
        picture: the result.
        seconds: duration of the call, without reading the file.
        peak_bytes: peak memory of the process so far, including libraries.
    """

    picture: NDArray[Any]
    seconds: float
    peak_bytes: int


class TimedProcess(Contestant):
    """The process of one contestant; it keeps the times and the peak memory of its calls.

    Args:
        source: of the contestant.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(source.name)
        self.source = source
        self.peak_bytes = 0
        self._seconds_per_megapixel: list[float] = []

    def measure(
        self, case: str, megapixels: float, function: Callable[[*A], Timed], *args: *A
    ) -> NDArray[Any]:
        """Call a function in the process, and return the picture.

        Raises:
            BudgetError, Exception: as `learn.bench.contestant.Contestant.call`.
        """
        timed = self.call(case, function, *args)
        self._seconds_per_megapixel.append(timed.seconds / megapixels)
        self.peak_bytes = timed.peak_bytes
        return timed.picture

    @property
    def seconds_per_megapixel(self) -> float:
        """The median over all measured calls."""
        return median(self._seconds_per_megapixel)


def time_call(function: Callable[[*A], NDArray[Any]], *args: *A) -> Timed:
    """Call a function, in the process of a contestant."""
    begin = time.perf_counter()
    picture = function(*args)
    return Timed(picture, time.perf_counter() - begin, peak_memory_bytes())


def list_sources(
    names: str,
    filters: Sequence[Named],
    models: str,
    peer: Path | None,
    kind: tuple[str, type[N]],
    networks: Sequence[Network] = (),
) -> list[Source]:
    """Return the sources of all requested contestants.

    Args:
        names: comma-separated names of filters and networks, "" for all.
        filters: the available ones.
        models: comma-separated ONNX files.
        peer: a Python file, or None.
        kind: name and class of the object that a peer's file defines.
        networks: those of tiers that are present.

    Raises:
        RegistryError: there is no filter or network of a name.
        UsageError: two contestants have one name, or the peer's file does not define the object.
    """
    available = [Source(one.name) for one in filters]
    available += [Source(one.name, network=one.file) for one in networks]
    sources = [find_named(available, name) for name in _split(names)] or available
    tiers = {one.name for one in networks}
    sources += [
        Source(_name_file(Path(name), tiers), network=Path(name)) for name in _split(models)
    ]
    if peer is not None:
        sources.append(Source(load_peer(peer, *kind).name, peer=peer))
    found = [source.name for source in sources]
    for name in found:
        if found.count(name) > 1:
            raise UsageError(f"Two contestants are named {name}.", hint="Rename one of the files.")
    return sources


def _name_file(file: Path, tiers: Collection[str]) -> str:
    """Return the name of a file, with its folder where a tier has the same name."""
    return f"{file.absolute().parent.name}/{file.stem}" if file.stem in tiers else file.stem


def find_named(contestants: Sequence[N], name: str) -> N:
    """Return the contestant of a name.

    Raises:
        RegistryError: there is none.
    """
    for one in contestants:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in contestants)
    raise RegistryError(f"Unknown contestant '{name}'.", hint=f"Known: {known}.")


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]
