"""A contestant of a benchmark, in a process of its own, so that its memory is its own.

The process works only while it is called, and the caller waits; the evaluation runs in between, in
the caller's process, so the seconds of all contestants are comparable.
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
        name: shown in errors.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context)

    def call(self, case: str, function: Callable[[*A], R], *args: *A) -> R:
        """Call a function in the process and wait for its result.

        Args:
            case: the name of what it works on, for errors.
            function, *args: picklable.

        Raises:
            BudgetError: the process was killed from outside, as happens when memory is short.
            Exception: whatever the function raises.
        """
        try:
            return self._pool.submit(function, *args).result()
        except BrokenProcessPool as error:
            raise BudgetError(
                f"The process of '{self.name}' was killed at {case}.",
                hint="It may have needed more memory than there is.",
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
