"""The tables of presets and networks of enhance, from what the package declares."""

from __future__ import annotations

from kinoloom.enhance.planning.presets import list_presets
from kinoloom.enhance.tiers import find_card, list_tiers

Rows = tuple[tuple[str, ...], list[tuple[object, ...]]]
"""The titles of the columns, and the cells of each row."""


def list_preset_rows() -> Rows:
    """Return the presets with the options that they set."""
    rows: list[tuple[object, ...]] = [
        (
            f"`{preset.name}`",
            preset.summary,
            " ".join(_format_option(*pair) for pair in preset.values.items()),
        )
        for preset in list_presets()
    ]
    return ("preset", "for", "options"), rows


def list_tier_rows() -> Rows:
    """Return the networks that enlarge, with the facts of their cards."""
    cards = [(tier, look, factor, find_card(name)) for tier, look, factor, name in list_tiers()]
    rows: list[tuple[object, ...]] = [
        (
            f"`{tier}`",
            f"`{look}`",
            factor,
            f"`{card.name}`",
            f"{card.parameters:,}",
            card.weights,
            card.licence,
        )
        for tier, look, factor, card in cards
    ]
    titles = ("`--tier`", "`--look`", "factor", "network", "parameters", "weights", "licence")
    return titles, rows


def _format_option(name: str, value: object) -> str:
    flag = f"--{name.replace('_', '-')}"
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"`{flag}`" if value is True else f"`{flag} {shown}`"
