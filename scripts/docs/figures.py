"""Write the tables of figures in the guides from the committed results, and lists of pages.

    python scripts/docs/figures.py

A table is between `<!-- figures: NAME -->` and `<!-- end of figures -->`. Every guide is plain
Markdown with the figures in it; a test checks that they equal `benchmarks/results`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from enhance_tables import list_preset_rows, list_tier_rows

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = (
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    DECISIONS / "README.md",
    *sorted((ROOT / "docs" / "guides").glob("*.md")),
)
_MARKED = re.compile(r"(<!-- figures: ([\w-]+) -->\n).*?(<!-- end of figures -->)", re.S)
_PEER = "cliffordlayers 0.1.1"


def main() -> None:
    """Rewrite the tables in place."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(with_figures(text), encoding="utf-8")


def with_figures(text: str) -> str:
    """Return a page with every marked table replaced by the current figures.

    Raises:
        KeyError: A marker names no table of this module.
    """
    return _MARKED.sub(lambda m: f"{m[1]}\n{TABLES[m[2]]()}\n{m[3]}", text)


_SETS = {
    "film_val": "large motion",
    "film_val_small": "small motion",
    "film_val_made": "generated",
    "film_val_local": "local motion",
}
_ENGINES = {
    "best": "`best`",
    "deep": "`deep` (default)",
    "fast": "`fast`",
    "rife-hdv3": "RIFE HDv3 (peer)",
}


def engines() -> str:
    """Return quality and speed of the interpolation engines on every set."""
    rows = {(row["engine"], name): row for name in _SETS for row in _result(name)["rows"]}
    speeds = _result("engines")["times_as_fast"]
    return _table(
        ("PSNR dB / SSIM", *_SETS.values(), "speed, RIFE HDv3 = 1"),
        (
            (
                title,
                *(_score(rows[engine, name]) for name in _SETS),
                "1"
                if engine == "rife-hdv3"
                else _number(speeds.get(f"rife-hdv3 / {engine}, 1 new"), 1),
            )
            for engine, title in _ENGINES.items()
        ),
    )


def engines_by_motion() -> str:
    """Return the PSNR of the engines for each range of motion of every set."""
    shown = ("best", "deep", "fast", "rife-hdv3")
    lines = []
    for name, title in _SETS.items():
        rows = {row["engine"]: row["strata"] for row in _result(name)["rows"]}
        for k, stratum in enumerate(rows["deep"]):
            scores = (f"{rows[engine][k]['psnr_db']:.2f}" for engine in shown)
            lines.append((title, stratum["motion"], stratum["triplets"], *scores))
    names = (_ENGINES[engine] for engine in shown)
    return _table(("PSNR dB", "mean motion", "triplets", *names), lines)


def studio() -> str:
    """Return what the studio's server and client cost, with their goals."""
    server, client = _result("studio"), _result("studio_browser")
    start = {name: row["cpu_s"]["median"] for name, row in server["start"].items()}
    memory = {name: row["memory_mb"]["median"] for name, row in server["start"].items()}
    ranges, listeners = server["ranges"], server["listeners"]
    wrong = sum(len(film["wrong"]) for film in client["player"].values())
    rows: list[tuple[object, ...]] = [
        ("CPU time to the first answer, of Gradio's", "1/10", _part(start)),
        ("memory then, of Gradio's", "1/3", _part(memory)),
        ("64 KB of a 1 GiB video, 1 KB file = 1", "3", _number(ranges["ratio"], 2)),
        ("memory growth, 1 GiB sent, MB", "10", ranges["memory growth over 1 GiB, MB"]),
        ("50 listeners, 10 events a second: lost", "0", listeners["lost"]),
        ("the same: share of a core", "0.1", listeners["share of a core"]),
        ("bytes of the first page", "150,000", f"{client['first page']['bytes']:,}"),
        ("frames with a wrong number in the player", "0", wrong),
    ]
    for words in ("10,000 words", "30,000 words"):
        keys = client[words]
        rows += [
            (
                f"{words}: keystroke in empty frames, median, 95 %",
                "3, 5",
                f"{keys['empty frames, median']:.1f}, {keys['empty frames, p95']:.1f}",
            ),
            (f"{words}: 1,000 undos, s", "1", _number(keys["1,000 undos, s"]["median"], 2)),
        ]
    for name, times in client["first views, ms"].items():
        row = f"{name}: new tab to first view, s", "1", _number(times["shown"]["median"] / 1000, 1)
        rows.append(row)
    for engine, row in server["previews"].items():
        rows.append(
            (f"preview of a frame, frame of a whole film = 1, `{engine}`", "1.3", row["ratio"])
        )
    return _table(("", "at most", "measured"), rows)


def _part(values: dict[str, float]) -> str:
    return f"1/{values['gradio'] / values['studio']:.1f}"


def perceptual() -> str:
    """Return the ST-LPIPS of the engines on the sets where it was measured."""
    rows = {name: _result(name)["rows"] for name in _SETS}
    measured = [name for name in _SETS if rows[name][0]["st_lpips"] is not None]
    scores = {(row["engine"], name): row["st_lpips"] for name in measured for row in rows[name]}
    return _table(
        ("ST-LPIPS", *(_SETS[name] for name in measured)),
        (
            (title, *(_number(scores[engine, name], 4) for name in measured))
            for engine, title in _ENGINES.items()
        ),
    )


def clifford_speed() -> str:
    """Return the time of a Clifford convolution and of its peers."""
    result = _result("clifford")
    peers = (_PEER, "plain, equal multiplies", "plain, equal parameters")
    names = {"alone": "own process", "in_turns": "shared process"}
    return _table(
        ("", "process", "channels", "threads", "kinoloom, ms", *peers),
        (
            (
                row["what"],
                names[how],
                row["channels"],
                row["threads"],
                f"{row['ms']['kinoloom']['median']:.1f}",
                *(f"{row['times_as_long_as_ours'][peer]:.2f}\u00d7" for peer in peers),
            )
            for how in names
            for row in result[how]
        ),
    )


def clifford_smoke() -> str:
    """Return the errors of Clifford and plain networks on rising smoke."""
    result = _result("clifford_smoke")
    cells = {(row["form"], row["trajectories"]): row for row in result["rows"]}
    still = {run["trajectories"]: run for run in result["runs"]}
    rows = [
        (
            f"`{form}`",
            f"{cells[form, 8]['parameters']:,}",
            *(_spread(cells[form, n]["one_step"], 4) for n in (8, 64)),
            *(_spread(cells[form, n]["rollout"], 2) for n in (8, 64)),
            f"{cells[form, 64]['cpu_s']['mean']:.0f}",
        )
        for form in ("cresnet", "rotresnet", "resnet", "cfno", "fno")
    ]
    same = (
        "no change",
        "",
        *(f"{still[n]['still_one_step']:.4f}" for n in (8, 64)),
        *(f"{still[n]['still_rollout']:.2f}" for n in (8, 64)),
        "",
    )
    steps = ("one step, 8 trajectories", "one step, 64", "rollout, 8", "rollout, 64")
    return _table(("network", "parameters", *steps, "CPU s"), [*rows, same])


def tiny_digits() -> str:
    """Return the accuracy of on-device learning of digits."""
    result = _result("tiny_digits")["accuracy_on_5_to_9"]
    framework = "sparse, a quarter of full, order of a framework"
    names = {
        "float32": "float32 SGD in torch",
        "full": "int8, all weights",
        "full, not scaled": "int8, all weights, without gradient scaling",
        "head": "the head alone",
        framework: "sparse scheme for 15,256 bytes",
        "sparse, a quarter of full": "sparse scheme for 4,306 bytes",
    }
    return _table(
        ("", "rate 0.03", "rate 0.1", "RAM bytes"),
        (
            (
                title,
                *(f"{100 * result[name]['by_rate'][rate]['mean']:.1f}" for rate in ("0.03", "0.1")),
                _most(result[name]["ram_bytes"]),
            )
            for name, title in names.items()
        ),
    )


def tiny_memory() -> str:
    """Return the RAM of a training step of the published networks and schemes."""
    presets = _result("tiny_memory")["presets"]
    return _table(
        ("scheme", "all weights", "scheme, framework order", "updates at once", "by rows", "paper"),
        (
            (
                f"`{name}`",
                f"{ladder['all trained, order of a framework']:,}",
                ladder["chosen trained, order of a framework"],
                ladder["chosen trained, updates at once"],
                f"**{ladder['... and the forward pass row by row']}**",
                _published(preset["published_kb"]),
            )
            for name, preset in presets.items()
            for ladder in [preset["ladder_kb"]]
        ),
    )


def pipelines_overhead() -> str:
    """Return the overhead of pipeline steps."""
    result = _result("pipelines_overhead")
    seconds, ratios = result["seconds"], result["times_python_pass"]
    names = {
        "python -c pass": "`python -c pass`",
        "step, plain": "step, plain",
        "step, in a namespace": "step in a namespace",
        "step, cache hit": "step with a cache hit",
        "step, a function": "Lambda step",
        "plan of 1000 steps": "checking a definition of 1,000 steps",
        "import of the engine": "importing the engine",
        "step, Metaflow": "step in Metaflow 2.19",
        "step, SageMaker local without containers": (
            "step in SageMaker's local mode, without its containers"
        ),
    }
    return _table(
        ("", "ms", "relative to `python -c pass`"),
        (
            (title, f"{seconds[name]['median'] * 1e3:.1f}", ratios[name])
            for name, title in names.items()
        ),
    )


def decisions() -> str:
    """Return the list of decisions with their titles."""
    titles = {
        path: path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        for path in sorted(DECISIONS.glob("0*.md"))
    }
    return _table(
        ("page", "choice"),
        ((f"[{path.stem[:4]}]({path.name})", title) for path, title in titles.items()),
    )


def trials() -> str:
    """Return what the trials tried, and how often they failed."""
    result = _result("trials")
    kills, devices = result["kills"], result["power cycles"]
    targets = {name for row in devices for name, cell in row.items() if isinstance(cell, bool)}
    cycles = sum(row["power cycles"] * len(targets & row.keys()) for row in devices)
    differing = sum(row[name] is False for row in devices for name in targets)
    return _table(
        ("trial", "number", "failures"),
        (
            (
                "damaged and hostile files",
                f"{sum(row['cases'] for row in result['fuzzing']):,}",
                sum(row["findings"] for row in result["fuzzing"]),
            ),
            (
                "kills of films, trainings and pipelines",
                sum(row["kills"] for row in kills),
                sum(row["other results"] + row["files lost"] for row in kills),
            ),
            (
                f"power cycles of {len(devices)} networks on {len(targets)} targets",
                cycles,
                differing,
            ),
        ),
    )


def enhance_estimates() -> str:
    """Return the errors of the blind estimates on photos that were not used to tune them."""
    truths = {
        "noise": "noise, sigma {:g}",
        "added noise": "the same, without the noise of the photo itself, sigma {:g}",
        "signal dependence": "variance rises by {:g} per level",
        "JPEG quality": "JPEG quality {:g}",
        "blur": "added blur, sigma {:g} px",
        "true resolution": "enlarged {:g} times",
    }
    rows = _result("enhance_estimates")["rows"]
    cells = {(row["data"], row["quantity"], row["truth"]): row for row in rows}
    sets = [name for name in ("photos", "set5") if any(row["data"] == name for row in rows)]
    errors = (("median", "median"), ("p90_size", "90 %"), ("max_size", "largest"))
    return _table(
        ("error", *(f"{name}: {title}" for name in sets for _, title in errors)),
        (
            (
                truths[row["quantity"]].format(row["truth"]),
                *(
                    _number(cells[name, row["quantity"], row["truth"]][key], 1)
                    for name in sets
                    for key, _ in errors
                ),
            )
            for row in rows
            if row["data"] == "photos"
        ),
    )


TABLES: dict[str, Callable[[], str]] = {
    "trials": trials,
    "decisions": decisions,
    "engines": engines,
    "enhance-estimates": enhance_estimates,
    "enhance-presets": lambda: _table(*list_preset_rows()),
    "enhance-tiers": lambda: _table(*list_tier_rows()),
    "engines-by-motion": engines_by_motion,
    "perceptual": perceptual,
    "studio": studio,
    "clifford-speed": clifford_speed,
    "clifford-smoke": clifford_smoke,
    "pipelines-overhead": pipelines_overhead,
    "tiny-digits": tiny_digits,
    "tiny-memory": tiny_memory,
}


def _result(name: str) -> Any:
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def _table(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _score(row: dict[str, Any]) -> str:
    return f"{row['psnr_db']:.2f} / {row['ssim']:.3f}"


def _spread(cell: dict[str, float], digits: int) -> str:
    text = f"{cell['mean']:.{digits}f} ± {cell['deviation']:.{digits}f}"
    return text.replace("-", "\u2212")


def _most(values: list[int | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{max(known):,}" if known else ""


def _published(figures: dict[str, float]) -> str:
    return f"{figures['sparse']:g}, {figures['sparse, reordered']:g}"


if __name__ == "__main__":
    main()
