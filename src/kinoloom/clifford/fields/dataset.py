"""Fields: a lazy set of trajectories of a multivector field.

A trajectory is a float32 array (steps, J, *space): time steps, the J blades of `grades` in the
order of the algebra, and grid cells. Generator i + 1 points along axis i of space. The grids of
simulated fields are periodic.
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
    """Trajectories of one equation: a lazy sequence that can be iterated repeatedly.

    Attributes:
        name: name of the equation, such as "smoke".
        signature: square of each generator of the algebra.
        grades: grades of the field.
        shape: shape of each trajectory, (steps, J, *space).
        count: number of trajectories.
        step_s: duration of a time step.
        cell: edge length of a grid cell.
        load: computes or reads the trajectory of an index, 0 to count - 1.
        parameters: other parameters of the equation, plain values.
        notes: messages about the trajectories, collected as they are loaded.
        provenance: provenance record.

    Raises:
        UsageError: there are no trajectories, or the shape does not match grades and algebra.
    """

    name: str
    signature: tuple[int, ...]
    grades: tuple[int, ...]
    shape: tuple[int, ...]
    count: int
    step_s: float
    cell: float
    load: Callable[[int], Trajectory]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        algebra = Algebra.of(self.signature)
        blades = len(algebra.blades_of_grades(self.grades))
        matches = len(self.shape) == 2 + algebra.dim and self.shape[1] == blades
        if self.count < 1 or not matches or min(self.shape) < 1:
            space = ", ".join(["size"] * algebra.dim)
            raise UsageError(
                f"Got {self.count} trajectories of shape {self.shape}: expected at least one, and "
                f"the shape (steps, {blades}, {space}) for grades {self.grades} of {algebra}."
            )

    @property
    def blades(self) -> tuple[str, ...]:
        """Names of the blades on axis 1."""
        algebra = Algebra.of(self.signature)
        return tuple(algebra.names[k] for k in algebra.blades_of_grades(self.grades))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Trajectory:
        """Return the trajectory of an index.

        Raises:
            IndexError: the index is out of range.
            ArrayError: the loaded array has another shape or type, or contains NaN or infinite
                values.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"Trajectory {index} is out of range: expected 0 to {self.count - 1}.")
        trajectory = self.load(index)
        if trajectory.shape != self.shape or trajectory.dtype != np.float32:
            raise ArrayError(
                f"Trajectory {index} is {trajectory.dtype} of shape {trajectory.shape}: expected "
                f"float32 of shape {self.shape}."
            )
        if not np.isfinite(trajectory).all():
            raise ArrayError(f"Trajectory {index} contains NaN or infinite values.")
        return trajectory

    def __iter__(self) -> Iterator[Trajectory]:
        return (self[index] for index in range(self.count))
