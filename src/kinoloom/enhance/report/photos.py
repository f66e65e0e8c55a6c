"""The report on enhanced photos: the first ones in detail, and a table of all."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Clip
from kinoloom.base.report import Section, Table, Text
from kinoloom.enhance.estimate.measure import Measurement, measure_photo
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.photos import find_colors, plan_photo, resolve_photo
from kinoloom.enhance.pictures.building import describe_context
from kinoloom.enhance.pictures.resizing import resize
from kinoloom.enhance.planning.settings import Settings, merge_preset, parse_size
from kinoloom.enhance.report.comparison import compare
from kinoloom.enhance.report.costs import measure_steps, tabulate_costs
from kinoloom.enhance.report.tables import tabulate_measurements, tabulate_settings
from kinoloom.errors import KinoloomError
from kinoloom.media.photo.editing import EditedPhoto
from kinoloom.media.photo.reading import read_info

_DETAILED = 3
"""Photos that are shown."""


@dataclass(frozen=True)
class PhotoFindings:
    """The report on photos.

    Attributes:
        sections: in reading order.
        data: the findings as plain values.
    """

    sections: tuple[Section, ...]
    data: dict[str, Any]


def report_on_photos(source: Clip, result: Clip, options: EnhanceOptions) -> PhotoFindings:
    """Return the sections on photos; the first ones are enhanced again.

    Args:
        source: the input of `enhance`.
        result: its result.
        options: its options.
    """
    sections: list[Section] = []
    shown: list[dict[str, Any]] = []
    if len(result.files) > 1:
        sections.append(_tabulate_photos(result, options))
    for index in range(len(result.files)):
        if len(shown) == _DETAILED:
            break
        try:
            frame = next(result.read(Fraction(index)))
        except KinoloomError:  # the writer has reported it, and the table does
            continue
        edited = frame.native
        assert isinstance(edited, EditedPhoto), "a clip of edit_photos"
        label = str(result.names[index]) if len(result.files) > 1 else ""
        found = _report_on_photo(edited, frame.image, options, label)
        sections += found.sections
        shown.append({"photo": str(result.names[index]), **found.data})
    if len(result.files) > len(shown) == _DETAILED:
        sections.append(Text(f"The first {_DETAILED} photos are shown."))
    return PhotoFindings(tuple(sections), {"photos": shown})


def _report_on_photo(
    edited: EditedPhoto, image: Picture, options: EnhanceOptions, label: str
) -> PhotoFindings:
    photo = edited.photo
    colors = find_colors(photo)
    settings = resolve_photo(photo, options)
    before = settings.measurement or measure_photo(colors, photo.path)
    after = measure_result(image[..., :3], colors)
    networks, work = plan_photo(settings, colors)
    context = describe_context(settings, colors, photo.bits)
    costs = measure_steps(work, networks, colors, context)
    sections: list[Section] = [*compare(colors, image, label, photo.icc)]
    sections += tabulate_settings(options, settings)
    sections.append(tabulate_measurements(before, after))
    if costs:
        sections.append(tabulate_costs(costs, unit="photo"))
    data = {
        "noise_before": before.estimates.noise.sigma,
        "noise_after": after.estimates.noise.sigma,
        "choices": [one.reason for one in settings.choices],
        "costs": [asdict(one) for one in costs],
    }
    return PhotoFindings(tuple(sections), data)


def measure_result(result: Picture, source: Picture) -> Measurement:
    """Measure an enhanced photo, reduced to the size of its source where it is larger."""
    height, width = source.shape[:2]
    high, wide = result.shape[:2]
    is_larger = high > height or wide > width
    found = measure_photo(resize(result, width, height) if is_larger else result, None)
    return replace(found, width=wide, height=high)


def _tabulate_photos(result: Clip, options: EnhanceOptions) -> Table:
    """Return one row for each photo: sizes, and what the notes say about it."""
    given = merge_preset(options)
    settings = Settings(given, size=parse_size(given.size))
    rows = []
    for name, path in zip(result.names, result.files, strict=True):
        try:
            info = read_info(path)
            size = f"{info.width}x{info.height}"
            wide, high = settings.find_size(info.width, info.height)
            enlarged = f"{wide}x{high}"
        except KinoloomError:
            size = enlarged = "unreadable"
        rows.append((str(name), size, enlarged, _find_notes(result, path)))
    return Table(("photo", "before", "after", "choices and messages"), tuple(rows), "All photos")


def _find_notes(result: Clip, path: Path) -> str:
    """Return the messages about a photo: those that begin with its name, or contain its path."""
    head = f"{path.name}: "
    found = []
    for note in result.notes:
        if note.message.startswith(head):
            found.append(note.message.removeprefix(head))
        elif str(path) in note.message:
            found.append(note.message.replace(str(path), path.name))
    return " ".join(found)
