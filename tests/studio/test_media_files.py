"""GET /media: ranges, conditions, headers that confine, files that change, memory."""

import base64
import hashlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from driving import Answer, StudioServer, run_studio
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.base.report import Report, Text
from kinoloom.base.report.files import to_html
from kinoloom.studio.media.kinds import find_media_type
from kinoloom.studio.media.ranges import Span, UnsatisfiableRangeError, parse_range

CONTENT = bytes(range(256)) * 40
ODD_NAMES = [
    "a b.mp4",
    "a'b\"c.mp4",
    "percent %41 plus + hash # question ?.mp4",
    "\U0001f3a5 emoji.mp4",
    "\u05e9\u05dc\u05d5\u05dd \u202e.mp4",
    "x" * 251 + ".mp4",
    "line\nfeed.mp4",
]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    folder = tmp_path_factory.mktemp("films")
    (folder / "a.mp4").write_bytes(CONTENT)
    (folder / "empty.mp4").touch()
    (folder / "sub").mkdir()
    (folder / "sub" / "b.png").write_bytes(CONTENT[:100])
    (folder / "out.mp4").symlink_to("/etc/passwd")
    (folder / "outside").symlink_to("/etc")
    os.mkfifo(folder / "pipe.mp4")
    (folder / ".hidden.mp4").write_bytes(b"x")
    for name in ("page.html", "drawing.svg", "paper.pdf", "data.xml", "code.js", "style.css"):
        (folder / name).write_bytes(b"<script>1</script>")
    for name in ODD_NAMES:
        (folder / name).write_bytes(name.encode())
    with run_studio(folder) as running:
        yield running


def fetch(studio: StudioServer, path: str, method: str = "GET", **headers: str) -> Answer:
    """Request /media/PATH; "_" in the names of headers is "-"."""
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    return studio.client.request(method, f"/media/{quote(path)}", headers=sent)


def test_a_whole_file_is_sent_with_its_type(studio: StudioServer) -> None:
    answer = fetch(studio, "a.mp4")
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-disposition" not in answer.headers


def test_head_is_answered_without_content(studio: StudioServer) -> None:
    answer = fetch(studio, "a.mp4", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(CONTENT))


@pytest.mark.parametrize(
    ("header", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=10000-", 10_000, len(CONTENT)),
        ("bytes=-100", len(CONTENT) - 100, len(CONTENT)),
        ("bytes=-99999999", 0, len(CONTENT)),
        ("bytes=5-99999999", 5, len(CONTENT)),
    ],
)
def test_one_range_is_sent(studio: StudioServer, header: str, begin: int, end: int) -> None:
    answer = fetch(studio, "a.mp4", range=header)
    assert (answer.status, answer.body) == (206, CONTENT[begin:end])
    assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(end - begin)


@pytest.mark.parametrize("header", ["bytes=99999999999-", "bytes=10240-", "bytes=-0"])
def test_a_range_without_bytes_is_refused(studio: StudioServer, header: str) -> None:
    answer = fetch(studio, "a.mp4", range=header)
    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert answer.body == b""


@pytest.mark.parametrize(
    "header",
    [
        "bytes=0-1,3-4",
        "bytes=" + ",".join(f"{k}-{k}" for k in range(1000)),
        "bytes=9-2",
        "bytes=",
        "bytes=-",
        "lines=1-2",
        "bytes=a-b",
        "bytes=" + "9" * 300 + "-",
    ],
)
def test_other_ranges_get_the_whole_file(studio: StudioServer, header: str) -> None:
    answer = fetch(studio, "a.mp4", range=header)
    assert (answer.status, answer.body) == (200, CONTENT)


def test_a_range_of_an_empty_file_is_refused(studio: StudioServer) -> None:
    assert fetch(studio, "empty.mp4", range="bytes=0-").status == 416
    assert fetch(studio, "empty.mp4").body == b""


def test_a_known_version_is_not_sent_again(studio: StudioServer) -> None:
    first = fetch(studio, "a.mp4")
    tag, date = first.headers["etag"], first.headers["last-modified"]
    for headers in (
        {"if_none_match": tag},
        {"if_none_match": f'"other", W/{tag}'},
        {"if_none_match": "*"},
        {"if_modified_since": date},
    ):
        answer = fetch(studio, "a.mp4", **headers)
        assert (answer.status, answer.body) == (304, b""), headers
        assert answer.headers["etag"] == tag
    assert fetch(studio, "a.mp4", if_none_match='"other"', if_modified_since=date).status == 200
    assert fetch(studio, "a.mp4", if_modified_since="no date").status == 200


def test_a_range_of_another_version_is_the_whole_file(studio: StudioServer) -> None:
    tag = fetch(studio, "a.mp4").headers["etag"]
    assert fetch(studio, "a.mp4", range="bytes=0-9", if_range=tag).status == 206
    assert fetch(studio, "a.mp4", range="bytes=0-9", if_range='"other"').status == 200


@pytest.mark.parametrize("change", ["content", "time", "replaced"])
def test_a_change_of_the_file_changes_its_tag(studio: StudioServer, change: str) -> None:
    path = studio.folder / "changing.mp4"
    path.write_bytes(b"one")
    before = fetch(studio, "changing.mp4").headers["etag"]
    if change == "content":
        path.write_bytes(b"other")
    elif change == "time":
        os.utime(path, ns=(1, 1))
    else:
        other = studio.folder / "new.mp4"
        other.write_bytes(b"two")
        os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        other.replace(path)
    assert fetch(studio, "changing.mp4").headers["etag"] != before


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "paper.pdf", "data.xml"])
def test_files_with_scripts_are_downloads_in_a_sandbox(studio: StudioServer, name: str) -> None:
    answer = fetch(studio, name)
    assert answer.status == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["code.js", "style.css"])
def test_scripts_and_styles_cannot_be_loaded_into_a_page(studio: StudioServer, name: str) -> None:
    answer = fetch(studio, name)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_of_any_kind_are_found(studio: StudioServer, name: str) -> None:
    answer = fetch(studio, name)
    assert (answer.status, answer.body) == (200, name.encode())


@pytest.mark.parametrize(
    "path",
    [
        "missing.mp4",
        "out.mp4",
        "outside/passwd",
        "pipe.mp4",
        ".hidden.mp4",
        ".kinoloom/studio.db",
        "sub",
        "",
        "../etc/passwd",
        "sub/../a.mp4",
        "/etc/passwd",
        "a\0.mp4",
        "a\r\nset-cookie:x=1",
        "y" * 300,
    ],
)
def test_nothing_else_is_sent(studio: StudioServer, path: str) -> None:
    answer = fetch(studio, path)
    assert answer.status == 404
    assert "error" in answer.json
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("how", ["truncated", "modified"])
def test_the_connection_ends_when_the_file_changes(studio: StudioServer, how: str) -> None:
    """The answer is shorter than declared: no browser takes a mixture of versions for a file."""
    path = studio.folder / f"long-{how}.mp4"
    size = 64 << 20
    with path.open("wb") as file:
        file.truncate(size)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.settimeout(60)
        connection.connect(("127.0.0.1", studio.port))
        head = f"GET /media/{path.name} HTTP/1.1\r\nhost: {studio.client.authority}\r\n"
        connection.sendall(f"{head}cookie: {studio.client.cookie}\r\n\r\n".encode())
        received = len(connection.recv(1000))
        if how == "truncated":
            os.truncate(path, 1000)
        else:
            with path.open("r+b") as file:
                file.seek(size - 1)
                file.write(b"x")
        while data := connection.recv(1 << 20):
            received += len(data)
    assert received < size
    assert fetch(studio, "a.mp4").status == 200


def test_a_report_is_shown_in_a_sandbox(studio: StudioServer) -> None:
    report = to_html(Report("Findings", (Text("All is well."),)))
    (studio.folder / "report.html").write_text(report)
    answer = studio.client.get("/report/report.html")
    assert (answer.status, answer.body.decode()) == (200, report)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-disposition" not in answer.headers
    policy = [part.strip() for part in answer.headers["content-security-policy"].split(";")]
    assert "sandbox allow-scripts" in policy
    assert "default-src 'none'" in policy
    (scripts,) = [part for part in policy if part.startswith("script-src")]
    digest = re.search("<script>(.*)</script>", report, re.DOTALL)
    assert digest is not None
    hashed = base64.b64encode(hashlib.sha256(digest[1].encode()).digest()).decode()
    assert scripts == f"script-src 'sha256-{hashed}'"  # of reports, and no other


@pytest.mark.parametrize("path", ["a.mp4", "drawing.svg", "data.xml", "none.html", "../x.html"])
def test_other_files_are_not_shown_as_reports(studio: StudioServer, path: str) -> None:
    answer = studio.client.get(f"/report/{path}")
    assert answer.status == (422 if (studio.folder / path).exists() else 404)


def test_the_server_does_not_grow_with_a_file(studio: StudioServer) -> None:
    path = studio.folder / "huge.mp4"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    fetch(studio, "a.mp4")
    before = _resident_bytes(studio.pid)
    connection = studio.client.connect()
    connection.request("GET", "/media/huge.mp4", headers={"cookie": studio.client.cookie})
    answer = connection.getresponse()
    received = peak = 0
    while data := answer.read(8 << 20):
        received += len(data)
        peak = max(peak, _resident_bytes(studio.pid))
    connection.close()
    assert received == 1 << 30
    assert peak - before < 10_000_000


def _resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@given(st.integers(0, 10**6), st.integers(0, 2 * 10**6), st.integers(0, 2 * 10**6))
def test_a_range_is_inside_the_file(size: int, begin: int, end: int) -> None:
    for header in (f"bytes={begin}-{end}", f"bytes={begin}-", f"bytes=-{end}"):
        try:
            span = parse_range(header, size)
        except UnsatisfiableRangeError:
            assert begin >= size or end == 0 or size == 0
            continue
        assert span is None or 0 <= span.begin < span.end <= size


@given(st.text(max_size=40), st.integers(0, 1000))
def test_any_header_is_understood_or_ignored(header: str, size: int) -> None:
    try:
        span = parse_range(header, size)
    except UnsatisfiableRangeError:
        return
    assert span is None or isinstance(span, Span)


@given(st.text(max_size=60))
def test_only_named_types_are_shown_in_the_page(name: str) -> None:
    kind = find_media_type(name)
    assert kind.is_download or kind.name.startswith(("video/", "audio/", "image/", "text/plain"))
    assert "javascript" not in kind.name
