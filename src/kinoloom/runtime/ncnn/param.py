"""Reading of .param files, the text that describes the layers of an ncnn network.

The first line is a magic number, the second the numbers of layers and blobs. Each other line is a
layer: type, name, numbers of inputs and outputs, their names, and parameters `key=value`. The value
of a key at or below -23300 is an array that begins with its length, of the parameter -23300 - key.

Source: param and model file structure, and paramdict.cpp, of ncnn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

Number = int | float
Parameter = Number | tuple[Number, ...]

_MAGIC = "7767517"
_ARRAY_KEY = -23300
_MOST_LAYERS = 100_000
_MOST_INT = 1 << 31
_MOST_CHARACTERS = 255
"""Of a name, in ncnn too."""


@dataclass(frozen=True)
class Layer:
    """A layer of an ncnn network.

    Attributes:
        kind: type, such as "Convolution".
        name: unique in most files.
        inputs, outputs: names of blobs.
        parameters: by number.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: Mapping[int, Parameter]

    def whole(self, key: int, default: int = 0, *, low: int = 0, high: int = _MOST_INT) -> int:
        """Return a parameter that is a whole number.

        Raises:
            ValueError: it is not one, or outside low..high.
        """
        value = self.parameters.get(key, default)
        if isinstance(value, tuple) or value != int(value) or not low <= value <= high:
            raise ValueError(
                f"parameter {key} of layer '{self.name}' ({self.kind}) is {value}; expected a "
                f"whole number from {low} to {high}"
            )
        return int(value)

    def real(self, key: int, default: float = 0.0) -> float:
        """Return a parameter that is a number.

        Raises:
            ValueError: it is an array.
        """
        value = self.parameters.get(key, default)
        if isinstance(value, tuple):
            raise ValueError(
                f"parameter {key} of layer '{self.name}' ({self.kind}) is an array; expected a "
                "number"
            )
        return float(value)

    def array(self, key: int) -> tuple[float, ...]:
        """Return a parameter that is an array, () if it is absent.

        Raises:
            ValueError: it is a number.
        """
        value = self.parameters.get(key, ())
        if not isinstance(value, tuple):
            raise ValueError(
                f"parameter {key} of layer '{self.name}' ({self.kind}) is {value}; expected an "
                "array"
            )
        return tuple(float(each) for each in value)


def read_param(content: bytes) -> list[Layer]:
    """Read the layers of a .param file.

    Args:
        content: of the file.

    Returns:
        The layers in the order of the file.

    Raises:
        ValueError: it is not such a file, or damaged.
    """
    text = content.decode("utf-8", errors="replace")
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != [_MAGIC]:
        found = text[:16].split("\n")[0].strip()
        raise ValueError(
            f"the .param file begins with '{found}'; expected the magic number {_MAGIC}"
        )
    count = _read_count(lines[1] if len(lines) > 1 else [])
    if len(lines) - 2 != count:
        raise ValueError(f"the .param file has {len(lines) - 2} layers; it declares {count}")
    return [_read_layer(words) for words in lines[2:]]


def _read_count(words: list[str]) -> int:
    numbers = [_parse_number(word) for word in words]
    count = numbers[0] if len(numbers) == 2 else 0
    if not isinstance(count, int) or not 1 <= count <= _MOST_LAYERS:
        raise ValueError(
            f"the second line of the .param file is '{' '.join(words)[:60]}'; expected the numbers "
            f"of layers, 1 to {_MOST_LAYERS}, and blobs"
        )
    return count


def _read_layer(words: list[str]) -> Layer:
    line = " ".join(words)[:60]
    if max(map(len, words)) > _MOST_CHARACTERS:
        raise ValueError(f"the line '{line}' has a word of over {_MOST_CHARACTERS} characters")
    counts = [_parse_number(word) for word in words[2:4]]
    if len(counts) < 2 or not all(isinstance(count, int) and count >= 0 for count in counts):
        raise ValueError(
            f"the line '{line}' is not a layer: expected type, name and numbers of inputs and "
            "outputs"
        )
    ins, outs = (int(count) for count in counts)
    names = words[4 : 4 + ins + outs]
    if len(names) < ins + outs or any("=" in name for name in names):
        raise ValueError(f"the line '{line}' names fewer than {ins} inputs and {outs} outputs")
    parameters = dict(_parse_parameter(word) for word in words[4 + ins + outs :])
    return Layer(words[0], words[1], tuple(names[:ins]), tuple(names[ins:]), parameters)


def _parse_parameter(word: str) -> tuple[int, Parameter]:
    text, equals, value = word.partition("=")
    key = _parse_number(text)
    if not equals or not isinstance(key, int):
        raise ValueError(f"'{word[:40]}' is not a parameter of the form key=value")
    values = [_parse_number(each) for each in value.split(",")]
    if key > _ARRAY_KEY:
        if len(values) != 1:
            raise ValueError(f"the parameter '{word[:40]}' has {len(values)} values; expected one")
        return key, values[0]
    if values[0] != len(values) - 1:
        raise ValueError(f"the array '{word[:40]}' has {len(values) - 1} values, not {values[0]}")
    return _ARRAY_KEY - key, tuple(values[1:])


def _parse_number(word: str) -> Number:
    """Read a finite number; one without a point or exponent is an int."""
    try:
        value: Number = float(word) if set(word.lower()) & set(".en") else int(word)
    except ValueError:
        raise ValueError(f"'{word[:40]}' is not a number") from None
    if not math.isfinite(value) or abs(value) > 1e30:
        raise ValueError(f"'{word[:40]}' is not a finite number below 1e30")
    return value
