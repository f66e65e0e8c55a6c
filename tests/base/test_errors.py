"""The error tree: what each error is, which exit code it has, what it says."""

import errno
import inspect
import pickle
import re

import pytest

from kinoloom import errors
from kinoloom.errors import KinoloomError, MediaError, OutputExistsError, WeightsError

CLASSES = {
    name: cls for name, cls in vars(errors).items() if inspect.isclass(cls) and name[0] != "_"
}
# "│   ├── ArrayError (X)   exit 2   ...": depth by the four columns a level takes, name, builtin.
LINE = re.compile(
    r"^ {4}(?P<branch>[│├└─ ]*)(?P<name>\w+Error)\b(?: \((?P<builtin>\w+)\))?(?P<rest>.*)$"
)


def drawn() -> list[tuple[str, str | None, str | None, int | None]]:
    """(name, parent, builtin, exit code) of each line of the tree in the module's docstring."""
    found: list[tuple[str, str | None, str | None, int | None]] = []
    above: list[str] = []
    for text in (errors.__doc__ or "").splitlines():
        line = LINE.match(text)
        if line is None:
            continue
        depth = len(line["branch"]) // 4
        above = [*above[:depth], line["name"]]
        code = re.search(r"exit (\d)", line["rest"])
        parent = above[-2] if depth else None
        found.append((line["name"], parent, line["builtin"], int(code[1]) if code else None))
    return found


def test_documented_tree_matches_the_classes() -> None:
    assert [name for name, *_ in drawn()] == list(CLASSES)
    for name, parent, builtin, _ in drawn():
        told = tuple(filter(None, (parent or "Exception", builtin)))
        assert tuple(base.__name__ for base in CLASSES[name].__bases__) == told


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, _, _, code in drawn() if code])
def test_exit_codes_match_the_documented_tree(name: str, code: int) -> None:
    assert CLASSES[name].exit_code == code


@pytest.mark.parametrize(("name", "parent"), [row[:2] for row in drawn() if not row[3]])
def test_undocumented_exit_codes_are_inherited(name: str, parent: str) -> None:
    assert CLASSES[name].exit_code == CLASSES[parent].exit_code


@pytest.mark.parametrize("cls", CLASSES.values())
def test_error_shows_message_and_hint(cls: type[KinoloomError]) -> None:
    error = cls("It is 3; 1 or 2 is allowed.", hint="Give 2.")
    assert str(error) == "It is 3; 1 or 2 is allowed. Give 2."
    assert (error.message, error.hint) == ("It is 3; 1 or 2 is allowed.", "Give 2.")
    assert str(cls("It is 3.")) == "It is 3."


@pytest.mark.parametrize("cls", CLASSES.values())
def test_errors_survive_pickling(cls: type[KinoloomError]) -> None:
    copy = pickle.loads(pickle.dumps(cls("Wrong.", hint="Do it right.")))  # noqa: S301
    assert type(copy) is cls
    assert str(copy) == "Wrong. Do it right."


def test_errors_are_caught_as_their_builtin() -> None:
    with pytest.raises(FileExistsError):
        raise OutputExistsError("There.")
    with pytest.raises(ValueError, match="No weights"):
        raise WeightsError("No weights.")
    assert MediaError("Unreadable.").errno not in errno.errorcode
