"""Ops whose default options change when they are checked, or cannot be recorded."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from kinoloom import Clip
from kinoloom.base import conformance, op, option
from kinoloom.base.conformance import check_op
from kinoloom.errors import UsageError


@dataclass(frozen=True)
class SizeOptions:
    """One plain option."""

    size: int = option(3, "a size")


@op("sized")
def sized(clip: Clip, options: SizeOptions) -> Clip:
    """Return the clip."""
    return clip


def test_defaults_that_change_when_checked_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conformance, "check", lambda options: replace(options, size=4))
    with pytest.raises(UsageError, match="defaults change"):
        check_op(sized)


def test_options_that_json_cannot_hold_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    def to_objects(options: Any) -> Any:
        return {"size": object()}

    monkeypatch.setattr(conformance, "to_jsonable", to_objects)
    with pytest.raises(UsageError, match="cannot be recorded as JSON: Object of type object"):
        check_op(sized)
