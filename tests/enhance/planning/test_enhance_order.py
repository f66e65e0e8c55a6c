"""The order of cleaning, enlarging and interpolating, and its estimated cost."""

import re
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.enhance.planning.order import STEPS, choose_order
from kinoloom.errors import UsageError

UPSCALE_FIRST = STEPS
INTERPOLATE_FIRST = ("clean", "interpolate", "upscale")


@pytest.mark.parametrize("steps", list(permutations(STEPS)))
def test_a_requested_order_is_used(steps: tuple[str, ...]) -> None:
    text = ", ".join(steps)
    order = choose_order(text, network="fast-x2", scale=2, frame_ratio=2, interpolates=True)
    assert (order.steps, order.reason) == (steps, "")


@pytest.mark.parametrize(
    "text", ["", "clean", "clean,upscale", "clean,clean,upscale", "clean upscale interpolate"]
)
def test_other_orders_are_rejected(text: str) -> None:
    with pytest.raises(UsageError, match="--order must be auto, or clean, upscale, interpolate"):
        choose_order(text, network="fast-x2", scale=2, frame_ratio=2, interpolates=True)


@pytest.mark.parametrize(("network", "interpolates"), [("", True), ("fast-x2", False)])
def test_without_one_of_the_steps_there_is_nothing_to_choose(
    network: str, interpolates: bool
) -> None:
    for requested in (None, "auto"):
        order = choose_order(
            requested, network=network, scale=2, frame_ratio=2, interpolates=interpolates
        )
        assert (order.steps, order.reason) == (STEPS, "")


def test_a_slow_network_enlarges_the_source_frames_alone() -> None:
    order = choose_order("auto", network="span-x4", scale=4, frame_ratio=2, interpolates=True)
    assert order.steps == UPSCALE_FIRST
    assert "before they are interpolated" in order.reason


def test_a_fast_network_enlarges_the_interpolated_frames() -> None:
    order = choose_order(None, network="live-x2", scale=2, frame_ratio=2, interpolates=True)
    assert order.steps == INTERPOLATE_FIRST
    assert "interpolated before they are enlarged" in order.reason


@given(
    network=st.sampled_from(["live-x2", "fast-x2", "span-x4", "x4plus", "mine"]),
    scale=st.sampled_from([2, 3, 4, 8]),
    ratio=st.floats(1, 16),
)
def test_the_cheaper_order_is_chosen(network: str, scale: int, ratio: float) -> None:
    order = choose_order("auto", network=network, scale=scale, frame_ratio=ratio, interpolates=True)
    costs = re.search(r": ([\d.]+) and ([\d.]+) s", order.reason)
    assert costs is not None
    upscale_first, interpolate_first = (float(one) for one in costs.groups())
    if upscale_first < interpolate_first:
        assert order.steps == UPSCALE_FIRST
    if interpolate_first < upscale_first:
        assert order.steps == INTERPOLATE_FIRST


def test_interpolating_large_frames_costs_the_square_of_the_scale() -> None:
    found = []
    for scale in (1, 2, 3):
        order = choose_order(None, network="live-x2", scale=scale, frame_ratio=3, interpolates=True)
        costs = re.search(r": ([\d.]+) and", order.reason)
        assert costs is not None
        found.append(float(costs[1]))
    assert (found[2] - found[0]) / (found[1] - found[0]) == pytest.approx(8 / 3, abs=0.1)
