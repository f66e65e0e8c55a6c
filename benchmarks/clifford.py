"""Speed of the Clifford layers beside cliffordlayers 0.1.1 and plain convolutions of equal size.

    python -m benchmarks.clifford [--rounds N] [--processes N] [--threads 1 2]

CliffordConv2d of Cl(2, 0), 3 x 3 kernels, zero padding, float32, the same weights in all that can
hold them, each on fields of its own layout. Two plain convolutions are there: of as many multiplies
(four times the channels) and of as many parameters (twice). Forward is without gradients in
evaluation mode; step is forward and backward of the mean square. Two ways:

    alone      each layer in new processes of its own, which leave the allocator as it is: what
               somebody has who uses it. The narrowest size.
    in turns   all in one new process. Freed memory is kept, for all of them (`clifford.memory`),
               as trainings of this project do: else it depends on how the heap lies whether the
               allocator gives memory back at every operation.

Figures are milliseconds, median and quartiles; alone, of the medians of the processes. They are
processor time for one thread, for on a machine with other work that is what it disturbs least; as
the clock shows them for two. Needs `cliffordlayers`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from multiprocessing import get_context
from typing import Any

import torch
from cliffordlayers.nn.modules.cliffordconv import CliffordConv2d as Published
from cliffordlayers.nn.modules.cliffordfourier import CliffordSpectralConv3d as PublishedSpectral
from torch import Tensor, nn

from benchmarks.common import in_turns, spread, write_results
from kinoloom.clifford.layers.conv import CliffordConv2d
from kinoloom.clifford.layers.convert import convert
from kinoloom.clifford.layers.layout import blades_first, blades_last
from kinoloom.clifford.layers.spectral import CliffordSpectralConv3d
from kinoloom.clifford.memory import retain_freed_memory
from kinoloom.clifford.nets.sizing import count_parameters

Clock = Callable[[], float]

_G = (1, 1)
_SIZES = ((8, 8, 64), (32, 4, 64), (96, 2, 32))
_OURS, _THEIRS = "kinoloom", "cliffordlayers 0.1.1"
_CLOCKS = {1: time.process_time, 2: time.perf_counter}
_WIDER = {"plain, equal multiplies": 4, "plain, equal parameters": 2}
_NAMES = (_OURS, _THEIRS, *_WIDER)


def main() -> None:
    """Measure and write benchmarks/results/clifford.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", choices=_CLOCKS, default=[*_CLOCKS])
    told = parser.parse_args()
    apart = [
        alone(what, told.processes, told.rounds, threads)
        for threads in told.threads
        for what in _JOBS
    ]
    rows = [
        in_new_process(row, what, size, told.rounds, threads)
        for threads in told.threads
        for size in _SIZES
        for what in _JOBS
    ]
    findings = {
        "algebra": "Cl(2, 0)",
        "rounds": told.rounds,
        "peer": f"cliffordlayers {metadata.version('cliffordlayers')}",
        "alone": apart,
        "in_turns": rows,
        "spectral_3d_identity_error": identity_errors(),
    }
    options = f"--rounds {told.rounds} --processes {told.processes} --threads"
    command = " ".join(["python -m benchmarks.clifford", options, *map(str, told.threads)])
    print(write_results("clifford", command, findings))


def alone(what: str, processes: int, rounds: int, threads: int) -> dict[str, Any]:
    """Milliseconds of each contestant in processes of its own, by turns, at the narrowest size."""
    times: dict[str, list[float]] = {name: [] for name in _NAMES}
    for _ in range(processes):
        for name, found in times.items():
            found.append(in_new_process(one_alone, what, name, rounds, threads))
    return described(what, _SIZES[0], threads, times)


def one_alone(what: str, name: str, rounds: int, threads: int) -> float:
    """The median seconds of one contestant, in this process."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    job = _JOBS[what](*contestant(name, *_SIZES[0]), _CLOCKS[threads])
    return statistics.median(in_turns({name: job}, rounds)[name])


def row(what: str, size: tuple[int, int, int], rounds: int, threads: int) -> dict[str, Any]:
    """Milliseconds of all contestants in turns in this process, of channels, batch and side."""
    retain_freed_memory()
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    nets = {name: contestant(name, *size) for name in _NAMES}
    check_that_they_agree(nets)
    jobs = {name: _JOBS[what](net, x, _CLOCKS[threads]) for name, (net, x) in nets.items()}
    parameters = {name: count_parameters(net) for name, (net, _) in nets.items()}
    times = in_turns(jobs, rounds)
    return {**described(what, size, threads, times), "parameters": parameters}


def in_new_process(job: Callable[..., Any], *given: Any) -> Any:
    """What a function returns in a process that has done nothing else."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(job, *given).result()


def described(
    what: str, size: tuple[int, int, int], threads: int, times: dict[str, list[float]]
) -> dict[str, Any]:
    """Of seconds by contestant: milliseconds, and how many times as long as ours they are."""
    taken = {name: spread([1000 * t for t in values]) for name, values in times.items()}
    ratios = {name: round(taken[name]["median"] / taken[_OURS]["median"], 2) for name in taken}
    print(what, *size, threads, ratios, file=sys.stderr)
    channels, batch, side = size
    return {
        "what": what, "threads": threads, "clock": _CLOCKS[threads].__name__,
        "channels": channels, "batch": batch, "side": side,
        "ms": taken, "times_as_long_as_ours": ratios,
        "least_ms": {name: round(1000 * min(values), 4) for name, values in times.items()},
    }  # fmt: skip


def contestant(name: str, channels: int, batch: int, side: int) -> tuple[nn.Module, Tensor]:
    """A layer and its input."""
    if name == _OURS:
        x = torch.randn(batch, channels, 4, side, side)
        return CliffordConv2d(_G, channels, channels, 3, padding=1), x
    if name == _THEIRS:
        x = torch.randn(batch, channels, side, side, 4)
        return Published(_G, channels, channels, 3, padding=1), x
    wide = _WIDER[name] * channels
    return nn.Conv2d(wide, wide, 3, padding=1), torch.randn(batch, wide, side, side)


def check_that_they_agree(nets: dict[str, tuple[nn.Module, Tensor]]) -> None:
    """See that the Clifford layers compute the same, after giving ours the weights of theirs."""
    (ours, x), (theirs, _) = nets[_OURS], nets[_THEIRS]
    ours.load_state_dict(convert(ours, theirs.state_dict()))
    with torch.no_grad():
        found = blades_first(theirs(blades_last(x).contiguous()))
        torch.testing.assert_close(found, ours(x), atol=1e-4, rtol=1e-4)


def forward(net: nn.Module, x: Tensor, clock: Clock) -> Callable[[], float]:
    """A job that evaluates once and returns the seconds it took."""

    def run() -> float:
        net.eval()
        with torch.no_grad():
            net(x)  # the kept kernel, where there is one
            begin = clock()
            net(x)
            return clock() - begin

    return run


def step(net: nn.Module, x: Tensor, clock: Clock) -> Callable[[], float]:
    """A job that goes forward and back once and returns the seconds it took."""
    x = x.clone().requires_grad_()

    def run() -> float:
        net.train()
        begin = clock()
        (net(x) ** 2).mean().backward()
        taken = clock() - begin
        net.zero_grad()
        x.grad = None
        return taken

    return run


_JOBS = {"forward": forward, "step": step}


def identity_errors() -> dict[str, float]:
    """The largest error of spectral layers in 3-d that should return what they are given."""
    x = torch.randn(1, 1, 8, 8, 8, 8)
    ours = CliffordSpectralConv3d((1, 1, 1), 1, 1, 4, 4, 4, multiply=False)
    theirs = PublishedSpectral((1, 1, 1), 1, 1, 4, 4, 4, multiply=False)
    last = blades_last(x).contiguous()
    return {
        _OURS: float((ours(x) - x).abs().max()),
        _THEIRS: float((theirs(last) - last).abs().max()),
    }


if __name__ == "__main__":
    main()
