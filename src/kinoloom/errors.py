"""The errors of kinoloom: one tree, each with a fitting builtin beside it.

    KinoloomError                     exit 1   the work failed
    ├── UsageError (ValueError)       exit 2   an option or argument is wrong
    │   ├── ArrayError                exit 2   an array of the wrong shape, type or content
    │   ├── DefinitionError           exit 2   a pipeline definition that is not right
    │   └── OutputExistsError (FileExistsError)  exit 2   --overwrite was not given
    ├── RegistryError (LookupError)   exit 2   no such name, or a name given twice
    ├── MissingError                  exit 3   something has to be installed or fetched first
    │   ├── MissingExtraError (ImportError)
    │   ├── WeightsError (ValueError)          no weights, or a file that is not the right ones
    │   │   └── ChecksumError                  a file whose SHA-256 is not the published one
    │   └── FetchError (OSError)               a package that its registry does not deliver
    │       └── OfflineError (ConnectionError) the registry cannot be reached
    ├── MediaError (OSError)          exit 4   an input that cannot be read
    │   ├── InputNotFoundError (FileNotFoundError)
    │   ├── UnreadableMediaError (ValueError)
    │   └── UnsupportedMediaError (ValueError) readable, but not what this work can take
    ├── OutputError (OSError)         exit 1   the result cannot be written
    ├── ExecutionError (RuntimeError) exit 1   a pipeline's run failed, or was stopped
    ├── TrainingError (ArithmeticError)  exit 1   a training ran into numbers that are not finite
    └── BudgetError (MemoryError)     exit 1   the work does not fit the memory allowed

A message says what was wrong and with which value; `hint` says what to do about it.
"""

from __future__ import annotations


class KinoloomError(Exception):
    """Root of all errors that kinoloom raises on purpose.

    Args:
        message: what was wrong, with the offending value and what is allowed.
        hint: what to do about it, one sentence; shown after the message.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        between = "\n" if "\n" in self.message else " "
        return f"{self.message}{between}{self.hint}".rstrip()


class UsageError(KinoloomError, ValueError):
    """An option or argument is wrong."""

    exit_code = 2


class ArrayError(UsageError):
    """An array has the wrong shape, element type or content."""


class DefinitionError(UsageError):
    """A pipeline definition is not right; the message names the JSON path of each problem."""


class OutputExistsError(UsageError, FileExistsError):
    """The output is already there and may not be replaced."""


class RegistryError(KinoloomError, LookupError):
    """A name is unknown, or two things claim the same one."""

    exit_code = 2


class MissingError(KinoloomError):
    """Something has to be installed or fetched first; the hint has the exact line."""

    exit_code = 3


class MissingExtraError(MissingError, ImportError):
    """A Python package of an optional extra is not installed."""


class WeightsError(MissingError, ValueError):
    """Weights are absent, or the file given does not hold the right ones."""


class ChecksumError(WeightsError):
    """The SHA-256 of a file differs from the published one: it is damaged or another file."""


class FetchError(MissingError, OSError):
    """A package registry does not deliver the package of a model."""


class OfflineError(FetchError, ConnectionError):
    """A package registry cannot be reached; the hint has the commands for another machine."""


class MediaError(KinoloomError, OSError):
    """An input cannot be used as media."""

    exit_code = 4


class InputNotFoundError(MediaError, FileNotFoundError):
    """There is no file at the path given."""


class UnreadableMediaError(MediaError, ValueError):
    """The file is empty, damaged, or not media at all."""


class UnsupportedMediaError(MediaError, ValueError):
    """The file is sound, but not something that this work can take."""


class OutputError(KinoloomError, OSError):
    """The result cannot be written: folder missing, not writable, disk full."""


class ExecutionError(KinoloomError, RuntimeError):
    """A pipeline's run ended without success, or has no such result."""


class TrainingError(KinoloomError, ArithmeticError):
    """A training cannot go on: a loss, a gradient or a weight is not finite."""


class BudgetError(KinoloomError, MemoryError):
    """The work does not fit into the memory allowed."""
