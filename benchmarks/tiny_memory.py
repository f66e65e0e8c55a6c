"""Memory of the published networks and schemes, and their bits on boards.

    python -m benchmarks.tiny_memory FOLDER     # with mcunet-5fps.npz, mbv2-w0.35.npz, ...

For each published scheme: arena, its lower bound and trained tensors, by way of training, with a
head of ten classes; flash and RAM as linked for a Cortex-M4 with the example's code and buffers;
the time to generate. The figures of the paper (Lin et al. 2022, figures 1 and 9) and of its own
generator are beside ours, all in units of 1024 bytes. For MCUNet also whether the simulator, this
machine and emulated boards give the same loss and CRC after the steps.
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
from kinoloom.tiny.codegen.model import encode_image
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


def memory(folder: Path, name: str) -> tuple[dict[str, Any], CompiledProgram]:
    """The ladder of a preset, and what was compiled."""
    inference = read_pretrained(folder / f"{PRESETS[name].model}.npz", "net", CLASSES)
    scheme = preset_scheme(inference, name)
    begin = time.process_time()
    made = compile_program(inference, scheme=scheme)
    source = made.sources.source
    seconds = time.process_time() - begin
    columns = ("arena", "bound", "trained_tensors", "ram")
    rows = {
        str(what): dict(zip(columns, sizes_, strict=True))
        for what, *sizes_ in build_memory_ladder(inference, scheme, "cross-entropy", made)
    }
    forward, backward = count_macs(made)
    facts = {
        "ladder_bytes": rows,
        "ladder_kb": {what: round(row["ram"] / 1024, 1) for what, row in rows.items()},
        "published_kb": PUBLISHED_KB[name],
        "arena_over_bound": round(made.plan.peak / made.plan.lower_bound, 4),
        "saved_by": saved(rows),
        "linked": linked(made),
        "constants_bytes": made.program.constant_bytes,
        "multiplies": {"forward": forward, "backward": backward},
        "generation_cpu_s": round(seconds, 2),
        "source_bytes": len(source),
    }
    return facts, made


def saved(rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    """How many times less RAM the order of work takes, for all trained and for the chosen."""
    ram = [row["ram"] for row in rows.values()]
    arena = [row["arena"] for row in rows.values()]
    return {
        "order, RAM": round(ram[2] / ram[-1], 2),
        "order, arena": round(arena[2] / arena[-1], 2),
        "choice and order, RAM": round(ram[0] / ram[-1], 2),
    }


def linked(made: CompiledProgram) -> dict[str, int]:
    """Bytes of flash and RAM on a Cortex-M4, with the example's."""
    with tempfile.TemporaryDirectory() as name:
        made.write(Path(name))
        flash, ram = measure_linked_size(Path(name), "m4")
    return {"flash_bytes": flash, "ram_bytes": ram}


def bits(made: CompiledProgram) -> dict[str, Any]:
    """Loss and CRC after the steps of the example main, by machine."""
    device, loss = made.simulator(), 0.0
    for step in range(STEPS):
        x, label = make_example_input(made.program, step), make_example_label(made.program, step)
        loss = device.train_step(x, label, 0.01)
    crc = encode_image(made.program, device.memory.params)[-4:][::-1].hex()
    bits_of_loss = struct.pack(">f", loss).hex()
    found = {"simulator": f"loss {bits_of_loss} crc {crc}"}
    with tempfile.TemporaryDirectory() as name:
        made.write(Path(name))
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
        found[name], made = memory(folder, name)
        print(name, found[name]["ladder_bytes"], flush=True)
        if name == "mcunet-49kb":
            found[name]["bits"] = bits(made)
            print(found[name]["bits"], flush=True)
    findings = {"classes": CLASSES, "steps": STEPS, "presets": found}
    print(write_results("tiny_memory", "python -m benchmarks.tiny_memory FOLDER", findings))


if __name__ == "__main__":
    main()
