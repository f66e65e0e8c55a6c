"""Fields: trajectories of a multivector field, made or read one at a time.

A trajectory is a float32 array (steps, J, *space): moments, blades of `grades` in the order of the
algebra, and cells. Generator i + 1 points along axis i of space; the grid is periodic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.notes import Notes
from kinoloom.base.provenance import Provenance
from kinoloom.clifford.algebra import Algebra
from kinoloom.errors import ArrayError, UsageError

Trajectory = NDArray[np.float32]


@dataclass(frozen=True)
class Fields:
    """Trajectories of one equation; lazy, and to be gone through as often as one likes.

    Attributes:
        name: of the equation: "smoke".
        signature: the square of each generator of the algebra.
        grades: those that the field has.
        shape: of each trajectory, (steps, J, *space).
        count: how many trajectories there are.
        step_s: time from one moment to the next.
        cell: length of a cell.
        make: makes or reads the trajectory of a number, 0 to count - 1.
        parameters: what else the equation was given, plain values.
        notes: what happened while trajectories were made.
        provenance: how they were made.

    Raises:
        UsageError: no trajectory, or a shape that does not fit the grades and the algebra.
    """

    name: str
    signature: tuple[int, ...]
    grades: tuple[int, ...]
    shape: tuple[int, ...]
    count: int
    step_s: float
    cell: float
    make: Callable[[int], Trajectory]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        algebra = Algebra.of(self.signature)
        blades = len(algebra.blades_of_grades(self.grades))
        fits = len(self.shape) == 2 + algebra.dim and self.shape[1] == blades
        if self.count < 1 or not fits or min(self.shape) < 1:
            raise UsageError(
                f"Fields of {algebra} with grades {self.grades} have trajectories of shape "
                f"(steps, {blades}, and {algebra.dim} axes of space), at least one of them; not "
                f"{self.count} of {self.shape}."
            )

    @property
    def blades(self) -> tuple[str, ...]:
        """The names of the blades, in the order of the second axis."""
        algebra = Algebra.of(self.signature)
        return tuple(algebra.names[k] for k in algebra.blades_of_grades(self.grades))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> Trajectory:
        """The trajectory of that number.

        Raises:
            IndexError: there is none.
            ArrayError: it does not have the shape and type of a trajectory, or holds NaN or
                infinite values.
        """
        if not 0 <= number < self.count:
            raise IndexError(f"There are trajectories 0 to {self.count - 1}, not {number}.")
        made = self.make(number)
        if made.shape != self.shape or made.dtype != np.float32:
            raise ArrayError(
                f"Trajectory {number} is {made.dtype} of shape {made.shape}; expected float32 of "
                f"{self.shape}."
            )
        if not np.isfinite(made).all():
            raise ArrayError(f"Trajectory {number} holds NaN or infinite values.")
        return made

    def __iter__(self) -> Iterator[Trajectory]:
        return (self[number] for number in range(self.count))
