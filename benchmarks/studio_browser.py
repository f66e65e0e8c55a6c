"""What the studio's client costs in a browser: keystrokes, undo, first views, exact frames, bytes.

    python -m benchmarks.studio_browser [--films FOLDER] [--only NAME]

Needs the extras `studio` and `dev`, and Debian's chromium; it takes three to four minutes on an
idle machine. `--films` names films whose frames carry their number, with numbers.json; without it,
some are generated. Times of keystrokes are compared with empty frames of the same run: those after
a key that changes nothing. `--only` names one measurement ("first page", "words", "views", "tabs"
or "player"), which is printed, but not written.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.common import ROOT, spread, write_results
from benchmarks.studio_browser_scripts import (
    COUNT_ROWS,
    EDIT_OFTEN,
    REPORT_VIEW,
    STEP_THROUGH,
    WATCH_KEYS,
)
from benchmarks.studio_server import RunningStudio, run_studio
from kinoloom.pipelines.local.session import LocalSession

sys.path.insert(0, str(ROOT / "tests" / "studio"))  # the words page, and films with numbers

from numbered import write_numbered
from page_packages import PAGES, declare_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request

_FILES, _EXECUTIONS, _STEPS, _ROWS = 10_000, 1_000, 1_000, 100_000
_KEYS, _UNDOS, _ROUNDS, _TABS = 100, 1_000, 5, 10
_TIMEOUT_MS = 120_000
_ARN = "arn:aws:lambda:local:000000000000:function:nothing"
_GOALS = {
    "keystroke, median": "3 empty frames",
    "keystroke, 95th percentile": "5 empty frames",
    "1,000 undos": "1 s",
    "first views": "1 s",
    "rows in the document": "400",
    "frames with a wrong number": "0",
    "bytes of the first page": "150 KB",
    "requests to other hosts": "0",
}


@dataclass(frozen=True)
class Filled:
    """The folder of the studio.

    Attributes:
        folder: with files, films and executions.
        wide: the execution of a pipeline of many steps.
        small: the execution of a pipeline of one step.
    """

    folder: Path
    wide: str
    small: str


def main() -> None:
    """Measure and write benchmarks/results/studio_browser.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=Path, help="films with numbered frames")
    parser.add_argument("--only", choices=list(_MEASUREMENTS), help="one measurement, only printed")
    arguments = parser.parse_args()
    names = [arguments.only] if arguments.only else list(_MEASUREMENTS)
    findings: dict[str, Any] = {"goals": _GOALS, "load_of_the_machine": _read_load()}
    with tempfile.TemporaryDirectory() as text:
        folder, site = Path(text) / "films", Path(text) / "site"
        executions = _fill(folder, arguments.films)
        declare_pages(site, {"words": "words.page:PAGE"})
        paths = [str(site), str(PAGES), os.environ.get("PYTHONPATH", "")]
        environment = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        with run_studio(folder, environment) as studio, _open_browser() as browser:
            findings |= _measure(browser, studio, Filled(folder, *executions), names)
    print(json.dumps(findings, indent=2))
    if not arguments.only:
        write_results("studio_browser", "python -m benchmarks.studio_browser", findings)


def _measure(
    browser: Browser, studio: RunningStudio, filled: Filled, names: list[str]
) -> dict[str, Any]:
    """Run measurements, the first page first: nothing is cached then."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(_TIMEOUT_MS)
    foreign: list[str] = []
    own = (studio.url, "blob:", "data:", "about:")

    def check(request: Request) -> None:
        if not request.url.startswith(own):
            foreign.append(request.url)

    context.on("request", check)
    findings: dict[str, Any] = {}
    first = _measure_first_page(context, studio)
    for name in names:
        begin = time.monotonic()
        findings |= (
            {name: first} if name == "first page" else _MEASUREMENTS[name](context, studio, filled)
        )
        print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    findings["requests to other hosts"] = len(foreign)
    context.close()
    return findings


def _measure_first_page(context: BrowserContext, studio: RunningStudio) -> dict[str, Any]:
    """Log in and return the bytes of the page, compressed as they were sent, without media."""
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}
    network.on(
        "Network.responseReceived", lambda one: kinds.update({one["requestId"]: one["type"]})
    )
    network.on(
        "Network.loadingFinished",
        lambda one: sizes.update({one["requestId"]: one["encodedDataLength"]}),
    )
    page.goto(f"{studio.url}/?token={studio.token}")
    page.get_by_role("heading", name="What to do").wait_for()
    page.wait_for_timeout(1000)  # what loads after the first view counts, too
    media = ("Image", "Media")
    counted = {one: size for one, size in sizes.items() if kinds.get(one) not in media}
    page.close()
    return {"bytes": int(sum(counted.values())), "requests": len(counted)}


def _measure_texts(
    context: BrowserContext, studio: RunningStudio, filled: Filled
) -> dict[str, Any]:
    """Edit a text of usual length, and one that is three times as long."""
    lengths = {"10,000 words": 10_000, "30,000 words": 30_000}
    return {name: _measure_words(context, studio, words) for name, words in lengths.items()}


def _measure_words(context: BrowserContext, studio: RunningStudio, words: int) -> dict[str, Any]:
    """Type into the middle of a text, then undo a thousand changes, three times."""
    page = context.new_page()
    page.goto(f"{studio.url}/#/words?words={words}&name=bench{words}")
    page.get_by_text(f"{words:,} words. All changes kept").wait_for()
    region = page.get_by_role("region", name="Text")
    region.evaluate("(element) => { element.scrollTop = element.scrollHeight / 2; }")
    middle = page.get_by_label(f"Paragraph {words // 120 + 1}", exact=True)
    middle.focus()
    page.evaluate(WATCH_KEYS)
    for k in range(_KEYS):
        page.keyboard.press("F9")
        page.keyboard.press("abcdefghij "[k % 11])
    page.wait_for_function(
        "(count) => keysMs.letters.length === count && keysMs.empty.length === count", arg=_KEYS
    )
    keys, empty = page.evaluate("() => [keysMs.letters, keysMs.empty]")
    undos = [_measure_undos(page) for _ in range(3)]
    page.close()
    frame = statistics.median(empty)
    return {
        "empty frame, ms": spread(empty),
        "keystroke, ms": {**spread(keys), "p95": round(float(np.percentile(keys, 95)), 1)},
        "empty frames, median": round(statistics.median(keys) / frame, 2),
        "empty frames, p95": round(float(np.percentile(keys, 95)) / frame, 2),
        "1,000 undos, s": spread(undos),
    }


def _measure_undos(page: Page) -> float:
    page.get_by_role("region", name="Text").evaluate("(element) => { element.scrollTop = 0; }")
    first = page.get_by_label("Paragraph 1", exact=True)
    before = first.input_value()
    page.evaluate(EDIT_OFTEN, _UNDOS)
    page.get_by_text("All changes kept").wait_for()
    page.evaluate("() => document.querySelector('[data-undo-ms]')?.removeAttribute('data-undo-ms')")
    page.get_by_role("button", name="Undo a thousand times").click()
    shown = page.locator("[data-undo-ms]")
    shown.wait_for(state="attached")
    page.wait_for_function(
        "(text) => document.querySelector('.words-paragraph').value === text", arg=before
    )
    return float(shown.get_attribute("data-undo-ms") or "nan") / 1000


def _measure_views(
    context: BrowserContext, studio: RunningStudio, filled: Filled
) -> dict[str, Any]:
    """Open long lists in new tabs; scroll through each, and count its rows in the document."""
    views = {
        "10,000 files": (
            "home?folder=many",
            "document.querySelectorAll('.home-tile').length > 9"
            " && document.body.innerText.includes('10,000 in this folder')",
            (None, ".home-tile"),
        ),
        "1,000 executions": (
            f"pipelines?execution={filled.small}",
            "document.querySelectorAll('.list-row').length > 9"
            " && document.querySelector('.graph-node')",
            (".list", ".list-row"),
        ),
        "a graph of 1,000 steps": (
            f"pipelines?execution={filled.wide}",
            "document.querySelectorAll('.graph-node').length > 9",
            (".graph", ".graph-node"),
        ),
        "a table of 100,000 rows": (
            "parts?story=Table",
            "document.querySelectorAll('[role=row]').length > 9",
            (".table", "[role=row]"),
        ),
    }
    times: dict[str, Any] = {}
    rows: dict[str, int] = {}
    for name, (place, ready, (box, row)) in views.items():
        shown, complete = [], []
        for last in (False,) * (_ROUNDS - 1) + (True,):
            page = context.new_page()
            page.add_init_script(REPORT_VIEW.replace("READY", ready))
            page.goto(f"{studio.url}/#/{place}")
            page.wait_for_function("() => window.picturesMs")
            shown.append(page.evaluate("() => shownMs"))
            complete.append(page.evaluate("() => picturesMs"))
            if last:
                rows[name] = page.evaluate(COUNT_ROWS, [box, row, 100])
            page.close()
        times[name] = {"shown": spread(shown), "with pictures": spread(complete)}
    return {"first views, ms": times, "rows in the document": rows}


def _measure_tabs(context: BrowserContext, studio: RunningStudio, filled: Filled) -> dict[str, Any]:
    """Open tabs that stay open; a browser allows six connections to a server."""
    pages, shown = [], []
    for _ in range(_TABS):
        page = context.new_page()
        page.add_init_script(
            REPORT_VIEW.replace("READY", "document.querySelectorAll('.home-op').length > 2")
        )
        page.goto(f"{studio.url}/#/home")
        page.wait_for_function("() => window.shownMs")
        shown.append(round(page.evaluate("() => shownMs"), 1))
        pages.append(page)
    for page in pages:
        page.close()
    return {"tabs": {"shown, ms": shown, "last to first": round(shown[-1] / shown[0], 2)}}


def _measure_player(
    context: BrowserContext, studio: RunningStudio, filled: Filled
) -> dict[str, Any]:
    """Step through every film in both directions and read the number of each frame."""
    found: dict[str, dict[str, Any]] = {}
    films = json.loads((filled.folder / "films" / "numbers.json").read_text())
    for film in (one for one in films if "frames" in one):
        page = context.new_page()
        page.goto(f"{studio.url}/#/parts?story=Player&path=films/{film['file']}")
        page.get_by_text(f"frame 0 of {film['frames']}").wait_for()
        one = page.evaluate(STEP_THROUGH, film["frames"])
        found[film["file"]] = {**one, "steps_ms": spread(one["steps_ms"])}
        page.close()
    return {"player": found}


_MEASUREMENTS: dict[str, Callable[[BrowserContext, RunningStudio, Filled], dict[str, Any]]] = {
    "first page": lambda context, studio, filled: {},
    "words": _measure_texts,
    "views": _measure_views,
    "tabs": _measure_tabs,
    "player": _measure_player,
}


@contextmanager
def _open_browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def _fill(folder: Path, films: Path | None) -> tuple[str, str]:
    """Make the files and executions; return the ids of a wide execution and of a small one."""
    from PIL import Image

    many = folder / "many"
    many.mkdir(parents=True)
    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(many / "00000.jpg")
    picture = (many / "00000.jpg").read_bytes()
    for k in range(1, _FILES):
        (many / f"{k:05}.jpg").write_bytes(picture)
    if films is None:
        _write_films(folder / "films")
    else:
        shutil.copytree(films, folder / "films", copy_function=shutil.copyfile)
        (folder / "films").chmod(0o755)
    session = LocalSession(folder / ".kinoloom")
    session.register_function(_ARN, lambda event, context: {})
    run = _prepare(session, "Small", [_describe_step(0)])
    small = [run() for _ in range(_EXECUTIONS)]
    return _prepare(session, "Wide", [_describe_step(k) for k in range(_STEPS)])(), small[-1]


def _prepare(session: LocalSession, name: str, steps: list[dict[str, Any]]) -> Callable[[], str]:
    session.put_pipeline(name, json.dumps({"Version": "2020-12-01", "Steps": steps}))

    def run() -> str:
        execution = session.start(name)
        execution.wait()
        return execution.id

    return run


def _describe_step(k: int) -> dict[str, Any]:
    return {
        "Name": f"Step{k}",
        "Type": "Lambda",
        "Arguments": {},
        "FunctionArn": _ARN,
        "DependsOn": [f"Step{k // 2}"] if k else [],
    }


def _write_films(folder: Path) -> None:
    folder.mkdir()
    rates = {"film": Fraction(24000, 1001), "plain": Fraction(30), "fast": Fraction(60000, 1001)}
    times = {f"{name}.mp4": [k / rate for k in range(60)] for name, rate in rates.items()}
    times["loose.mp4"] = [Fraction(k, 30) + Fraction(k % 3, 90) for k in range(60)]
    times["late.mp4"] = [2 + Fraction(k, 25) for k in range(60)]
    for name, all_times in times.items():
        write_numbered(folder / name, all_times)
    films = [{"file": name, "frames": len(all_times)} for name, all_times in times.items()]
    (folder / "numbers.json").write_text(json.dumps(films))


def _read_load() -> float:
    return round(os.getloadavg()[0], 1)


if __name__ == "__main__":
    main()
