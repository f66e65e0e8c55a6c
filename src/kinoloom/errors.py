"""The errors of kinoloom: one tree; most are a fitting builtin exception too.

    KinoloomError                     exit 1   the work failed
    ├── UsageError (ValueError)       exit 2   an option or argument is wrong
    │   ├── ArrayError                exit 2   an array has the wrong shape, dtype or values
    │   ├── DefinitionError           exit 2   a pipeline definition is invalid
    │   └── OutputExistsError (FileExistsError)  exit 2   --overwrite was not given
    ├── RegistryError (LookupError)   exit 2   an unknown name, or a name declared twice
    ├── MissingError                  exit 3   an extra or weights are missing
    │   ├── MissingExtraError (ImportError)
    │   ├── WeightsError (ValueError)          weights are missing or belong to another model
    │   │   └── ChecksumError                  a file does not have its published SHA-256
    │   └── FetchError (OSError)               a package registry does not deliver a package
    │       └── OfflineError (ConnectionError) a package registry cannot be reached
    ├── MediaError (OSError)          exit 4   an input cannot be read
    │   ├── InputNotFoundError (FileNotFoundError)
    │   ├── InputChangedError                  the file was changed while it was read
    │   ├── UnreadableMediaError (ValueError)
    │   └── UnsupportedMediaError (ValueError) readable, but not supported by this op
    ├── OutputError (OSError)         exit 1   the output cannot be written
    ├── ExecutionError (RuntimeError) exit 1   a pipeline execution failed or was stopped
    ├── TrainingError (ArithmeticError)  exit 1   a loss, gradient or weight is not finite
    └── BudgetError (MemoryError)     exit 1   the work does not fit the memory budget

A message says what is wrong with which value; `hint` says what to do. A job that writes its output
without a part that is missing or damaged raises no error; its exit code is `EXIT_INCOMPLETE`.
"""

from __future__ import annotations

EXIT_INCOMPLETE = 5
"""The output is written, but part of the requested work is missing."""


class KinoloomError(Exception):
    """Root of all errors that kinoloom raises on purpose.

    Args:
        message: what is wrong, with the value and what is allowed.
        hint: what to do, one sentence; shown after the message.
    """

    exit_code = 1
    has_lines = False
    """Whether the message may have several lines; in others a line feed belongs to a name."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        between = "\n" if self.has_lines and "\n" in self.message else " "
        return f"{self.message}{between}{self.hint}".rstrip()


class UsageError(KinoloomError, ValueError):
    """An option or argument is wrong."""

    exit_code = 2


class ArrayError(UsageError):
    """An array has the wrong shape, dtype or values."""


class DefinitionError(UsageError):
    """A pipeline definition or a record is invalid; the message names the JSON path."""

    has_lines = True


class OutputExistsError(UsageError, FileExistsError):
    """The output exists and may not be replaced."""


class RegistryError(KinoloomError, LookupError):
    """A name is unknown, or two packages declare it."""

    exit_code = 2


class MissingError(KinoloomError):
    """An extra or weights are missing; the hint has the exact command that gets them."""

    exit_code = 3


class MissingExtraError(MissingError, ImportError):
    """A package of an optional extra is not installed."""


class WeightsError(MissingError, ValueError):
    """Weights are missing, damaged, or belong to another model."""


class ChecksumError(WeightsError):
    """A file does not have its published SHA-256: it is damaged or another file."""


class FetchError(MissingError, OSError):
    """A package registry does not deliver the package of a model."""

    has_lines = True


class OfflineError(FetchError, ConnectionError):
    """A package registry cannot be reached; the hint has the commands for another machine."""


class MediaError(KinoloomError, OSError):
    """An input cannot be used as media."""

    exit_code = 4


class InputNotFoundError(MediaError, FileNotFoundError):
    """The file does not exist."""


class InputChangedError(MediaError):
    """An input was replaced, truncated, appended to, modified or removed while it was read."""

    def with_kept(self, kept: str) -> InputChangedError:
        """Return the error with a sentence that says where the part finished before is kept."""
        return InputChangedError(f"{self.message} {kept}".rstrip(), hint=self.hint)


class UnreadableMediaError(MediaError, ValueError):
    """The file is empty, damaged, or not media."""


class UnsupportedMediaError(MediaError, ValueError):
    """The file is valid, but this op does not support it."""


class OutputError(KinoloomError, OSError):
    """The output cannot be written: folder missing, not writable, disk full."""


class ExecutionError(KinoloomError, RuntimeError):
    """A pipeline execution failed, was stopped, or has no such result."""

    has_lines = True


class TrainingError(KinoloomError, ArithmeticError):
    """Training cannot continue: a loss, a gradient or a weight is not finite."""


class BudgetError(KinoloomError, MemoryError):
    """The work does not fit the memory budget."""


def describe_cause(error: BaseException) -> str:
    """Return the message of a library's error on one line, without its final full stop."""
    return " ".join(str(error).split()).rstrip(". ")
