"""Read and write `.cube` files: 1-D and 3-D LUTs, and a 1-D shaper before a 3-D LUT.

Sources: Adobe, "Cube LUT specification", version 1.0, 2013 (TITLE, DOMAIN_MIN, DOMAIN_MAX);
Blackmagic Design's description of Resolve's files (LUT_1D_INPUT_RANGE, LUT_3D_INPUT_RANGE, a shaper
in the same file). Tables for video range are rejected, because pictures have full range here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.outputs import write_text_atomically
from kinoloom.enhance.filters.lut.tables import (
    MAX_SIZE_1D,
    MAX_SIZE_3D,
    ColorLut,
    Lut1D,
    Lut3D,
    Triple,
)
from kinoloom.errors import (
    InputNotFoundError,
    MediaError,
    UnreadableMediaError,
    UnsupportedMediaError,
    UsageError,
)

_MAX_LINE = 1000
_LARGEST = float(np.finfo(np.float32).max)
_BATCH_LINES = 1 << 16
_ZERO, _ONE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
_SIZES = {"LUT_1D_SIZE": MAX_SIZE_1D, "LUT_3D_SIZE": MAX_SIZE_3D}
_NUMBERS = {
    "DOMAIN_MIN": 3,
    "DOMAIN_MAX": 3,
    "LUT_1D_INPUT_RANGE": 2,
    "LUT_3D_INPUT_RANGE": 2,
}
_VIDEO_RANGE = {"LUT_IN_VIDEO_RANGE", "LUT_OUT_VIDEO_RANGE"}


@dataclass
class _Reader:
    """The state of reading one file."""

    path: Path
    number: int = 0
    title: str = ""
    sizes: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, list[float]] = field(default_factory=dict)
    rows: list[NDArray[np.float32]] = field(default_factory=list)
    count: int = 0

    def fail(self, why: str, *, hint: str = "") -> UnreadableMediaError:
        return UnreadableMediaError(f"{self.path}, line {self.number}: {why}", hint=hint)

    @property
    def expected(self) -> int:
        return self.sizes.get("LUT_1D_SIZE", 0) + self.sizes.get("LUT_3D_SIZE", 0) ** 3


def read_cube(path: Path) -> ColorLut:
    """Read a `.cube` file.

    Args:
        path: of the file.

    Raises:
        InputNotFoundError: the file does not exist.
        UnreadableMediaError: not a valid file; the message has the line number.
        UnsupportedMediaError: the tables are for video range.
    """
    reader = _Reader(path)
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            lines = _read_lines(stream, reader)
            first = next((line for line in lines if not _read_header(line, reader)), None)
            if first is not None:
                _check_header(reader)
                _read_rows(itertools.chain([first], lines), reader)
    except MediaError:
        raise
    except FileNotFoundError as error:
        raise InputNotFoundError(f"{path} does not exist.") from error
    except OSError as error:
        raise UnreadableMediaError(f"{path} cannot be read: {error.strerror}.") from error
    _check_header(reader)
    if reader.count != reader.expected:
        raise reader.fail(f"the file ends after {reader.count} of {reader.expected} rows of data.")
    return _assemble(reader)


def write_cube(path: Path, lut: ColorLut, *, digits: int = 6, overwrite: bool = False) -> None:
    """Write a `.cube` file; the result reads back exactly to the printed digits.

    Args:
        path: of the file.
        lut: the tables.
        digits: decimals of each value, 1..9.
        overwrite: whether an existing file is replaced.

    Raises:
        UsageError: digits out of range, a title with quotes or line feeds, or a shaper and a
            lattice whose domains differ between channels.
        OutputExistsError, OutputError: the file exists or cannot be written.
    """
    if not 1 <= digits <= 9:
        raise UsageError(f"The digits of a .cube file must be from 1 to 9, not {digits}.")
    if any(mark in lut.title for mark in '"\n\r'):
        raise UsageError(f"The title {lut.title!r} of a LUT has a quote or a line feed.")
    lines = [f'TITLE "{lut.title}"'] if lut.title else []
    lines += _format_header(lut)
    for table in (lut.shaper, lut.lattice):
        if table is not None:
            lines += _format_rows(table.table.reshape(-1, 3), digits)
    write_text_atomically(path, "\n".join([*lines, ""]), overwrite=overwrite)


def _read_lines(stream: IO[str], reader: _Reader) -> Iterator[str]:
    """Yield the lines that are neither empty nor comments, and count them all."""
    while line := stream.readline(_MAX_LINE):
        reader.number += 1
        if len(line) == _MAX_LINE or "\0" in line:
            raise reader.fail("this is not a text file with short lines.")
        text = line.strip()
        if text and not text.startswith("#"):
            yield text


def _read_header(line: str, reader: _Reader) -> bool:
    """Read a line of the header; return False for the first line of data."""
    key, _, rest = line.replace("\t", " ").partition(" ")
    if key[0] in "+-.0123456789":
        return False
    if key in _VIDEO_RANGE:
        raise UnsupportedMediaError(
            f"{reader.path}, line {reader.number}: {key} is not supported.",
            hint="Export the LUT for full range.",
        )
    if key in {*reader.sizes, *reader.numbers}:
        raise reader.fail(f"{key} appears twice.")
    if key == "TITLE":
        reader.title = rest.strip().strip('"')
    elif key in _SIZES:
        reader.sizes[key] = _parse_size(key, rest, reader)
    elif key in _NUMBERS:
        reader.numbers[key] = _parse_numbers(rest, _NUMBERS[key], reader)
    else:
        known = ", ".join(["TITLE", *_SIZES, *_NUMBERS])
        raise reader.fail(f"unknown keyword '{key[:40]}'.", hint=f"Keywords: {known}.")
    return True


def _parse_size(key: str, text: str, reader: _Reader) -> int:
    top = _SIZES[key]
    if not (text.strip().isdecimal() and 2 <= int(text) <= top):
        raise reader.fail(f"{key} must be a whole number from 2 to {top}, not '{text.strip()}'.")
    return int(text)


def _parse_numbers(text: str, count: int, reader: _Reader) -> list[float]:
    words = text.split()
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise reader.fail(f"'{text.strip()}' is not {count} numbers.") from error
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise reader.fail(f"expected {count} finite numbers, not '{text.strip()}'.")
    return numbers


def _check_header(reader: _Reader) -> None:
    """Check that the header names a size, and each domain once."""
    if not reader.sizes:
        raise reader.fail("the header has neither LUT_1D_SIZE nor LUT_3D_SIZE.")
    has_domain = {"DOMAIN_MIN", "DOMAIN_MAX"} & set(reader.numbers)
    ranges = {"LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE"} & set(reader.numbers)
    if has_domain and (ranges or len(reader.sizes) == 2):
        raise reader.fail("DOMAIN_MIN and DOMAIN_MAX cannot be used with LUT_*_INPUT_RANGE.")
    for name in ranges:
        if name.replace("INPUT_RANGE", "SIZE") not in reader.sizes:
            raise reader.fail(f"{name} belongs to a table that the header does not name.")
    for name in reader.sizes:
        low, high = _find_domain(name, reader)
        if not all(a < b for a, b in zip(low, high, strict=True)):
            raise reader.fail(f"the domain must begin below its end, not {low} to {high}.")


def _find_domain(size: str, reader: _Reader) -> tuple[Triple, Triple]:
    limits = reader.numbers.get(size.replace("SIZE", "INPUT_RANGE"))
    if limits:
        return (limits[0],) * 3, (limits[1],) * 3
    low = reader.numbers.get("DOMAIN_MIN", _ZERO)
    high = reader.numbers.get("DOMAIN_MAX", _ONE)
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def _read_rows(lines: Iterator[str], reader: _Reader) -> None:
    """Read the rows of data in batches; a batch that does not parse is searched for its line."""
    while batch := [(reader.number, line) for line in itertools.islice(lines, _BATCH_LINES)]:
        reader.count += len(batch)
        if reader.count > reader.expected:
            reader.number = batch[reader.expected - reader.count][0]
            raise reader.fail(f"expected only {reader.expected} rows of data.")
        try:
            rows = np.array([line.split() for _, line in batch], np.float64)
            is_valid = rows.shape == (len(batch), 3) and bool((np.abs(rows) <= _LARGEST).all())
        except ValueError:
            is_valid = False
        if not is_valid:
            _find_wrong_row(batch, reader)
        reader.rows.append(rows.astype(np.float32))


def _find_wrong_row(batch: list[tuple[int, str]], reader: _Reader) -> None:
    """Raise the error of the first wrong row of a batch.

    Raises:
        UnreadableMediaError: always.
    """
    for reader.number, line in batch:
        numbers = _parse_numbers(line, 3, reader)
        largest = max(numbers, key=abs)
        if abs(largest) > _LARGEST:
            raise reader.fail(f"the value '{largest:g}' is too large.")
    raise reader.fail("the data cannot be read.")


def _assemble(reader: _Reader) -> ColorLut:
    values = np.concatenate(reader.rows)
    split = reader.sizes.get("LUT_1D_SIZE", 0)
    shaper = lattice = None
    if split:
        shaper = Lut1D(values[:split], *_find_domain("LUT_1D_SIZE", reader))
    if size := reader.sizes.get("LUT_3D_SIZE"):
        table = values[split:].reshape(size, size, size, 3)
        lattice = Lut3D(table, *_find_domain("LUT_3D_SIZE", reader))
    return ColorLut(shaper, lattice, reader.title)


def _format_header(lut: ColorLut) -> list[str]:
    tables = {"1D": lut.shaper, "3D": lut.lattice}
    present = {name: table for name, table in tables.items() if table is not None}
    lines = [f"LUT_{name}_SIZE {len(table.table)}" for name, table in present.items()]
    for name, table in present.items():
        low, high = table.low, table.high
        if (low, high) == (_ZERO, _ONE):
            continue
        if len(present) == 1:
            lines += ["DOMAIN_MIN " + _format(low), "DOMAIN_MAX " + _format(high)]
        elif len({*low}) == len({*high}) == 1:
            lines.append(f"LUT_{name}_INPUT_RANGE " + _format((low[0], high[0])))
        else:
            raise UsageError(
                "A .cube file with a 1-D and a 3-D table needs one domain for all channels, not "
                f"{low} to {high}."
            )
    return lines


def _format_rows(rows: NDArray[np.float32], digits: int) -> list[str]:
    row = " ".join([f"%.{digits}f"] * 3)
    return [row % (red, green, blue) for red, green, blue in rows.tolist()]


def _format(values: tuple[float, ...]) -> str:
    return " ".join(repr(float(value)) for value in values)
