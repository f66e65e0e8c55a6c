"""Reports as pages, text and JSON."""

import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kinoloom import Report
from kinoloom.base import Provenance
from kinoloom.base.files import NoOptions
from kinoloom.base.report import Picture, Slider, Table, Text
from kinoloom.base.report.files import (
    REPORT_FILES,
    ReportWriteOptions,
    cell_text,
    to_html,
    to_json,
    to_text,
)
from kinoloom.errors import OutputError, OutputExistsError, UsageError

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'
PNG = b"\x89PNG not really"
EVIL = "<script>alert('&')</script>\""
TABLE = Table(
    ("engine", "PSNR dB", "note"),
    (("fast", 34.5678, "best"), ("cross-fade", 9.0, None)),
    title="Quality",
)
REPORT = Report(
    f"A film {EVIL}",
    (
        Text(f"It is {EVIL}.", title=f"Words {EVIL}"),
        Text("a\n  b < c", preformatted=True),
        TABLE,
        Table((f"head {EVIL}",), ((f"cell {EVIL}",),)),
        Picture(PNG, "image/png", f"shown {EVIL}", f"Seen {EVIL}"),
        Picture(SVG, "image/svg+xml", "the time-line"),
        Slider(
            Picture(PNG, "image/png", f"before {EVIL}"),
            Picture(PNG, "image/png", f"after {EVIL}"),
            "Compare",
        ),
    ),
    data={"rows": [{"psnr_db": math.inf, "ssim": 1.0}]},
    provenance=Provenance("glow", {"name": EVIL}),
)


class Page(HTMLParser):
    """The tags, attributes and words of a page, and whether each tag that opens also closes."""

    VOID = ("meta", "img", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.values: list[str] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [value or "" for _, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_is_well_formed_and_shows_every_section() -> None:
    page = Page(to_html(REPORT))
    assert page.open == []
    assert [page.tags.count(tag) for tag in ("h1", "h2", "table", "img", "pre")] == [1, 5, 2, 4, 2]
    assert "34.568" in page.words
    assert '"op": "glow"' in page.words
    assert base64.b64encode(PNG).decode() in to_html(REPORT)


def test_text_is_escaped() -> None:
    page = Page(to_html(REPORT))
    assert page.tags.count("script") == 1  # the page's own
    assert page.words.count("alert(") == 11  # all in words: titles, cells, captions, the record
    assert f"before {EVIL}" in page.values


def test_page_is_self_contained() -> None:
    text = to_html(REPORT)
    assert [url for url in re.findall(r"https?://[^\s\"'<)]+", text) if "w3.org" not in url] == []
    for way in ("<link", "@import", 'src="//', "fetch(", "XMLHttpRequest", "import("):
        assert way not in text
    loaded = re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(([^)]*)\)", text)
    assert loaded
    assert all((src or url).startswith("data:") for src, url in loaded)


def test_page_without_a_record_omits_the_section() -> None:
    assert "How this was made" not in to_html(Report("Plain", ()))


def test_text_has_aligned_tables() -> None:
    lines = to_text(Report("Found", (Text("Here:"), TABLE, REPORT.sections[5]))).splitlines()
    assert lines == [
        "Found",
        "=====",
        "",
        "Here:",
        "",
        "Quality",
        "engine      PSNR dB  note",
        "fast         34.568  best",
        "cross-fade    9.000",
        "",
        "[the time-line]",
    ]


def test_slider_is_rendered_as_its_captions_in_text() -> None:
    assert f"[before {EVIL} | after {EVIL}]" in to_text(REPORT)


def test_only_a_slider_with_tools_has_buttons() -> None:
    picture = Picture(PNG, "image/png", "shown")
    plain, tools = (
        Report("Film", (Slider(picture, picture, has_tools=has),)) for has in (False, True)
    )
    assert Page(to_html(plain)).tags.count("button") == 0
    page = Page(to_html(tools))
    assert page.tags.count("button") == 5
    assert page.open == []
    assert [page.words.count(one) for one in ("Fit", "1:1", "4:1", "Difference x8")] == [1, 1, 1, 1]


def test_json_is_the_data_and_valid() -> None:
    text = to_json(REPORT)
    assert text.endswith("}\n")

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is not JSON")

    assert json.loads(text, parse_constant=refuse) == {"rows": [{"psnr_db": None, "ssim": 1.0}]}


@pytest.mark.parametrize(
    ("value", "text"), [(1.23456, "1.235"), (2, "2"), (None, ""), ("x", "x"), (0.0, "0.000")]
)
def test_cells_show_three_decimals(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_ragged_table_is_rejected() -> None:
    with pytest.raises(UsageError, match="must have 2 cells"):
        Table(("a", "b"), ((1, 2), (1,)))


@pytest.mark.parametrize(
    ("name", "begin"), [("r.html", "<!doctype html>"), ("r.TXT", "A film"), ("r.json", "{")]
)
def test_suffix_selects_the_format(tmp_path: Path, name: str, begin: str) -> None:
    told = []
    path = tmp_path / name
    made = REPORT_FILES.write(
        REPORT, path, ReportWriteOptions(), lambda done, total: told.append((done, total))
    )
    assert path.read_text(encoding="utf-8").startswith(begin)
    assert made.path == path
    assert made.data == {"output": str(path), "bytes": path.stat().st_size}
    assert told == [(1, 1)]


@pytest.mark.parametrize("name", ["r.pdf", "r"])
def test_unknown_suffix_is_rejected(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"Use one of .html, .txt, .json"):
        REPORT_FILES.write(REPORT, tmp_path / name, ReportWriteOptions())
    assert list(tmp_path.iterdir()) == []


def test_report_is_not_overwritten_by_default(tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    path.write_text("old")
    with pytest.raises(OutputExistsError):
        REPORT_FILES.write(REPORT, path, ReportWriteOptions())
    assert path.read_text() == "old"
    REPORT_FILES.write(REPORT, path, ReportWriteOptions(overwrite=True))
    assert path.read_text().startswith("A film")


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        REPORT_FILES.write(REPORT, tmp_path / "absent" / "r.txt", ReportWriteOptions())


def test_reports_cannot_be_read() -> None:
    with pytest.raises(UsageError, match="cannot be an input"):
        REPORT_FILES.read([Path("r.html")], NoOptions())


def test_page_may_run_its_own_script_only() -> None:
    page = to_html(REPORT)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    script = re.search(r"<script>(.*)</script></body>", page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    assert page.index("Content-Security-Policy") < min(page.index("<title"), page.index("<style"))


def test_a_line_feed_in_a_name_does_not_start_a_line() -> None:
    fake = "a.mp4\nkinoloom: done"
    picture = Picture(b"<svg/>", "image/svg+xml", fake, title=fake)
    report = Report(
        fake,
        (
            Text(f"{fake} is read.", title=fake),
            Table(("file",), ((fake,),), title=fake),
            picture,
            Slider(picture, picture, title=fake),
        ),
    )
    for text in (to_text(report), to_html(report)):
        assert r"a.mp4\x0akinoloom: done" in text
        assert not any(line.startswith("kinoloom: done") for line in text.splitlines())
    preformatted = Report("log", (Text("one\ntwo", preformatted=True),))
    assert "one\ntwo" in to_text(preformatted)


def test_control_characters_are_shown_on_page_and_in_text(tmp_path: Path) -> None:
    report = Report("Film \x1b[2J", (Text("name \udcff\x07"),), {"name": "a\udcff"})
    for suffix in (".html", ".txt", ".json"):
        REPORT_FILES.write(report, tmp_path / f"r{suffix}", ReportWriteOptions())
        text = (tmp_path / f"r{suffix}").read_text(encoding="utf-8")
        assert not {"\x1b", "\x07"} & set(text)
    assert "Film \\x1b[2J" in to_text(report)
    assert json.loads(to_json(report)) == {"name": "a\\xff"}
