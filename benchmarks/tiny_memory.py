"""Memory of the published networks and schemes, and bit-identity across machines.

    python -m benchmarks.tiny_memory FOLDER     # with mcunet-5fps.npz, mbv2-w0.35.npz, ...

For each published scheme, with a head of ten classes: arena, its lower bound and trained tensors
after each optimisation; flash and RAM as linked for a Cortex-M4 with the example main; the time of
code generation. The results include the figures of the paper (Lin et al. 2022, figures 1 and 9) and
of its generator in units of 1024 bytes. For MCUNet also whether the simulator, this machine and
emulated boards give the same loss and CRC.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import write_results
from kinoloom.tiny.api import CompiledProgram, compile_program
from kinoloom.tiny.codegen.board import measure_linked_size
from kinoloom.tiny.codegen.project import make_example_input, make_example_label
from kinoloom.tiny.front.pretrained import PRESETS, preset_scheme, read_pretrained
from kinoloom.tiny.page import build_memory_ladder, count_macs

STEPS, CLASSES = 10, 10
PUBLISHED_KB = {
    "mcunet-148kb": {"full": 3650, "sparse": 560, "sparse, reordered": 173},
    "mcunet-99kb": {"sparse": 509, "sparse, reordered": 160},
    "mcunet-49kb": {"sparse": 488, "sparse, reordered": 134, "its own generator": 231.9},
    "mbv2-138kb": {"full": 2939, "sparse": 335, "sparse, reordered": 141},
    "proxyless-148kb": {"full": 2745, "sparse": 326, "sparse, reordered": 135},
}

RUNGS = (
    "all trained, order of a framework",
    "all trained, updates at once",
    "chosen trained, order of a framework",
    "chosen trained, updates at once",
    "... and gradients channel by channel",
    "... and the forward pass row by row",
)
"""Keys of the memory ladder in the results; earlier results have the same keys."""


def measure_memory(folder: Path, name: str) -> tuple[dict[str, Any], CompiledProgram]:
    """Measure the memory ladder of a preset; return it and the compiled network."""
    inference = read_pretrained(folder / f"{PRESETS[name].model}.npz", "net", CLASSES)
    scheme = preset_scheme(inference, name)
    begin = time.process_time()
    compiled = compile_program(inference, scheme=scheme)
    source = compiled.sources.source
    seconds = time.process_time() - begin
    columns = ("arena", "bound", "trained_tensors", "ram")
    ladder = build_memory_ladder(inference, scheme, "cross-entropy", compiled)
    rows = {
        key: dict(zip(columns, sizes, strict=True))
        for key, (_, *sizes) in zip(RUNGS, ladder, strict=True)
    }
    forward, backward = count_macs(compiled)
    facts = {
        "ladder_bytes": rows,
        "ladder_kb": {what: round(row["ram"] / 1024, 1) for what, row in rows.items()},
        "published_kb": PUBLISHED_KB[name],
        "arena_over_bound": round(compiled.plan.peak / compiled.plan.lower_bound, 4),
        "saved_by": compare_memory(rows),
        "linked": measure_linked(compiled),
        "constants_bytes": compiled.program.constant_bytes,
        "multiplies": {"forward": forward, "backward": backward},
        "generation_cpu_s": round(seconds, 2),
        "source_bytes": len(source),
    }
    return facts, compiled


def compare_memory(rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return the factors of memory saved by the order of operations and by the scheme."""
    ram = [row["ram"] for row in rows.values()]
    arena = [row["arena"] for row in rows.values()]
    return {
        "order, RAM": round(ram[2] / ram[-1], 2),
        "order, arena": round(arena[2] / arena[-1], 2),
        "choice and order, RAM": round(ram[0] / ram[-1], 2),
    }


def measure_linked(compiled: CompiledProgram) -> dict[str, int]:
    """Return the bytes of flash and RAM on a Cortex-M4, with the example main."""
    with tempfile.TemporaryDirectory() as name:
        compiled.write(Path(name))
        flash, ram = measure_linked_size(Path(name), "m4")
    return {"flash_bytes": flash, "ram_bytes": ram}


def compare_machines(compiled: CompiledProgram) -> dict[str, Any]:
    """Return loss and CRC after the steps of the example main, by machine."""
    device, loss = compiled.simulator(), 0.0
    for step in range(STEPS):
        x, label = (
            make_example_input(compiled.program, step),
            make_example_label(compiled.program, step),
        )
        loss = device.train_step(x, label, 0.01)
    crc = device.export()[-4:][::-1].hex()
    bits_of_loss = struct.pack(">f", loss).hex()
    found = {"simulator": f"loss {bits_of_loss} crc {crc}"}
    with tempfile.TemporaryDirectory() as name:
        compiled.write(Path(name))
        for target in ("host", "m4", "m7", "m33"):
            line = ["make", "-s", f"run-{target}", f"STEPS={STEPS}"]
            done = subprocess.run(line, cwd=name, capture_output=True, text=True, timeout=3000)
            words = (done.stdout or done.stderr).split()
            found[target] = " ".join(words) if done.returncode == 0 else done.stderr[-300:]
    return {**found, "all_equal": len(set(found.values())) == 1}


def main() -> None:
    """Measure and write benchmarks/results/tiny_memory.json."""
    folder = Path(sys.argv[1])
    found: dict[str, Any] = {}
    for name in PRESETS:
        found[name], compiled = measure_memory(folder, name)
        print(name, found[name]["ladder_bytes"], flush=True)
        if name == "mcunet-49kb":
            found[name]["bits"] = compare_machines(compiled)
            print(found[name]["bits"], flush=True)
    findings = {"classes": CLASSES, "steps": STEPS, "presets": found}
    print(write_results("tiny_memory", "python -m benchmarks.tiny_memory FOLDER", findings))


if __name__ == "__main__":
    main()
