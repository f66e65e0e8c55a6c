"""Resources: what a step takes of the machine while it runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Resources:
    """Amounts of a machine's parts.

    Attributes:
        cpu: processor cores.
        gpu: accelerators.
        memory_bytes: 0 where it does not matter.
    """

    cpu: float = 1
    gpu: float = 0
    memory_bytes: int = 0

    @property
    def threads(self) -> int:
        """How many threads make use of the cores: at least one."""
        return max(1, int(self.cpu))

    def fits(self, free: Resources) -> bool:
        """Whether this much is free."""
        return (
            self.cpu <= free.cpu and self.gpu <= free.gpu and self.memory_bytes <= free.memory_bytes
        )

    def less(self, taken: Resources) -> Resources:
        """What is left."""
        return Resources(
            self.cpu - taken.cpu, self.gpu - taken.gpu, self.memory_bytes - taken.memory_bytes
        )

    def plus(self, given: Resources) -> Resources:
        """Both together."""
        return Resources(
            self.cpu + given.cpu, self.gpu + given.gpu, self.memory_bytes + given.memory_bytes
        )

    def at_most(self, whole: Resources) -> Resources:
        """This, or all there is where it asks for more: large steps run alone, not never."""
        return Resources(
            min(self.cpu, whole.cpu),
            min(self.gpu, whole.gpu),
            min(self.memory_bytes, whole.memory_bytes),
        )


def this_machine() -> Resources:
    """The cores that this process may use; no accelerators."""
    # As base.machine has it, whose package loads numpy: a session has no use for that.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Resources(cpu=cores or 1)


@dataclass(frozen=True)
class Demand:
    """What steps take, by the type of machine that they ask for.

    Attributes:
        whole: all that there is.
        by_instance: amounts for types of machines; others take one core.
        nodes: what each machine has, where there are several; a step runs on one of them.
    """

    whole: Resources = field(default_factory=this_machine)
    by_instance: Mapping[str, Resources] = field(default_factory=dict)
    nodes: tuple[Resources, ...] = ()

    def of(self, instance_type: str) -> Resources:
        """What a step takes that asks for this type of machine: no more than one machine has."""
        asked = self.by_instance.get(instance_type, Resources())
        nodes = self.nodes or (self.whole,)
        if any(asked.fits(node) for node in nodes):
            return asked
        return asked.at_most(max(nodes, key=lambda node: (node.gpu > 0 or not asked.gpu, node.cpu)))
