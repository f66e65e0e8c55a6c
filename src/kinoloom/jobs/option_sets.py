"""Option sets: the dataclasses whose fields together are the options of an op on files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from kinoloom.base.files import NoOptions, files_of, read_options_of
from kinoloom.base.op import Op
from kinoloom.base.options import Option, options_of
from kinoloom.errors import UsageError
from kinoloom.jobs.distributed import can_distribute
from kinoloom.jobs.options import DistributedOptions


@dataclass(frozen=True)
class OptionSets:
    """The options dataclasses of an op, of reading its input and of writing its output.

    Attributes:
        op, read, write, distributed: the dataclasses, `NoOptions` where there are none.
    """

    op: type
    read: type
    write: type
    distributed: type

    @classmethod
    def of(cls, op: Op) -> OptionSets:
        """Return the option sets of an op."""
        return cls(
            op.options,
            read_options_of(op),
            files_of(op.output_type).write_options,
            DistributedOptions if can_distribute(op) else NoOptions,
        )

    @property
    def classes(self) -> tuple[type, ...]:
        """The dataclasses in the order of the command's help."""
        return (self.op, self.read, self.write, self.distributed)

    def split(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """Return the values of op, read, write and distributed; absent ones are left out."""
        return tuple(
            {o.name: values[o.name] for o in options_of(one) if o.name in values}
            for one in self.classes
        )

    def parse(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Parse and check values by option name; None means the default and is left out.

        Raises:
            UsageError: an unknown name, with close ones, or an invalid value.
        """
        declared = {option.name: option for option in self}
        for name in values:
            if name not in declared:
                close = get_close_matches(name, declared)
                hint = (
                    f"Did you mean {' or '.join(close)}?"
                    if close
                    else f"Options: {', '.join(declared)}."
                )
                raise UsageError(f"Unknown option '{name}'.", hint=hint)
        given = {name: value for name, value in values.items() if value is not None}
        return {name: declared[name].parse(value) for name, value in given.items()}

    def __iter__(self) -> Iterator[Option]:
        """Iterate over all declared options."""
        for one in self.classes:
            yield from options_of(one)
