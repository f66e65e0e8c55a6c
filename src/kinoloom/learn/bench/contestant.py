"""Contestant: a process per benchmarked engine, so that memory is measured per engine.

The process works only while it is called and the caller waits. Evaluation runs between the calls,
in the caller's process, so the times of all contestants are comparable.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

from kinoloom.errors import BudgetError

A = TypeVarTuple("A")
R = TypeVar("R")


class Contestant:
    """A process that calls functions for one contestant; a context manager that ends it.

    Args:
        name: of the contestant, for errors.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context)

    def call(self, case: str, function: Callable[[*A], R], *args: *A) -> R:
        """Call a function in the process and return its result.

        Args:
            case: name of the benchmark case, for errors.
            function, *args: picklable.

        Raises:
            BudgetError: the operating system killed the process, as happens when memory runs out.
            Exception: any error of the function.
        """
        try:
            return self._pool.submit(function, *args).result()
        except BrokenProcessPool as error:
            raise BudgetError(
                f"The process of '{self.name}' was killed during {case}.",
                hint="The machine may have run out of memory.",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown()
