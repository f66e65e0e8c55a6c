"""The report on enhanced photos or an enhanced video, behind `--report`."""

from __future__ import annotations

from kinoloom.base.clip import Clip
from kinoloom.base.report import Report, Text
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.report.photos import report_on_photos
from kinoloom.enhance.report.video import report_on_video

SCHEMA = "kinoloom.enhance/1"
_ABOUT = (
    "Noise, flicker and brightness are in 8-bit levels. Costs are those of this machine, measured "
    "on a part of one picture and scaled to all of it; encoding is not included. "
)


def build_enhance_page(source: Clip, result: Clip, options: EnhanceOptions) -> Report:
    """Build the report behind `--report`.

    A few photos, or a few frames of a video, are computed again for it.

    Args:
        source: the input of `enhance`.
        result: its result.
        options: its options.

    Raises:
        KinoloomError: the source cannot be read any more.
    """
    report = report_on_photos if source.stills else report_on_video
    found = report(source, result, options)
    sections = [*found.sections]
    messages = [
        f"{note.level}: {note.message}"
        for note in result.notes
        if note.kind not in ("cut", "choice")
    ]
    if messages:
        sections.append(Text("\n".join(messages), preformatted=True, title="Messages"))
    sections.append(Text(_ABOUT.strip()))
    name = source.files[0].name if len(source.files) == 1 else f"{len(source.files)} photos"
    data = {"schema": SCHEMA, **found.data}
    return Report(f"Enhanced: {name}", tuple(sections), data, provenance=result.provenance)
