"""Resources: what steps use of a machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Resources:
    """Amounts of a machine's resources.

    Attributes:
        cpu: Processor cores.
        gpu: GPUs.
        memory_bytes: Memory; 0 if it is not considered.
    """

    cpu: float = 1
    gpu: float = 0
    memory_bytes: int = 0

    @property
    def threads(self) -> int:
        """The number of threads for the cores, at least one."""
        return max(1, int(self.cpu))

    def fits(self, free: Resources) -> bool:
        """Return whether this much is free."""
        return (
            self.cpu <= free.cpu and self.gpu <= free.gpu and self.memory_bytes <= free.memory_bytes
        )

    def minus(self, used: Resources) -> Resources:
        """Return the difference."""
        return Resources(
            self.cpu - used.cpu, self.gpu - used.gpu, self.memory_bytes - used.memory_bytes
        )

    def reserve(self, need: Resources) -> Resources:
        """Return what is left for others if this much is kept for a step that needs more."""
        left = self.minus(need)
        return Resources(max(0, left.cpu), max(0, left.gpu), max(0, left.memory_bytes))

    def plus(self, other: Resources) -> Resources:
        """Return the sum."""
        return Resources(
            self.cpu + other.cpu, self.gpu + other.gpu, self.memory_bytes + other.memory_bytes
        )

    def at_least(self, other: Resources) -> Resources:
        """Return the maximum, which is enough for both."""
        return Resources(
            max(self.cpu, other.cpu),
            max(self.gpu, other.gpu),
            max(self.memory_bytes, other.memory_bytes),
        )

    def at_most(self, limit: Resources) -> Resources:
        """Return the minimum, so that a step that requests more than exists runs alone."""
        return Resources(
            min(self.cpu, limit.cpu),
            min(self.gpu, limit.gpu),
            min(self.memory_bytes, limit.memory_bytes),
        )


def this_machine() -> Resources:
    """Return the cores that this process may use, without GPUs."""
    # The same as in base.machine, whose package loads numpy, which sessions do not need.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Resources(cpu=cores or 1)


@dataclass(frozen=True)
class Demand:
    """What steps use, by the instance type that they request.

    Attributes:
        total: All resources.
        by_instance: Amounts by instance type; other types use one core.
        nodes: The resources of each machine if there are several; a step runs on one of them.
    """

    total: Resources = field(default_factory=this_machine)
    by_instance: Mapping[str, Resources] = field(default_factory=dict)
    nodes: tuple[Resources, ...] = ()

    def of(self, instance_type: str) -> Resources:
        """Return what a step with this instance type uses: at most what one machine has."""
        request = self.by_instance.get(instance_type, Resources())
        nodes = self.nodes or (self.total,)
        if any(request.fits(node) for node in nodes):
            return request
        largest = max(nodes, key=lambda node: (node.gpu > 0 or not request.gpu, node.cpu))
        return request.at_most(largest)
