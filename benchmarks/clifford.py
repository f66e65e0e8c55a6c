"""Speed of the Clifford layers compared with cliffordlayers 0.1.1 and plain convolutions.

    python -m benchmarks.clifford [--rounds N] [--processes N] [--threads 1 2]

CliffordConv2d of Cl(2, 0), 3 x 3 kernels, zero padding, float32, the same weights in both Clifford
layers, each on fields of its own memory layout. The plain convolutions have as many multiplications
(four times the channels) or as many parameters (twice the channels). "forward" is evaluation
without gradients; "step" is forward and backward of the mean square. Two settings:

    alone      each layer in new processes of its own, with the default allocator settings, at the
               smallest size
    in turns   all layers in one new process that retains freed memory for all of them
               (`clifford.memory`), as training does; otherwise the times depend on the state of
               the heap

Figures are milliseconds, median and quartiles; for "alone", over the medians of the processes. They
are processor time for one thread, which other load on the machine affects least, and wall-clock
time for two. Requires `cliffordlayers`.
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
from kinoloom.clifford.layers.convert import convert_weights
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
    args = parser.parse_args()
    alone = [
        measure_alone(what, args.processes, args.rounds, threads)
        for threads in args.threads
        for what in _JOBS
    ]
    together = [
        run_in_new_process(measure_in_turns, what, size, args.rounds, threads)
        for threads in args.threads
        for size in _SIZES
        for what in _JOBS
    ]
    findings = {
        "algebra": "Cl(2, 0)",
        "rounds": args.rounds,
        "peer": f"cliffordlayers {metadata.version('cliffordlayers')}",
        "alone": alone,
        "in_turns": together,
        "spectral_3d_identity_error": measure_identity_errors(),
    }
    options = f"--rounds {args.rounds} --processes {args.processes} --threads"
    command = " ".join(["python -m benchmarks.clifford", options, *map(str, args.threads)])
    print(write_results("clifford", command, findings))


def measure_alone(what: str, processes: int, rounds: int, threads: int) -> dict[str, Any]:
    """Measure each contestant in processes of its own, at the smallest size."""
    times: dict[str, list[float]] = {name: [] for name in _NAMES}
    for _ in range(processes):
        for name, medians in times.items():
            medians.append(run_in_new_process(measure_one, what, name, rounds, threads))
    return summarise(what, _SIZES[0], threads, times)


def measure_one(what: str, name: str, rounds: int, threads: int) -> float:
    """Return the median seconds of a contestant in this process."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    job = _JOBS[what](*build_contestant(name, *_SIZES[0]), _CLOCKS[threads])
    return statistics.median(in_turns({name: job}, rounds)[name])


def measure_in_turns(
    what: str, size: tuple[int, int, int], rounds: int, threads: int
) -> dict[str, Any]:
    """Measure all contestants in turns in this process, at a size (channels, batch, side)."""
    retain_freed_memory()
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    nets = {name: build_contestant(name, *size) for name in _NAMES}
    check_agreement(nets)
    jobs = {name: _JOBS[what](net, x, _CLOCKS[threads]) for name, (net, x) in nets.items()}
    parameters = {name: count_parameters(net) for name, (net, _) in nets.items()}
    times = in_turns(jobs, rounds)
    return {**summarise(what, size, threads, times), "parameters": parameters}


def run_in_new_process(job: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in a new process and return its result."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(job, *arguments).result()


def summarise(
    what: str, size: tuple[int, int, int], threads: int, times: dict[str, list[float]]
) -> dict[str, Any]:
    """Return milliseconds by contestant and their ratios to kinoloom's, from seconds."""
    ms = {name: spread([1000 * t for t in values]) for name, values in times.items()}
    ratios = {name: round(ms[name]["median"] / ms[_OURS]["median"], 2) for name in ms}
    print(what, *size, threads, ratios, file=sys.stderr)
    channels, batch, side = size
    return {
        "what": what, "threads": threads, "clock": _CLOCKS[threads].__name__,
        "channels": channels, "batch": batch, "side": side,
        "ms": ms, "times_as_long_as_ours": ratios,
        "least_ms": {name: round(1000 * min(values), 4) for name, values in times.items()},
    }  # fmt: skip


def build_contestant(name: str, channels: int, batch: int, side: int) -> tuple[nn.Module, Tensor]:
    """Return a layer and its input."""
    if name == _OURS:
        x = torch.randn(batch, channels, 4, side, side)
        return CliffordConv2d(_G, channels, channels, 3, padding=1), x
    if name == _THEIRS:
        x = torch.randn(batch, channels, side, side, 4)
        return Published(_G, channels, channels, 3, padding=1), x
    wide = _WIDER[name] * channels
    return nn.Conv2d(wide, wide, 3, padding=1), torch.randn(batch, wide, side, side)


def check_agreement(nets: dict[str, tuple[nn.Module, Tensor]]) -> None:
    """Check that both Clifford layers compute the same output with the same weights."""
    (ours, x), (theirs, _) = nets[_OURS], nets[_THEIRS]
    ours.load_state_dict(convert_weights(ours, theirs.state_dict()))
    with torch.no_grad():
        expected = blades_first(theirs(blades_last(x).contiguous()))
        torch.testing.assert_close(expected, ours(x), atol=1e-4, rtol=1e-4)


def create_forward_job(net: nn.Module, x: Tensor, clock: Clock) -> Callable[[], float]:
    """Return a job that evaluates the layer once and returns the seconds it took."""

    def run() -> float:
        net.eval()
        with torch.no_grad():
            net(x)  # fills the kernel cache
            begin = clock()
            net(x)
            return clock() - begin

    return run


def create_step_job(net: nn.Module, x: Tensor, clock: Clock) -> Callable[[], float]:
    """Return a job that runs a forward and backward pass and returns the seconds it took."""
    x = x.clone().requires_grad_()

    def run() -> float:
        net.train()
        begin = clock()
        (net(x) ** 2).mean().backward()
        seconds = clock() - begin
        net.zero_grad()
        x.grad = None
        return seconds

    return run


_JOBS = {"forward": create_forward_job, "step": create_step_job}


def measure_identity_errors() -> dict[str, float]:
    """Return the largest error of 3-d spectral layers that should be the identity."""
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
