"""Tiers: which network enlarges and which one denoises, from their cards.

A tier has a network for some factors. For other factors the next larger one is used, or one twice,
and the result is resized.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from kinoloom.base import registry
from kinoloom.base.model import ModelCard
from kinoloom.enhance.networks.denoiser import NetworkDenoiser
from kinoloom.enhance.networks.upscaler import NetworkUpscaler
from kinoloom.errors import UsageError
from kinoloom.runtime.models import find_weights, require_weights

Look = Literal["clean", "real"]

_CARDS: dict[tuple[str, Look], dict[int, str]] = {
    ("live", "clean"): {2: "live-x2"},
    ("fast", "clean"): {2: "fast-x2"},
    ("best", "clean"): {2: "span-x2", 4: "span-x4"},
    ("best", "real"): {4: "x4plus"},
    ("drawn", "clean"): {4: "animevideov3"},
    ("drawn", "real"): {4: "x4plus-anime"},
}
"""Names of the cards by factor, for each tier and look."""
FASTER_TIERS = ("fast", "live")
"""What a stream that is late falls back to, in order."""
DENOISER = "denoise-small"


@dataclass(frozen=True)
class Network:
    """A network that was chosen.

    Attributes:
        name: of its card, or of the user's file.
        file: its weights.
    """

    name: str
    file: Path


def choose_upscalers(
    tier: str, look: Look, factor: int, given: Path | None = None
) -> list[Network]:
    """Return the networks that enlarge a picture by at least a factor, one after the other.

    Args:
        tier: its name.
        look: for clean or degraded sources.
        factor: at least 1; nothing is enlarged by 1.
        given: the user's own network, used as often as needed, instead of a tier.

    Raises:
        UsageError: the tier has no network for this look.
        WeightsError: the weights are missing; the hint has the command that gets them.
    """
    if factor <= 1:
        return []
    if given is not None:
        scale = open_upscaler(given).scale
        if scale < 2:
            raise UsageError(f"{given} does not enlarge.", hint="Leave out --scale and --size.")
        return [Network(given.stem, given)] * _count_uses(scale, factor)
    names = _CARDS.get((tier, look))
    if names is None:
        known = ", ".join(one for one, its in _CARDS if its == look)
        raise UsageError(
            f"The tier '{tier}' has no network with the look '{look}'.",
            hint=f"Tiers with this look: {known}.",
        )
    scale = next((one for one in sorted(names) if one >= factor), max(names))
    card = find_card(names[scale])
    return [Network(card.name, require_weights(card))] * _count_uses(scale, factor)


def choose_denoiser() -> Network:
    """Return the network that removes noise.

    Raises:
        WeightsError: the weights are missing.
    """
    card = find_card(DENOISER)
    return Network(card.name, require_weights(card))


def list_tiers() -> list[tuple[str, Look, int, str]]:
    """Return tier, look, factor and name of the card of all upscaling networks."""
    return [(*key, factor, name) for key, its in _CARDS.items() for factor, name in its.items()]


def find_shipped_denoiser() -> Path | None:
    """Return the weights of the network that removes noise, None if they are not here."""
    found = list_denoisers()
    return found[0].file if found else None


def list_upscalers() -> list[Network]:
    """Return all networks of tiers whose weights are on this machine."""
    return _list_present([name for *_, name in list_tiers()])


def list_denoisers() -> list[Network]:
    """Return the network that removes noise if its weights are on this machine."""
    return _list_present([DENOISER])


def find_card(name: str) -> ModelCard:
    """Return the card of a network.

    Raises:
        RegistryError: there is none.
    """
    card: ModelCard = registry.load("cards", name)
    return card


@cache
def open_upscaler(file: Path) -> NetworkUpscaler:
    """Open an upscaling network, once per process.

    Raises:
        WeightsError: as `NetworkUpscaler`.
    """
    return NetworkUpscaler(file)


@cache
def open_denoiser(file: Path) -> NetworkDenoiser:
    """Open a denoising network, once per process.

    Raises:
        WeightsError: as `NetworkDenoiser`.
    """
    return NetworkDenoiser(file)


def _count_uses(scale: int, factor: int) -> int:
    """Return how often a network is applied until the picture is large enough."""
    uses, reached = 1, scale
    while reached < factor:
        uses, reached = uses + 1, reached * scale
    return uses


def _list_present(names: list[str]) -> list[Network]:
    declared = set(registry.names("cards"))
    cards = [find_card(name) for name in names if name in declared]
    found = [(card.name, find_weights(card)) for card in cards]
    return [Network(name, weights.path) for name, weights in found if weights is not None]
