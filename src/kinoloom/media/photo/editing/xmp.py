"""Update XMP for a changed picture: size, orientation, places, and the provenance record.

Only the named properties change; all other bytes of the packet are kept. The padding of a packet
takes up what it grows by.

Sources: ISO 16684-1; XMP specification part 2 (tiff:, exif:, xmp:Thumbnails) and part 3 (1.1.3.1,
extended XMP in JPEG); IPTC Photo Metadata Standard 2023.1; Google's Photo Sphere XMP
metadata (GPano).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any
from xml.sax.saxutils import escape, unescape

from kinoloom.media.photo.editing.xmp_scan import RDF, Attribute, Element, scan

NAMESPACE = "urn:kinoloom:xmp:1:"
_PROVENANCE, _KEY = "provenance", "key"
_TIFF, _EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
_XMP, _NOTE = "http://ns.adobe.com/xap/1.0/", "http://ns.adobe.com/xmp/note/"
_PANORAMA = "http://ns.google.com/photos/1.0/panorama/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PLACES = {
    *((_PHOTOSHOP, name) for name in ("City", "State", "Country")),
    *((_CORE, name) for name in ("Location", "CountryCode")),
    *((_EXT, name) for name in ("LocationCreated", "LocationShown")),
}
_PACKET_END = b"<?xpacket end"
_EMPTY = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    b'<rdf:RDF xmlns:rdf="' + RDF.encode() + b'">\n'
    b"</rdf:RDF>\n</x:xmpmeta>\n"
    b'<?xpacket end="w"?>'
)

Node = Element | Attribute
Scales = tuple[Fraction | int, Fraction | int]
"""Horizontal and vertical."""

_LENGTHS = {
    f"{part}{axis}Pixels": index
    for part, axes in (
        ("CroppedAreaImage", ("Width", "Height")),
        ("FullPano", ("Width", "Height")),
        ("CroppedArea", ("Left", "Top")),
    )
    for index, axis in enumerate(axes)
}
"""Lengths in pixels of a panorama, each with its axis."""
_Edit = tuple[int, int, bytes]


def set_size(packet: bytes, width: int, height: int, scales: Scales = (1, 1)) -> bytes:
    """Return a packet with orientation 1 and these sizes in pixels, where it has the properties.

    Thumbnails in the packet are removed, because they show the old picture.

    Args:
        packet: the packet.
        width, height: of the new picture.
        scales: the new width and height over the old ones, by which lengths in panoramas change.

    Raises:
        ValueError: the packet is damaged.
    """
    values = {
        (_TIFF, "Orientation"): b"1",
        (_TIFF, "ImageWidth"): b"%d" % width,
        (_TIFF, "ImageLength"): b"%d" % height,
        (_EXIF, "PixelXDimension"): b"%d" % width,
        (_EXIF, "PixelYDimension"): b"%d" % height,
    }
    edits: list[_Edit] = []
    for node in _list_nodes(packet):
        if (value := values.get((node.namespace, node.name))) is not None:
            edits += _set_value(node, value)
        elif (node.namespace, node.name) == (_XMP, "Thumbnails"):
            edits.append(_cut(packet, node))
        elif node.namespace == _PANORAMA and node.name in _LENGTHS:
            edits += _scale_value(packet, node, scales[_LENGTHS[node.name]])
    return _apply(packet, edits)


def remove_places(packet: bytes) -> bytes:
    """Return a packet without positions and names of places.

    Removed are properties of any namespace whose name begins with "GPS", and the places of IPTC
    Core and Extension.

    Raises:
        ValueError: the packet is damaged.
    """
    return _remove(packet, lambda node: _is_place(node.namespace, node.name))


def set_record(packet: bytes, record: dict[str, Any] | None, key: str) -> bytes:
    """Return a packet with a provenance record; an older one is replaced.

    Args:
        packet: the packet; b"" for a new one.
        record: the record as plain values; None to store only its key.
        key: the record's key.

    Raises:
        ValueError: the packet is damaged, or has no RDF.
    """
    packet = _remove(packet or _EMPTY, lambda node: node.namespace == NAMESPACE)
    root = next((one for one in scan(packet) if (one.namespace, one.name) == (RDF, "RDF")), None)
    if root is None:
        raise ValueError("its XMP has no RDF")
    rdf = root.prefix.encode()
    text = json.dumps(record, separators=(",", ":"))
    body = b"" if record is None else _tag(_PROVENANCE, escape(text))
    added = b'<%bDescription %babout="" xmlns:kinoloom="%b">' % (rdf, rdf, NAMESPACE.encode())
    added += body + _tag(_KEY, key) + b"</%bDescription>\n" % rdf
    if root.is_empty_tag:
        start = packet.rindex(b"/", 0, root.end)
        edit = (start, root.end, b">" + added + b"</%bRDF>" % rdf)
    else:
        edit = (root.content_end, root.content_end, added)
    return _apply(packet, [edit])


def find_record(packet: bytes) -> tuple[dict[str, Any] | None, str]:
    """Return the provenance record in a packet (None without one), and its key ("" without one)."""
    record, key = None, ""
    try:
        for element in scan(packet):
            if element.namespace == NAMESPACE:
                text = unescape(packet[element.content : element.content_end].decode())
                if element.name == _KEY:
                    key = text
                elif element.name == _PROVENANCE:
                    record = json.loads(text)
    except ValueError:
        return None, ""
    return record, key


def rename_extension(packet: bytes, guid: bytes) -> bytes:
    """Return a packet that refers to extended XMP of this GUID, or to none if it is b"".

    Raises:
        ValueError: the packet is damaged.
    """
    is_link = _NOTE, "HasExtendedXMP"
    if not guid:
        return _remove(packet, lambda node: (node.namespace, node.name) == is_link)
    edits: list[_Edit] = []
    for node in _list_nodes(packet):
        if (node.namespace, node.name) == is_link:
            edits += _set_value(node, guid)
    return _apply(packet, edits)


def _is_place(namespace: str, name: str) -> bool:
    return name.lower().startswith("gps") or (namespace, name) in _PLACES


def _tag(name: str, text: str) -> bytes:
    return f"<kinoloom:{name}>{text}</kinoloom:{name}>".encode()


def _list_nodes(packet: bytes) -> Iterator[Node]:
    for element in scan(packet):
        yield element
        yield from element.attributes


def _remove(packet: bytes, is_removed: Callable[[Node], bool]) -> bytes:
    edits = [_cut(packet, node) for node in _list_nodes(packet) if is_removed(node)]
    packet = _apply(packet, edits)
    if not edits:
        return packet
    return _apply(packet, [_cut(packet, one) for one in scan(packet) if _is_bare(packet, one)])


def _is_bare(packet: bytes, element: Element) -> bool:
    """Whether it is a description without properties."""
    names = {(one.namespace, one.name) for one in element.attributes}
    return (
        (element.namespace, element.name) == (RDF, "Description")
        and not packet[element.content : element.content_end].strip()
        and names <= {(RDF, "about"), ("", "about")}
    )


def _set_value(node: Node, value: bytes) -> list[_Edit]:
    if isinstance(node, Attribute):
        return [(node.value_start, node.value_end, value)]
    if node.has_children or node.is_empty_tag:
        return []
    return [(node.content, node.content_end, value)]


def _scale_value(packet: bytes, node: Node, scale: Fraction | int) -> list[_Edit]:
    """Return the edit that multiplies a whole number; none for another value."""
    span = (
        (node.value_start, node.value_end)
        if isinstance(node, Attribute)
        else (node.content, node.content_end)
    )
    text = packet[slice(*span)].strip()
    return _set_value(node, b"%d" % round(int(text) * scale)) if text.isdigit() else []


def _cut(packet: bytes, node: Node) -> _Edit:
    """Return the edit that removes a node, for an element with its indentation."""
    start = node.start
    if isinstance(node, Element):
        while packet[start - 1 : start] in (b" ", b"\t"):
            start -= 1
        start -= packet[start - 1 : start] == b"\n"
    return start, node.end, b""


def _apply(packet: bytes, edits: list[_Edit]) -> bytes:
    """Return the packet after edits; those inside a removed element have no effect."""
    parts, place = [], 0
    for start, end, text in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if start < place:
            continue
        parts += [packet[place:start], text]
        place = end
    edited = b"".join([*parts, packet[place:]])
    return _use_padding(edited, len(edited) - len(packet))


def _use_padding(packet: bytes, growth: int) -> bytes:
    """Return a packet with its padding shortened by `growth` bytes, as far as it has them."""
    end = packet.rfind(_PACKET_END)
    if growth <= 0 or end < 0:
        return packet
    content = len(packet[:end].rstrip())
    padding = packet[content:end]
    return packet[:content] + padding[: max(len(padding) - growth, 1)] + packet[end:]
