"""The filter `Lut`: colours from a `.cube` file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from kinoloom.base.options import option
from kinoloom.enhance.filters.channels import Colors
from kinoloom.enhance.filters.filter import Context, Filter
from kinoloom.enhance.filters.lut.cube_file import read_cube
from kinoloom.enhance.filters.lut.interpolation import apply_lut
from kinoloom.enhance.filters.lut.tables import ColorLut
from kinoloom.errors import UsageError


@dataclass(frozen=True)
class Lut(Filter):
    """Replaces colours by those of a table.

    Raises:
        UsageError: no file is named.
        MediaError: the file is missing or damaged; see `read_cube`.
    """

    file: Path = option(Path(), "Colour LUT in a .cube file")
    interpolation: Literal["tetrahedral", "trilinear"] = option(
        "tetrahedral", "Interpolation between the table's entries"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.file == Path():
            raise UsageError("Filter Lut: --file must name a .cube file.")
        _ = self.table

    @cached_property
    def table(self) -> ColorLut:
        """The tables of the file, read once."""
        return read_cube(Path(self.file))

    @property
    def reach_px(self) -> int:
        """See `Filter`."""
        return 0

    def _filter(self, picture: Colors, context: Context) -> Colors:
        graded = apply_lut(picture, self.table, self.interpolation)
        if self.strength == 1:
            return graded
        return np.asarray(picture + np.float32(self.strength) * (graded - picture), np.float32)
