"""The op: its declaration, the ways to call it, and the record that it attaches."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinoloom import Clip, Frame, Report
from kinoloom.base import Op, Provenance, op, option
from kinoloom.errors import UsageError


@dataclass(frozen=True)
class GlowOptions:
    """What `glow` may be told."""

    strength: float = option(0.5, "how much", low=0, high=1)
    rate: Fraction | None = option(None, "frames a second", unit="fps")


@op("glow", page="somewhere:page")
def glow(clip: Clip, options: GlowOptions) -> Clip:
    """Make every frame glow.

    More of it here.
    """
    return clip.with_(provenance=None, rate=options.rate, made_with={"strength": options.strength})


@op("tell")
def tell(folder: Path, options: GlowOptions) -> Report:
    """Tell what is in a folder."""
    return Report(folder.name, ())


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    file = tmp_path / "in.bin"
    file.write_bytes(b"pictures")
    return Clip.from_frames([Frame(np.zeros((2, 2, 3), np.uint8), Fraction(0))], files=(file,))


def test_op_reads_the_function_signature() -> None:
    assert isinstance(glow, Op)
    assert (glow.name, glow.summary) == ("glow", "Make every frame glow.")
    assert (glow.input_type, glow.options, glow.output_type) == (Clip, GlowOptions, Clip)
    assert (glow.extra, glow.page) == ("", "somewhere:page")
    assert (tell.input_type, tell.output_type) == (Path, Report)


@pytest.mark.parametrize(
    ("options", "values", "strength"),
    [
        (None, {}, 0.5),
        (GlowOptions(0.25), {}, 0.25),
        (GlowOptions("0.25"), {}, 0.25),
        (None, {"strength": 1}, 1.0),
        (None, {"strength": "0.75", "rate": None}, 0.75),
    ],
)
def test_options_are_given_as_object_or_by_name(
    clip: Clip, options: Any, values: dict[str, Any], strength: float
) -> None:
    assert glow(clip, options, **values).made_with == {"strength": strength}


@pytest.mark.parametrize(
    ("noun", "options", "values", "message"),
    [
        (Path("in.mp4"), None, {}, "glow takes a Clip, not a .*Path"),
        (None, None, {}, "glow takes a Clip, not a NoneType"),
        ("clip", {"strength": 1}, {}, "either one GlowOptions or options by name"),
        ("clip", GlowOptions(), {"strength": 1}, "either one GlowOptions or options by name"),
        ("clip", None, {"strenght": 1}, "Unknown option 'strenght'. Options: strength, rate"),
        ("clip", None, {"strength": 2}, "--strength must be from 0 to 1, not 2"),
        ("clip", GlowOptions(7.0), {}, "--strength must be from 0 to 1, not 7"),
    ],
)
def test_invalid_call_is_rejected(
    clip: Clip, noun: Any, options: Any, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        glow(clip if noun == "clip" else noun, options, **values)


def test_result_carries_a_provenance_record(clip: Clip) -> None:
    record = glow(clip, strength="0.25", rate="29.97").provenance
    assert record.op == "glow"
    assert record.options == {"strength": 0.25, "rate": "30000/1001"}
    assert (record.inputs, record.parents) == (clip.files, ())
    assert record.details == {"strength": 0.25}


def test_chained_record_names_its_parent_instead_of_files(clip: Clip) -> None:
    once = glow(clip)
    twice = glow(once, strength=1)
    assert twice.provenance.parents == (once.provenance,)
    assert twice.provenance.inputs == ()


def test_record_set_by_the_function_is_kept(clip: Clip) -> None:
    own = Provenance("by hand", {})

    def function(clip: Clip, options: GlowOptions) -> Clip:
        """Keep a record of one's own."""
        return clip.with_(provenance=own)

    assert op("own")(function)(clip).provenance is own


def test_report_carries_its_record(tmp_path: Path) -> None:
    assert tell(tmp_path).provenance.op == "tell"


def test_result_without_a_provenance_field_is_returned_unchanged(clip: Clip) -> None:
    def function(clip: Clip, options: GlowOptions) -> int:
        """Count the frames."""
        return len(list(clip))

    assert op("count")(function)(clip) == 1


def test_op_can_be_copied_with_changes() -> None:
    assert replace(glow, extra="train").extra == "train"


def no_docstring(clip: Clip, options: GlowOptions) -> Clip:
    return clip


def one_parameter(clip: Clip) -> Clip:
    """Lack options."""
    return clip


def three_parameters(clip: Clip, options: GlowOptions, more: int) -> Clip:
    """Have one too many."""
    return clip


def no_annotation(clip, options: GlowOptions) -> Clip:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Lack an annotation."""
    return clip


def no_return(clip: Clip, options: GlowOptions):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Lack the annotation of the result."""
    return clip


def plain_options(clip: Clip, options: int) -> Clip:
    """Have options that are no dataclass."""
    return clip


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_docstring, "op 'bad' must be a function .* with a docstring"),
        (one_parameter, "op 'bad' must be a function"),
        (three_parameters, "op 'bad' must be a function"),
        (no_annotation, "op 'bad' must be a function"),
        (no_return, "op 'bad' must be a function"),
        (plain_options, "Options must be a dataclass, not <class 'int'>"),
    ],
)
def test_invalid_op_function_is_rejected(function: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        op("bad")(function)
