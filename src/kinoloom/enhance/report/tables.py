"""Tables of the report: what was measured, and what was done and why."""

from __future__ import annotations

from kinoloom.base.options import options_of
from kinoloom.base.report import Section, Table, Text
from kinoloom.enhance.estimate.measure import Measurement
from kinoloom.enhance.estimate.report import list_quantities
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.planning.settings import Settings

_NOT_DONE = ("preset", "auto", "without", "memory", "try_")
"""Options that determine others, or do not change the result."""


def tabulate_settings(options: EnhanceOptions, settings: Settings) -> list[Section]:
    """Return what was done, and why.

    Args:
        options: of the command.
        settings: what they and the measurements led to.
    """
    reasons = {one.option: one.reason for one in settings.choices if one.option}
    rows: list[tuple[object, ...]] = []
    for one in options_of(EnhanceOptions):
        value = getattr(settings.options, one.name)
        if one.name in _NOT_DONE or value == one.default:
            continue
        if getattr(options, one.name) == value:
            reason = "set by the command"
        else:
            reason = reasons.get(one.name) or f"preset {options.preset}"
        text = "on" if value is True else f"{value:g}" if isinstance(value, float) else str(value)
        rows.append((one.name.strip("_").replace("_", " "), text, reason))
    sections: list[Section] = []
    if rows:
        sections.append(Table(("step or option", "value", "reason"), tuple(rows), "What was done"))
    left = [one.reason for one in settings.choices if not one.option]
    if left or not rows:
        title = "" if rows else "What was done"
        sections.append(Text(" ".join(left) or "Nothing.", title=title))
    return sections


def tabulate_measurements(before: Measurement, after: Measurement | None) -> Table:
    """Return the table of the estimates for a source, and for its result if there is one.

    Both are of the same kind: photos or videos.
    """
    if after is None:
        return Table(("quantity", "value"), list_quantities(before), "Measured")
    results = dict(list_quantities(after))
    rows = [(name, value, results.get(name, "")) for name, value in list_quantities(before)]
    return Table(("quantity", "before", "after"), tuple(rows), "Measured")
