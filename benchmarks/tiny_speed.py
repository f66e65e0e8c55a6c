"""Speed of the generated C: instructions on boards, multiply-accumulates per second on a host.

    python -m benchmarks.tiny_speed FOLDER [--rounds N]     # with mcunet-5fps.npz

MCUNet with the published scheme of the upstream sample. QEMU counts instructions (-icount shift=0),
not cycles, with and without the vector instructions of the core. (A Cortex-M3, without an FPU,
overflows the counter.) On this machine the reference is `tiny_c/im2col.c`, a textbook
implementation of the same convolutions, compiled by the same compiler with -O3; it runs the
convolutions only, ours the whole forward pass. Both are checked to give the same values, and are
timed alternately.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT, in_turns, spread, write_results
from kinoloom.tiny.api import CompiledProgram, compile_program
from kinoloom.tiny.codegen.host import HostProgram, find_compiler
from kinoloom.tiny.codegen.project import make_example_input
from kinoloom.tiny.front.pretrained import preset_scheme, read_pretrained
from kinoloom.tiny.ir.forward_ops import Conv
from kinoloom.tiny.ir.program import Array, Program
from kinoloom.tiny.page import count_macs
from kinoloom.tiny.simulate.simulator import Simulator
from kinoloom.tiny.training.scheme import collect_convs

SOURCES = ROOT / "benchmarks" / "tiny_c"
PRESET, MODEL = "mcunet-49kb", "mcunet-5fps"
TICK_NS = {"m4": 40, "m7": 40, "m33": 50}
"""Nanoseconds (one instruction each) per tick of the processor clock of QEMU's boards."""
ICOUNT = ("-icount", "shift=0")


def count_instructions(compiled: CompiledProgram, core: str, *flags: str) -> dict[str, int]:
    """Count the instructions of a forward pass and of a training step on a core."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compiled.write(folder)
        (folder / "main.c").write_text((SOURCES / "count.c").read_text())
        line = [
            "make",
            "-s",
            f"run-{core}",
            f"QEMU={' '.join(ICOUNT)}",
            f"DEFINES={' '.join(flags)}",
        ]
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise RuntimeError(f"{core}: {done.stderr[-500:]}")
    found = [line.split() for line in done.stderr.splitlines()]
    return {name: int(ticks, 16) * TICK_NS[core] for name, ticks in found}


class Reference:
    """The convolutions of a program, run in order by im2col."""

    def __init__(self, program: Program, folder: Path) -> None:
        library = folder / "im2col.so"
        line = [
            find_compiler(),
            "-O3",
            "-shared",
            "-fPIC",
            str(SOURCES / "im2col.c"),
            "-o",
            str(library),
        ]
        subprocess.run(line, check=True)
        self.conv = ctypes.CDLL(str(library)).conv
        self.program = program
        device = Simulator(program)
        device.forward(make_example_input(program, 0))
        self.calls = [self._call(op, device) for op in collect_convs(program) if not op.factors]

    def _call(self, op: Conv, device: Simulator) -> Callable[[], Any]:
        """Return a call of a convolution, after comparing its result with the simulator."""
        g, constants = op.geometry, self.program.constants
        sizes = np.array(astuple(g), np.int32)
        ranges = np.array([op.y_zero, op.low, op.high], np.int32)
        y = np.zeros(g.cout * g.oh * g.ow, np.int8)
        columns = np.zeros(g.fan_in * g.oh * g.ow, np.int16)
        sums = np.zeros(g.oh * g.ow, np.int32)
        arrays: list[Any] = [
            sizes, np.ascontiguousarray(device.memory[op.x]), op.x_zero,
            constants[op.weights.frozen], constants[op.bias], constants[op.multipliers],
            constants[op.shifts], ranges, y, columns, sums,
        ]  # fmt: skip
        given = [a if isinstance(a, int) else a.ctypes.data_as(ctypes.c_void_p) for a in arrays]

        def call(_arrays: list[Any] = arrays) -> None:  # keeps the arrays alive
            self.conv(*given)

        call()
        np.testing.assert_array_equal(y, device.memory[op.y].ravel())
        return call

    def forward(self) -> None:
        """Run all convolutions once."""
        for call in self.calls:
            call()


def time_job(job: Callable[[], Any], times: int) -> Callable[[], float]:
    """Return a function that measures the mean CPU time of a job in seconds."""

    def timed() -> float:
        begin = time.process_time()
        for _ in range(times):
            job()
        return (time.process_time() - begin) / times

    return timed


def measure_host_speed(compiled: CompiledProgram, rounds: int) -> dict[str, Any]:
    """Measure multiply-accumulates per second of forward pass, training step and reference."""
    forward, backward = count_macs(compiled)
    x: Array = make_example_input(compiled.program, 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ways = {"vector": ("-O3",), "portable": ("-O3", "-DKL_PORTABLE")}
        hosts = {}
        for way, flags in ways.items():
            (folder / way).mkdir()
            hosts[way] = HostProgram(compiled.program, compiled.plan, folder / way, flags)
        peer = Reference(compiled.inference, folder)
        jobs = {"im2col forward": time_job(peer.forward, 3)}
        for way, host in hosts.items():
            jobs[f"{way} forward"] = time_job(lambda h=host: h.forward(x), 3)
            jobs[f"{way} train_step"] = time_job(lambda h=host: h.train_step(x, 3, 0.01), 2)
        found = in_turns(jobs, rounds)
    work = {"forward": forward, "train_step": forward + backward}
    rates = {
        job: spread([work[job.split()[1]] / s / 1e6 for s in seconds])
        for job, seconds in found.items()
    }
    base = rates["im2col forward"]["median"]
    return {
        "million_multiplies_a_second": rates,
        "forward_over_im2col": {
            way: round(rates[f"{way} forward"]["median"] / base, 2) for way in ways
        },
    }


def main() -> None:
    """Measure and write benchmarks/results/tiny_speed.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    inference = read_pretrained(options.folder / f"{MODEL}.npz", "net", 10)
    compiled = compile_program(inference, scheme=preset_scheme(inference, PRESET))
    forward, backward = count_macs(compiled)
    counts = {core: count_instructions(compiled, core) for core in TICK_NS}
    portable = {core: count_instructions(compiled, core, "-DKL_PORTABLE") for core in TICK_NS}
    findings = {
        "scheme": PRESET,
        "multiplies": {"forward": forward, "backward": backward},
        "instructions": counts,
        "instructions_portable": portable,
        "portable_over_vector": {
            core: {what: round(portable[core][what] / n, 2) for what, n in count.items()}
            for core, count in counts.items()
        },
        "this_machine": measure_host_speed(compiled, options.rounds),
    }
    print(findings)
    command = f"python -m benchmarks.tiny_speed FOLDER --rounds {options.rounds}"
    print(write_results("tiny_speed", command, findings))


if __name__ == "__main__":
    main()
