"""The report on a search: the selected scheme, the finalists and the contributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinoloom.base.report import Report, Section, Table, Text
from kinoloom.tiny.evaluation.statistics import Gain
from kinoloom.tiny.evaluation.trials import Finalist, Trials
from kinoloom.tiny.options import SearchOptions
from kinoloom.tiny.page import build_warning_sections

NOISE = "not distinguishable from noise"


@dataclass(frozen=True)
class Findings:
    """What a search measured.

    Attributes:
        trials: scores of single parts.
        finalists: proposed schemes from cheap to expensive; see `train_finalists`.
        test_size: number of held-out examples.
        warnings: reasons to doubt the measurements.
    """

    trials: Trials
    finalists: tuple[Finalist, ...]
    test_size: int
    warnings: tuple[str, ...] = ()

    @property
    def selected(self) -> Finalist:
        """The cheapest finalist that no other one distinguishably surpasses."""
        return [finalist for finalist in self.finalists if finalist.is_better][-1]

    def summarise(self) -> str:
        """Return the selected scheme and the evidence for it in one line."""
        chosen, repeats = self.selected, len(self.trials.head)
        text = (
            f"{chosen.result.ram_bytes} bytes of RAM, score {chosen.score:.4f} on "
            f"{self.test_size} examples with {repeats} seeds"
        )
        if chosen.gain is not None:
            text += f", gain {chosen.gain} over the best cheaper scheme"
        return text


def build_report(findings: Findings, options: SearchOptions) -> Report:
    """Build the report on a search."""
    chosen = findings.selected
    updates = chosen.result.scheme.items()
    rows = tuple((name, "trained" if u.bias else "", u.ratio) for name, u in updates)
    text = " ".join(
        [
            f"{findings.summarise()}.",
            *_explain_rejections(findings),
            f"Written to {options.scheme_file}; pass it as --scheme {options.scheme_file}.",
        ]
    )
    sections: tuple[Section, ...] = (
        Text(text),
        *build_warning_sections(findings.warnings),
        Table(("layer", "bias", "ratio of trained weights"), rows, title="Update scheme"),
        _build_finalist_table(findings),
        *_build_contribution_tables(findings.trials),
    )
    return Report(f"{options.name}: update scheme", sections, _build_data(findings))


def _explain_rejections(findings: Findings) -> list[str]:
    """Return one sentence on more expensive schemes that were not selected, or nothing."""
    chosen = findings.selected
    rejected = [f for f in findings.finalists if f.result.ram_bytes > chosen.result.ram_bytes]
    if not rejected:
        return []
    gain = rejected[-1].gain
    return [
        f"The gain of training more ({gain}, {rejected[-1].result.ram_bytes} bytes) is {NOISE}, "
        "so the cheaper scheme is selected. More test examples or --repeats may decide."
    ]


def _build_data(findings: Findings) -> dict[str, Any]:
    trials, chosen = findings.trials, findings.selected
    contributions, weights = trials.contributions(), trials.weight_gains()
    return {
        "ram_bytes": chosen.result.ram_bytes,
        "score": chosen.score,
        "gain": 0.0 if chosen.gain is None else chosen.gain.mean,
        "repeats": len(trials.head),
        "test_examples": findings.test_size,
        "plans": chosen.result.plans,
        "base": contributions.base,
        "gains_of_biases": list(contributions.biases),
        "standard_errors_of_biases": [0.0, *(_error(gain) for gain in trials.bias_gains())],
        "gains_of_weights": {f"{n} {r:g}": gain.mean for (n, r), gain in weights.items()},
        "standard_errors_of_weights": {
            f"{n} {r:g}": _error(gain) for (n, r), gain in weights.items()
        },
        "finalists": [
            {
                "ram_bytes": one.result.ram_bytes,
                "score": one.score,
                "gain": None if one.gain is None else one.gain.mean,
                "standard_error": None if one.gain is None else _error(one.gain),
                "is_distinguishable": one.is_better,
            }
            for one in findings.finalists
        ],
        "scheme": {name: [u.bias, u.ratio] for name, u in chosen.result.scheme.items()},
        "warnings": list(findings.warnings),
    }


def _error(gain: Gain) -> float | None:
    """Return a standard error; None if it is infinite, as JSON has no infinity."""
    return gain.standard_error if gain.standard_error < float("inf") else None


def _build_finalist_table(findings: Findings) -> Table:
    rows = tuple(
        (
            one.result.ram_bytes,
            f"{one.score:.4f}",
            "" if one.gain is None else str(one.gain),
            "" if one.is_better else NOISE,
            "selected" if one is findings.selected else "",
        )
        for one in findings.finalists
    )
    columns = ("RAM in bytes", "score", "gain over the best cheaper one", "", "")
    return Table(columns, rows, title="Finalists")


def _build_contribution_tables(trials: Trials) -> tuple[Table, Table]:
    biases = tuple(
        (f"last {k}", _mark(gain, trials)) for k, gain in enumerate(trials.bias_gains(), 1)
    )
    gains = trials.weight_gains()
    layers = dict.fromkeys(name for name, _ in gains)
    ratios = sorted({ratio for _, ratio in gains})
    weights = tuple(
        (name, *(_mark(gains[name, ratio], trials) for ratio in ratios)) for name in layers
    )
    note = "± standard error, * more than noise"
    return (
        Table(
            ("biases before the head", "gain"),
            biases,
            title=f"Contributions of biases ({note})",
        ),
        Table(
            ("layer", *(f"{ratio:g}" for ratio in ratios)),
            weights,
            title=f"Contributions of weights by ratio ({note})",
        ),
    )


def _mark(gain: Gain, trials: Trials) -> str:
    return f"{gain}{' *' if gain.is_distinguishable(trials.comparisons) else ''}"
