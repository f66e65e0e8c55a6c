"""Speed of the Clifford layers beside cliffordlayers 0.1.1 and plain convolutions of equal size.

    python -m benchmarks.clifford [--rounds N] [--threads 1 2]

CliffordConv2d of Cl(2, 0), 3 x 3 kernels, zero padding, float32, the same weights in all that can
hold them. All take turns in one process, on fields of their own layout. Two plain convolutions are
there: of as many multiplies (four times the channels) and of as many parameters (twice). Forward is
without gradients in evaluation mode; step is forward and backward of the mean square. Figures are
milliseconds, median and quartiles over the rounds: of processor time for one thread, for on a
machine with other work that is what it disturbs least; as the clock shows them for two. Freed
memory is kept by the process, for all of them (`clifford.memory`). Without that it depends on how
the heap happens to lie whether the allocator gives memory back at every operation, so the narrowest
forward is measured in several new processes too, which only evaluate and leave the allocator as it
is. Needs `cliffordlayers`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
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
from kinoloom.clifford.memory import keep_freed_memory
from kinoloom.clifford.nets.size import parameter_count

Clock = Callable[[], float]

_G = (1, 1)
_SIZES = ((8, 8, 64), (32, 4, 64), (96, 2, 32))
_OURS, _THEIRS = "kinoloom", "cliffordlayers 0.1.1"
_CLOCKS = {1: time.process_time, 2: time.perf_counter}
_MULTIPLIES, _PARAMETERS = "plain, equal multiplies", "plain, equal parameters"


def main() -> None:
    """Measure and write benchmarks/results/clifford.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", choices=_CLOCKS, default=[*_CLOCKS])
    parser.add_argument("--fresh", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    torch.manual_seed(0)
    if told.fresh:
        print(json.dumps(row("forward", _SIZES[0], told.rounds, 1)))
        return
    fresh = [in_new_process(told.rounds) for _ in range(told.processes)]
    kept = keep_freed_memory()
    rows = [
        row(what, size, told.rounds, threads)
        for threads in told.threads
        for size in _SIZES
        for what in ("forward", "step")
    ]
    findings = {
        "algebra": "Cl(2, 0)",
        "rounds": told.rounds,
        "peer": f"cliffordlayers {metadata.version('cliffordlayers')}",
        "freed_memory_is_kept": kept,
        "rows": rows,
        "forward_in_new_processes": fresh,
        "spectral_3d_identity_error": identity_errors(),
    }
    options = f"--rounds {told.rounds} --processes {told.processes} --threads"
    command = " ".join(["python -m benchmarks.clifford", options, *map(str, told.threads)])
    print(write_results("clifford", command, findings))


def in_new_process(rounds: int) -> dict[str, Any]:
    """The row of the narrowest forward, by a process that does nothing else."""
    line = [sys.executable, "-m", "benchmarks.clifford", "--fresh", "--rounds", str(rounds)]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    print("new process", found["times_as_long_as_ours"])
    return found


def row(what: str, size: tuple[int, int, int], rounds: int, threads: int) -> dict[str, Any]:
    """Milliseconds of all contestants, of channels, batch and side."""
    torch.set_num_threads(threads)
    channels, batch, side = size
    nets = contestants(channels, batch, side)
    job, clock = {"forward": forward, "step": step}[what], _CLOCKS[threads]
    times = in_turns({name: job(net, x, clock) for name, (net, x) in nets.items()}, rounds)
    taken = {name: spread([1000 * t for t in values]) for name, values in times.items()}
    ratios = {name: round(taken[name]["median"] / taken[_OURS]["median"], 2) for name in taken}
    print(what, channels, batch, side, threads, ratios, file=sys.stderr)
    return {
        "what": what, "threads": threads, "clock": clock.__name__,
        "channels": channels, "batch": batch, "side": side,
        "ms": taken, "times_as_long_as_ours": ratios,
        "least_ms": {name: round(1000 * min(v), 4) for name, v in times.items()},
        "parameters": {name: parameter_count(net) for name, (net, _) in nets.items()},
    }  # fmt: skip


def contestants(channels: int, batch: int, side: int) -> dict[str, tuple[nn.Module, Tensor]]:
    """The layers by name, each with its input; the Clifford ones compute the same."""
    theirs = Published(_G, channels, channels, 3, padding=1)
    ours = CliffordConv2d(_G, channels, channels, 3, padding=1)
    ours.load_state_dict(convert(ours, theirs.state_dict()))
    x = torch.randn(batch, channels, 4, side, side)
    last = blades_last(x).contiguous()
    with torch.no_grad():
        torch.testing.assert_close(blades_first(theirs(last)), ours(x), atol=1e-4, rtol=1e-4)
    nets: dict[str, tuple[nn.Module, Tensor]] = {_OURS: (ours, x), _THEIRS: (theirs, last)}
    for name, times in ((_MULTIPLIES, 4), (_PARAMETERS, 2)):
        wide = times * channels
        nets[name] = (nn.Conv2d(wide, wide, 3, padding=1), torch.randn(batch, wide, side, side))
    return nets


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
