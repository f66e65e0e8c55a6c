"""Find elements and attributes of an XMP packet by their place, so that a change moves no others.

Sources: ISO 16684-1 (XMP data model and RDF syntax); Namespaces in XML 1.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TAG = re.compile(rb"<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>")
_ATTRIBUTE = re.compile(rb"\s+([^\s=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


@dataclass(frozen=True)
class Attribute:
    """An attribute: its name, and offsets of it (with the space before) and of its value."""

    namespace: str
    name: str
    start: int
    end: int
    value_start: int
    value_end: int


@dataclass
class Element:
    """An element.

    Attributes:
        namespace, name: its name.
        prefix: the prefix of its name as written, with the colon; "" for none.
        start, content, content_end, end: offsets of it, of what it contains, and after it.
        attributes: those that are not namespace declarations.
        has_children: whether it contains elements.
    """

    namespace: str
    name: str
    prefix: str
    start: int
    content: int
    content_end: int = 0
    end: int = 0
    attributes: list[Attribute] = field(default_factory=list)
    has_children: bool = False

    @property
    def is_empty_tag(self) -> bool:
        """Whether it is one tag that closes itself."""
        return self.content == self.end


def scan(packet: bytes) -> list[Element]:
    """Return the elements of a packet in UTF-8, in the order of their start tags.

    Raises:
        ValueError: not well-formed XML, or with a document type.
    """
    scanner = _Scanner(packet)
    try:
        scanner.parser.Parse(packet, True)
    except (expat.ExpatError, UnicodeDecodeError) as error:
        raise ValueError("its XMP is damaged") from error
    return scanner.found


class _Scanner:
    def __init__(self, packet: bytes) -> None:
        self.packet = packet
        self.found: list[Element] = []
        self._open: list[Element] = []
        self._scopes: list[dict[str, str]] = [{"xml": "http://www.w3.org/XML/1998/namespace"}]
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._finish
        self.parser.StartDoctypeDeclHandler = self._reject

    def _reject(self, *_: object) -> None:
        raise ValueError("its XMP has a document type")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        start = self.parser.CurrentByteIndex
        tag = _TAG.match(self.packet, start)
        if tag is None:
            raise ValueError("its XMP is damaged")
        declared = {
            key.partition(":")[2]: value
            for key, value in attributes.items()
            if key == "xmlns" or key.startswith("xmlns:")
        }
        scope = {**self._scopes[-1], **declared}
        prefix, local = _split_name(name)
        element = Element(scope.get(prefix, ""), local, name[: -len(local)], start, tag.end())
        if tag[0].endswith(b"/>"):
            element.content_end = element.end = tag.end()
        element.attributes = list(_list_attributes(tag, scope))
        if self._open:
            self._open[-1].has_children = True
        self._open.append(element)
        self._scopes.append(scope)
        self.found.append(element)

    def _finish(self, _: str) -> None:
        element = self._open.pop()
        self._scopes.pop()
        if not element.end:
            element.content_end = self.parser.CurrentByteIndex
            element.end = self.packet.index(b">", element.content_end) + 1


def _list_attributes(tag: re.Match[bytes], scope: dict[str, str]) -> list[Attribute]:
    found = []
    for match in _ATTRIBUTE.finditer(tag.string, tag.start(), tag.end()):
        prefix, local = _split_name(match[1].decode())
        if "xmlns" in (prefix, local):
            continue
        value = match.span(2) if match[2] is not None else match.span(3)
        namespace = scope.get(prefix, "") if prefix else ""
        found.append(Attribute(namespace, local, match.start(), match.end(), *value))
    return found


def _split_name(name: str) -> tuple[str, str]:
    prefix, colon, local = name.rpartition(":")
    return (prefix, local) if colon else ("", name)
