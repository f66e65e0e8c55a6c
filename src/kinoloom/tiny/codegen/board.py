"""The generated project built for a Cortex-M board by the cross compiler."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from kinoloom.errors import ExecutionError


def measure_linked_size(folder: Path, core: str) -> tuple[int, int]:
    """Build a project for a core and return its bytes of flash and of static RAM.

    Args:
        folder: the generated project.
        core: "m3", "m4", "m7" or "m33".

    Raises:
        ExecutionError: The build fails, or the project does not fit the board.
    """
    build = subprocess.run(["make", "-s", core], cwd=folder, capture_output=True, text=True)
    overflow = re.search(r"region `(\w+)' overflowed by (\d+) bytes", build.stderr)
    if overflow:
        raise ExecutionError(
            f"The project exceeds the {overflow[1]} of the {core} board by {overflow[2]} bytes.",
            hint="Train fewer layers, or use another linker script.",
        )
    if build.returncode:
        raise ExecutionError(f"The build for {core} failed: {build.stderr[:2000]}")
    line = ["arm-none-eabi-size", f"{core}.elf"]
    sizes = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True).stdout
    text, data, bss = (int(word) for word in sizes.splitlines()[1].split()[:3])
    return text + data, data + bss
