"""Memory of the published networks and schemes, and their bits on boards.

    python -m benchmarks.tiny_memory FOLDER     # with mcunet-5fps.npz, mbv2-w0.35.npz, ...

For each published scheme: arena, its lower bound and trained tensors, by way of training, with a
head of ten classes. For MCUNet also flash and RAM as linked for a Cortex-M4, and whether the
simulator, this machine and emulated boards give the same loss and CRC after some steps. Figures of
the paper (Lin et al. 2022, figures 1 and 9, in KB) and of its own generator are beside ours.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import write_results
from kinoloom.tiny.api import Compiled, compile_program
from kinoloom.tiny.codegen.model import image_of
from kinoloom.tiny.codegen.project import example_input, example_label
from kinoloom.tiny.commands import sizes
from kinoloom.tiny.page import ladder, multiplies
from kinoloom.tiny.pretrained import PRESETS, preset_scheme, read_pretrained

STEPS, CLASSES = 3, 10
PUBLISHED_KB = {
    "mcunet-148kb": {"full": 3650, "sparse": 560, "sparse, reordered": 173},
    "mcunet-99kb": {"sparse": 509, "sparse, reordered": 160},
    "mcunet-49kb": {"sparse": 488, "sparse, reordered": 134, "its own generator": 237.456},
    "mbv2-138kb": {"full": 2939, "sparse": 335, "sparse, reordered": 141},
    "proxyless-148kb": {"full": 2745, "sparse": 326, "sparse, reordered": 135},
}


def memory(folder: Path, name: str) -> tuple[dict[str, Any], Compiled]:
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
        for what, *sizes_ in ladder(inference, scheme, "cross-entropy", made)
    }
    forward, backward = multiplies(made)
    facts = {
        "ladder_bytes": rows,
        "published_kb": PUBLISHED_KB[name],
        "constants_bytes": made.program.constant_bytes,
        "multiplies": {"forward": forward, "backward": backward},
        "generation_cpu_s": round(seconds, 2),
        "source_bytes": len(source),
    }
    return facts, made


def bits(made: Compiled) -> dict[str, str]:
    """Loss and CRC after the steps of the example main, by machine."""
    device, loss = made.simulator(), 0.0
    for step in range(STEPS):
        x, label = example_input(made.program, step), example_label(made.program, step)
        loss = device.train_step(x, label, 0.01)
    crc = image_of(made.program, device.memory.params)[-4:][::-1].hex()
    found = {"simulator": f"{float(loss).hex()} crc {crc}"}
    with tempfile.TemporaryDirectory() as name:
        made.write(Path(name))
        for target in ("host", "m4", "m7", "m33"):
            line = ["make", "-s", f"run-{target}", f"STEPS={STEPS}"]
            done = subprocess.run(line, cwd=name, capture_output=True, text=True, timeout=900)
            words = (done.stdout or done.stderr).split()
            found[target] = " ".join(words) if done.returncode == 0 else done.stderr[-300:]
        flash, ram = sizes(Path(name), "m4")
    return {**found, "flash_bytes": str(flash), "linked_ram_bytes": str(ram)}


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
