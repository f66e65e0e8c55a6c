"""Checks which operators an ONNX file uses, before a runtime opens it.

A loop in a user's model can run without end. No network of kinoloom contains control flow, so that
graphs inside of operators, functions of the model and operators of other domains are rejected.

Source: NodeProto and AttributeProto in onnx.proto3 of ONNX 1.17.
"""

from __future__ import annotations

import mmap
from pathlib import Path

from kinoloom.errors import WeightsError
from kinoloom.runtime.onnx_messages import BYTES, Part, find_messages, map_onnx, read_fields

_OPERATOR, _ATTRIBUTE, _DOMAIN = 4, 5, 7
_GRAPH, _GRAPHS = 6, 11
_DOMAINS = (b"", b"ai.onnx")


def check_operators(file: Path) -> None:
    """Check that a model has neither control flow nor operators outside the ONNX standard.

    Args:
        file: an .onnx file.

    Raises:
        WeightsError: it has, or the file is not ONNX.
    """
    with map_onnx(file) as data:
        if next(find_messages(data, "Function"), None) is not None:
            raise _describe(file, "functions of its own")
        for node in find_messages(data, "Node"):
            if problem := _find_problem(data, node):
                raise _describe(file, problem)


def _find_problem(data: mmap.mmap, node: Part) -> str:
    """Return what is not allowed in a node, as a phrase; "" if all is."""
    fields = [(number, part) for number, wire, part in read_fields(data, node) if wire == BYTES]
    texts = {number: data[part.start : part.end] for number, part in fields}
    name = texts.get(_OPERATOR, b"").decode(errors="replace")
    if texts.get(_DOMAIN, b"") not in _DOMAINS:
        return f"the operator '{name}' of '{texts[_DOMAIN].decode(errors='replace')}'"
    attributes = (part for number, part in fields if number == _ATTRIBUTE)
    if any(_has_graph(data, attribute) for attribute in attributes):
        return f"control flow, the operator '{name}'"
    return ""


def _has_graph(data: mmap.mmap, attribute: Part) -> bool:
    return any(number in (_GRAPH, _GRAPHS) for number, _, _ in read_fields(data, attribute))


def _describe(file: Path, problem: str) -> WeightsError:
    return WeightsError(
        f"{file} is not a network of kinoloom: it contains {problem}.",
        hint="Name the file that belongs to the engine with --weights.",
    )
