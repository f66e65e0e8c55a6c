"""Frames whose picture is computed when it is first used."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from kinoloom.base.clip import DeferredFrame
from kinoloom.errors import ArrayError

SHAPE = (4, 6, 3)


def test_picture_is_computed_once_and_only_if_it_is_used() -> None:
    calls = []

    def make() -> np.ndarray:
        calls.append(1)
        return np.zeros(SHAPE, np.uint8)

    frame = DeferredFrame(make, Fraction(1), Fraction(1, 25), native="sample", shape=SHAPE)
    assert (frame.shape, frame.time, frame.native, calls) == (SHAPE, 1, "sample", [])
    assert frame.image is frame.image
    assert len(calls) == 1


def test_fields_can_be_replaced() -> None:
    frame = DeferredFrame(lambda: np.ones(SHAPE, np.uint8), Fraction(1), shape=SHAPE)
    later = replace(frame, time=Fraction(2))
    assert (later.time, later.shape) == (2, SHAPE)
    np.testing.assert_array_equal(later.image, frame.image)


def test_what_is_computed_must_be_a_picture() -> None:
    frame = DeferredFrame(lambda: np.zeros((4, 6)), Fraction(1), shape=SHAPE)
    with pytest.raises(ArrayError, match=r"frame at 1\.000 s"):
        _ = frame.image
