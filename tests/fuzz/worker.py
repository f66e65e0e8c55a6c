"""Runs cases in processes of their own, within limits; started by `campaign`.

One line of JSON on standard input is a case, one on standard output is its outcome. The libraries
are loaded once, and each case runs in a fork, so that a crash, a leak or a hang ends with it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

CPU_S = 60
WALL_S = 240
"""A case that runs longer hangs; the limit allows for a busy machine."""
PEAK_BYTES = 2 << 30
"""Pictures of `media.limits.PIXEL_LIMIT` in 8 bits, a few times."""
_ADDRESS_BYTES = 12 << 30
_FILE_BYTES = 512 << 20
_LONGEST_MESSAGE = 2000


@dataclass(frozen=True)
class Verdict:
    """The outcome of a case.

    Attributes:
        problem: what is wrong; "" if the outcome is allowed.
        detail: the message of the error, or a traceback.
        refused: whether the reader raised a `KinoloomError`.
        peak_bytes: growth of the resident memory at its peak.
        seconds: processor time.
    """

    problem: str
    detail: str = ""
    refused: bool = False
    peak_bytes: int = 0
    seconds: float = 0.0


def main() -> None:
    """Serve until standard input ends."""
    from fuzz.targets import TARGETS, preload

    preload()
    for line in sys.stdin:
        case = json.loads(line)
        target = TARGETS[case["target"]]
        verdict = run_case(target, Path(case["input"]), Path(case["folder"]))
        print(json.dumps(asdict(verdict)), flush=True)


def run_case(
    target: Callable[[Path, Path], None], source: Path, folder: Path, wall_s: float = WALL_S
) -> Verdict:
    """Run a target on a file in a fork, and decide whether its outcome is allowed.

    Args:
        target: a reader of `targets`.
        source: the input.
        folder: an empty folder for outputs.
        wall_s: longest duration.
    """
    process = os.fork()
    if process == 0:
        _run_and_exit(target, source, folder)
    status, usage = _wait(process, wall_s)
    start = folder / "resident"
    before = int(start.read_text()) if start.is_file() else 0
    peak = max(0, usage.ru_maxrss * 1024 - before)
    seconds = usage.ru_utime + usage.ru_stime
    found = _read_outcome(folder, status)
    if not found.problem and peak > PEAK_BYTES:
        found = Verdict(f"the memory grew by {peak >> 20} MiB", found.detail)
    return Verdict(found.problem, found.detail, found.refused, peak, seconds)


def _wait(process: int, wall_s: float) -> tuple[int, resource.struct_rusage]:
    end = time.monotonic() + wall_s
    while time.monotonic() < end:
        done, status, usage = os.wait4(process, os.WNOHANG)
        if done:
            return status, usage
        time.sleep(0.002)
    os.kill(process, signal.SIGKILL)
    _, status, usage = os.wait4(process, 0)
    return -1, usage


def _read_outcome(folder: Path, status: int) -> Verdict:
    if status == -1:
        return Verdict(f"it ran for more than {WALL_S} s")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        what = "it used too much processor time" if number == signal.SIGXCPU else "it was killed"
        return Verdict(f"{what}: signal {number}", _read_log(folder)[-4000:])
    record = folder / "outcome.json"
    if not record.is_file():
        return Verdict(f"the process exited with status {status}", _read_log(folder)[-4000:])
    return Verdict(**json.loads(record.read_text()))


def _read_log(folder: Path) -> str:
    log = folder / "log.txt"
    return log.read_text(errors="replace") if log.is_file() else ""


def _run_and_exit(target: Callable[[Path, Path], None], source: Path, folder: Path) -> None:
    """Run the target in this fork, write the outcome and end the process."""
    code = 1
    try:
        _enter(folder)
        verdict = _observe(target, source, folder)
        (folder / "outcome.json").write_text(json.dumps(asdict(verdict)))
        code = 0
    finally:
        os._exit(code)


def _enter(folder: Path) -> None:
    for name in ("out", "temporary"):
        (folder / name).mkdir()
    (folder / "resident").write_text(str(_peak_bytes()))
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "inductor")
    os.environ["TMPDIR"] = str(folder / "temporary")
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_BYTES, _ADDRESS_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _observe(target: Callable[[Path, Path], None], source: Path, folder: Path) -> Verdict:
    from kinoloom.errors import DefinitionError, KinoloomError

    before = _list_files(source.parent)
    refused, detail = False, ""
    try:
        target(source, folder / "out")
    except KinoloomError as error:
        refused, detail = True, str(error)
        if problem := _find_fault(detail, is_list=isinstance(error, DefinitionError)):
            return Verdict(problem, detail, refused)
    except BaseException as error:  # noqa: BLE001  any other exception is a finding
        return Verdict(f"{type(error).__name__}: {error}"[:300], traceback.format_exc()[-6000:])
    left = [path.name for path in (folder / "temporary").iterdir()]
    left += [path.name for path in (folder / "out").iterdir()] if refused else []
    if left:
        return Verdict(f"files were left: {', '.join(sorted(left))[:200]}", detail, refused)
    if _list_files(source.parent) != before:
        return Verdict("the input folder was changed", detail, refused)
    return Verdict("", detail, refused)


def _find_fault(message: str, *, is_list: bool) -> str:
    """Return what is wrong with the message of an error; "" if nothing is."""
    lines = message.splitlines()
    if not message.strip():
        return "the message is empty"
    if len(lines) > 1 and not is_list:
        return "the message has several lines"
    if max(map(len, lines)) > _LONGEST_MESSAGE:
        return f"the message has a line of {max(map(len, lines))} characters"
    if any("Traceback" in line or 'File "' in line for line in lines):
        return "the message shows code"
    return ""


def _list_files(folder: Path) -> list[tuple[str, int, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def as_case(**fields: Any) -> str:
    """Return a case as the line that a worker reads."""
    return json.dumps(fields) + "\n"


if __name__ == "__main__":
    main()
