"""What the studio's server costs: start, ranges of a large file, events for many listeners.

    python -m benchmarks.studio --rounds 5 --gradio PYTHON

`--gradio` names an interpreter that has Gradio; its rows are omitted without it.
"""

from __future__ import annotations

import argparse
import compileall
import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, spread, write_results
from benchmarks.studio_server import find_port, run_studio

_GIB = 1 << 30
_RANGE_BYTES = 64 << 10
_SMALL_BYTES = 1 << 10
_LISTENERS, _EVENTS_A_SECOND, _LISTEN_S = 50, 10, 20
_PREVIEW_PX, _PREVIEWS = 640, 20
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running web server.

    Attributes:
        process: it.
        port: on the loopback interface.
        headers: that its requests need.
    """

    process: subprocess.Popen[Any]
    port: int
    headers: dict[str, str]

    def request(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, bytes]:
        """Send one request on a connection of its own; return status and content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {**self.headers, **headers}
        if body is not None:
            sent |= {"content-type": "application/json", "origin": f"http://127.0.0.1:{self.port}"}
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content


def main() -> None:
    """Measure and write benchmarks/results/studio.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--gradio", help="interpreter with gradio")
    arguments = parser.parse_args()
    compileall.compile_dir(ROOT / "src", quiet=1)  # as pip does for an installed package
    starts: dict[str, list[dict[str, float]]] = {"studio": []}
    for _ in range(arguments.rounds):
        starts["studio"].append(_measure_start(_studio))
        if arguments.gradio:
            peer = lambda folder: _gradio(arguments.gradio)  # noqa: E731
            starts.setdefault("gradio", []).append(_measure_start(peer))
    findings: dict[str, Any] = {
        "rounds": arguments.rounds,
        "load_of_the_machine": round(os.getloadavg()[0], 1),
        "start": {
            name: {key: spread([one[key] for one in rows]) for key in rows[0]}
            for name, rows in starts.items()
        },
    }
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        findings["ranges"] = _measure_ranges(folder)
        findings["listeners"] = _measure_listeners(folder)
        findings["previews"] = {name: _measure_previews(folder, name) for name in ("fast", "deep")}
    command = "python -m benchmarks.studio --gradio PYTHON"
    print(json.dumps(findings, indent=2))
    write_results("studio", command, findings)


def _measure_start(start: Any) -> dict[str, float]:
    """Return the CPU seconds and the memory of a server at its first answer."""
    with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as server:
        server.request("GET", "/")
        return {"cpu_s": _read_cpu_s(server), "memory_mb": _read_memory_bytes(server) / 1e6}


@contextmanager
def _studio(folder: Path) -> Iterator[Server]:
    with run_studio(folder) as studio:
        connection = http.client.HTTPConnection("127.0.0.1", studio.port)
        connection.request("GET", f"/?token={studio.token}")
        cookie = connection.getresponse().headers["set-cookie"].partition(";")[0]
        connection.close()
        yield Server(studio.process, studio.port, {"cookie": cookie})


@contextmanager
def _gradio(python: str) -> Iterator[Server]:
    port = find_port()
    script = ROOT / "benchmarks" / "peers" / "gradio_app.py"
    process = subprocess.Popen(
        [python, str(script), str(port)],
        env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"},
        stdout=subprocess.DEVNULL,
    )
    server = Server(process, port, {})
    while True:
        try:
            if server.request("GET", "/")[0] == 200:
                break
        except OSError:
            time.sleep(0.1)
    try:
        yield server
    finally:
        process.terminate()
        process.wait()


def _measure_ranges(folder: Path) -> dict[str, Any]:
    """Compare 64 KB at random places of 1 GiB with a file of 1 KB; the server's memory growth."""
    with (folder / "large.mp4").open("wb") as large:
        large.truncate(_GIB)
    (folder / "small.mp4").write_bytes(bytes(_SMALL_BYTES))
    generator = random.Random(0)
    with _studio(folder) as server:
        times: dict[str, list[float]] = {"64 KB of 1 GiB": [], "1 KB file": []}
        for _ in range(100):
            at = generator.randrange(_GIB - _RANGE_BYTES)
            for name, path, headers in (
                ("64 KB of 1 GiB", "/media/large.mp4", {"range": f"bytes={at}-{at + 65535}"}),
                ("1 KB file", "/media/small.mp4", {}),
            ):
                begin = time.perf_counter()
                status, content = server.request("GET", path, **headers)
                times[name].append(1000 * (time.perf_counter() - begin))
                assert status in (200, 206), (status, content[:200])
        before = _read_memory_bytes(server)
        assert _download(server, "/media/large.mp4") == _GIB
        growth = _read_memory_bytes(server) - before
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {
        "milliseconds": {name: spread(values) for name, values in times.items()},
        "ratio": round(medians["64 KB of 1 GiB"] / medians["1 KB file"], 2),
        "memory growth over 1 GiB, MB": round(growth / 1e6, 1),
    }


def _download(server: Server, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    connection.request("GET", path, headers=server.headers)
    answer, total = connection.getresponse(), 0
    while chunk := answer.read(1 << 20):
        total += len(chunk)
    connection.close()
    return total


def _measure_listeners(folder: Path) -> dict[str, Any]:
    """Send changes of a note to 50 listeners; count lost ones and the server's time."""
    counts = [0] * _LISTENERS
    with _studio(folder) as server:
        ready = threading.Barrier(_LISTENERS + 1)
        total = _EVENTS_A_SECOND * _LISTEN_S

        def listen(number: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            path = "/events?topic=doc:notes/note/bench"
            connection.request("GET", path, headers=server.headers)
            answer = connection.getresponse()
            answer.readline()
            ready.wait()
            while counts[number] < total and (line := answer.readline()):
                counts[number] += line.startswith(b"data:")
            connection.close()

        threads = [threading.Thread(target=listen, args=(k,)) for k in range(_LISTENERS)]
        for thread in threads:
            thread.start()
        ready.wait()
        begin, cpu = time.monotonic(), _read_cpu_s(server)
        for number in range(total):
            was = f"line {number - 1}" if number else ""
            change = {"type": "title", "text": f"line {number}", "was": was}
            body = {"changes": [{"key": f"bench-{number}", "seq": number, "change": change}]}
            status, content = server.request(
                "POST", "/api/documents/notes/note/bench/changes", body
            )
            assert status == 200, content
            time.sleep(max(0, begin + (number + 1) / _EVENTS_A_SECOND - time.monotonic()))
        for thread in threads:
            thread.join(30)
        elapsed = time.monotonic() - begin
        share = (_read_cpu_s(server) - cpu) / elapsed
    return {
        "listeners": _LISTENERS,
        "events": total,
        "lost": sum(total - count for count in counts),
        "share of a core": round(share, 3),
    }


def _list_processes(server: Server) -> list[int]:
    """The server's process and its children."""
    pids = [server.process.pid]
    for pid in pids:
        for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
            pids += [int(word) for word in tasks.read_text().split()]
    return pids


def _measure_previews(folder: Path, engine: str) -> dict[str, Any]:
    """Compare frames of a film that does not exist yet, in random order, with a whole film."""
    import kinoloom

    paths = [ROOT / "examples" / "photos" / f"aloe{k}.jpg" for k in (1, 2)]
    options: dict[str, Any] = {"engine": engine, "size": _PREVIEW_PX, "seconds": 2}
    begin = time.perf_counter()
    count = sum(1 for _ in kinoloom.interpolate(paths, **options))
    own_ms = 1000 * (time.perf_counter() - begin) / (count - 2)  # the photos are frames, too
    for path in paths:
        shutil.copy(path, folder)
    numbers = random.Random(0).sample(range(1, count - 1), _PREVIEWS + 1)
    times = []
    with _studio(folder) as server:
        for number in numbers:
            asked = {"files": "\n".join(path.name for path in paths), "number": number, **options}
            body = {"options": {**asked, "width": _PREVIEW_PX}}
            begin = time.perf_counter()
            status, content = server.request("POST", "/api/film/frame", body)
            times.append(1000 * (time.perf_counter() - begin))
            assert status == 200, content[:200]
    first_ms, *warm = times
    return {
        "a frame of a whole film, ms": round(own_ms, 1),
        "the first frame, ms": round(first_ms, 1),
        "another frame, ms": spread(warm),
        "ratio": round(statistics.median(warm) / own_ms, 2),
    }


def _read_cpu_s(server: Server) -> float:
    total = 0
    for pid in _list_processes(server):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def _read_memory_bytes(server: Server) -> int:
    pages = (
        int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in _list_processes(server)
    )
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
