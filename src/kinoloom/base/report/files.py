"""Reports as files: one self-contained HTML page, plain text, or JSON."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kinoloom.base.files import NoOptions, Progress, Written, no_progress
from kinoloom.base.options import option
from kinoloom.base.outputs import atomic_output
from kinoloom.base.printable import printable, printable_line
from kinoloom.base.provenance import to_jsonable
from kinoloom.base.report.sections import Picture, Report, Section, Slider, Table, Text
from kinoloom.errors import UsageError

_HERE = Path(__file__).parent
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
_TOOLS = (
    '<div class="tools" role="group" aria-label="View">'
    '<button type="button" data-zoom="0" aria-pressed="true">Fit</button>'
    '<button type="button" data-zoom="1" aria-pressed="false">1:1</button>'
    '<button type="button" data-zoom="2" aria-pressed="false">2:1</button>'
    '<button type="button" data-zoom="4" aria-pressed="false">4:1</button>'
    '<button type="button" class="difference" aria-pressed="false">Difference x8</button></div>'
)


@dataclass(frozen=True)
class ReportWriteOptions:
    """Options of writing a report."""

    overwrite: bool = option(False, "Replace an existing output")


@dataclass(frozen=True)
class ReportFiles:
    """Writes a `Report`; implements `base.files.Files`."""

    read_options: type = NoOptions
    write_options: type = ReportWriteOptions

    def read(self, paths: Sequence[Path], options: NoOptions) -> Report:
        """Refuse: reports are outputs only.

        Raises:
            UsageError: always.
        """
        raise UsageError("A report cannot be an input.")

    def check_path(self, path: Path) -> None:
        """Check the suffix of an output; see `base.files.ChecksPath`.

        Raises:
            UsageError: another suffix than .html, .txt or .json.
        """
        if path.suffix.lower() not in _MAKERS:
            raise UsageError(
                f"A report cannot be written as '{path.suffix}'.",
                hint=f"Use one of {', '.join(_MAKERS)}.",
            )

    def write(
        self,
        value: Report,
        path: Path,
        options: ReportWriteOptions,
        progress: Progress = no_progress,
    ) -> Written:
        """Write as `.html`, `.txt` or `.json`, by the suffix of `path`.

        Raises:
            UsageError: another suffix.
            OutputExistsError, OutputError: as `base.outputs.atomic_output`.
        """
        self.check_path(path)
        text = _MAKERS[path.suffix.lower()](value)
        with atomic_output(path, overwrite=options.overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8")
        progress(1, 1)
        return Written(path, data={"output": str(path), "bytes": path.stat().st_size})


REPORT_FILES = ReportFiles()


def to_json(report: Report) -> str:
    """Render a report's data as indented JSON; ends with a newline."""
    return json.dumps(to_jsonable(report.data), indent=2, allow_nan=False) + "\n"


def to_text(report: Report) -> str:
    """Render a report's text and tables for a terminal; pictures by their captions."""
    title = printable_line(report.title)
    parts = [title, "=" * len(title)]
    for section in report.sections:
        parts += ["", printable_line(section.title)] if section.title else [""]
        parts.append(_section_text(section))
    return printable("\n".join(parts) + "\n")


def to_html(report: Report) -> str:
    """Render a report as one self-contained HTML page.

    Its Content-Security-Policy allows its own script, styles and pictures, and no requests.
    """
    style = (_HERE / "report.css").read_text(encoding="utf-8")
    script = _read_script()
    title = _escape(report.title)
    body = "\n".join(_section_html(section) for section in report.sections)
    return printable(
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{build_policy()}">\n'
        f"<title>{title}</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{style}</style></head>\n<body><main><h1>{title}</h1>\n{body}\n"
        f"{_provenance_html(report)}</main><script>{script}</script></body></html>\n"
    )


def build_policy() -> str:
    """Return the Content-Security-Policy of reports."""
    digest = base64.b64encode(hashlib.sha256(_read_script().encode()).digest()).decode()
    return f"script-src 'sha256-{digest}'; {_POLICY}"


def _read_script() -> str:
    return (_HERE / "report.js").read_text(encoding="utf-8")


_MAKERS = {".html": to_html, ".txt": to_text, ".json": to_json}


def _escape(line: str) -> str:
    return html.escape(printable_line(line))


def cell_text(value: object) -> str:
    """Format a table cell as one line: floats with three decimals, None as an empty cell."""
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else printable_line(str(value))


def _text(section: Text) -> str:
    return section.text if section.preformatted else printable_line(section.text)


def _section_text(section: Section) -> str:
    if isinstance(section, Text):
        return _text(section)
    if isinstance(section, Table):
        rows = [section.columns, *[[cell_text(cell) for cell in row] for row in section.rows]]
        columns = range(len(section.columns))
        widths = [max(len(str(row[i])) for row in rows) for i in columns]
        right = [_is_numeric([row[i] for row in section.rows]) for i in columns]
        return "\n".join(
            "  ".join(
                str(cell).rjust(w) if is_right else str(cell).ljust(w)
                for cell, w, is_right in zip(row, widths, right, strict=True)
            ).rstrip()
            for row in rows
        )
    if isinstance(section, Slider):
        return printable_line(f"[{section.before.caption} | {section.after.caption}]")
    return printable_line(f"[{section.caption}]")


def _is_numeric(cells: Sequence[object]) -> bool:
    """Whether all cells of a column that are not empty are numbers."""
    given = [cell for cell in cells if cell is not None]
    return bool(given) and all(isinstance(cell, int | float) for cell in given)


def _section_html(section: Section) -> str:
    head = f"<h2>{_escape(section.title)}</h2>" if section.title else ""
    if isinstance(section, Text):
        tag = "pre" if section.preformatted else "p"
        return f"<section>{head}<{tag}>{html.escape(_text(section))}</{tag}></section>"
    if isinstance(section, Table):
        return f"<section>{head}{_table_html(section)}</section>"
    if isinstance(section, Slider):
        return f"<section>{head}{_slider_html(section)}</section>"
    return f"<section>{head}{_figure_html(section)}</section>"


def _table_html(table: Table) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="{"n" if isinstance(cell, (int, float)) else "t"}">'
            f"{html.escape(cell_text(cell))}</td>"
            for cell in row
        )
        + "</tr>"
        for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _image_html(picture: Picture) -> str:
    data = base64.b64encode(picture.data).decode()
    return f'<img src="data:{picture.media_type};base64,{data}" alt="{_escape(picture.caption)}">'


def _figure_html(picture: Picture) -> str:
    caption = _escape(picture.caption)
    return f"<figure>{_image_html(picture)}<figcaption>{caption}</figcaption></figure>"


def _slider_html(slider: Slider) -> str:
    before, after = _escape(slider.before.caption), _escape(slider.after.caption)
    return (
        f'<figure class="slider">{_TOOLS if slider.has_tools else ""}'
        f'<div class="view"><div class="stack">{_image_html(slider.after)}'
        f'<div class="top">{_image_html(slider.before)}</div><i class="line"></i></div></div>'
        '<input type="range" min="0" max="1000" value="500" aria-label="divider">'
        f"<figcaption><span>{before}</span><span>{after}</span></figcaption></figure>"
    )


def _provenance_html(report: Report) -> str:
    if report.provenance is None:
        return ""
    record = html.escape(json.dumps(report.provenance.to_dict(), indent=2))
    return f"<section><h2>How this was made</h2><pre>{record}</pre></section>\n"
