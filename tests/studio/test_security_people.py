"""People of several computers: the file, logging in, roles on every route."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driving import Client, StudioServer, find_free_port, python_path, run_studio
from page_packages import PAGES, declare_pages
from starlette.routing import Route

from kinoloom.base.page import Role
from kinoloom.errors import UsageError
from kinoloom.studio.options import StudioOptions
from kinoloom.studio.security import limits
from kinoloom.studio.security.address import Address
from kinoloom.studio.security.limits import LoginLimits
from kinoloom.studio.security.people import People, add_person
from kinoloom.studio.security.roles import least_role
from kinoloom.studio.sharing import check_sharing

PASSWORD = "correct horse battery"
SHARED: dict[str, Any] = {"host": "a.example", "people": Path("people")}
PEOPLE: dict[str, Role] = {
    "Vera": "viewer",
    "Otto": "operator",
    "Edda Ö. <b>": "editor",
    "Ona": "owner",
}


@pytest.fixture(scope="module")
def people_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("people") / "people.txt"
    for name, role in PEOPLE.items():
        add_person(file, name, role, PASSWORD)
    return file


@pytest.fixture(scope="module")
def studio(people_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    site = declare_pages(tmp_path_factory.mktemp("site"), {"lab": "lab.page:PAGE"})
    path = os.pathsep.join(python_path(site, PAGES))
    words = ["--listen", f"127.0.0.1:{find_free_port()}", "--host", "127.0.0.1"]
    words += ["--people", str(people_file)]
    folder = tmp_path_factory.mktemp("films")
    (folder / "a.txt").write_text("a")
    with run_studio(folder, arguments=words, environment={"PYTHONPATH": path}) as studio:
        yield studio


def log_in(studio: StudioServer, name: str, password: str = PASSWORD) -> Client:
    client = studio.stranger()
    answer = client.post("/api/login", {"name": name, "password": password})
    assert answer.status == 200, answer.body
    client.cookie = answer.headers["set-cookie"].partition(";")[0]
    return client


@pytest.fixture(scope="module")
def clients(studio: StudioServer) -> dict[Role, Client]:
    return {role: log_in(studio, name) for name, role in PEOPLE.items()}


def test_strangers_see_the_page_to_log_in_and_nothing_else(studio: StudioServer) -> None:
    client = studio.stranger()
    assert studio.token == ""
    page = client.get("/")
    assert page.status == 401
    assert b"Log in to this studio" in page.body
    for address in re.findall(rb'(?:href|src)="(/[^"]+)"', page.body):
        assert client.get(address.decode()).status == 200
    for address in ("/api/state", "/api/files", "/media/a.txt", "/events?topic=jobs", "/x"):
        assert client.get(address).status == 401
    with_token = client.get("/", token="abc")
    assert (with_token.status, with_token.body) == (403, page.body)
    assert client.get("/login").status == 200


def test_a_person_gets_the_own_name_and_role(clients: dict[Role, Client]) -> None:
    for name, role in PEOPLE.items():
        state = clients[role].get("/api/state").json
        assert state["person"] == {"name": name, "role": role}


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(studio: StudioServer) -> None:
    client = studio.stranger()
    answers = [
        client.post("/api/login", {"name": name, "password": password})
        for name, password in (("Ona", "wrong password"), ("Nobody", PASSWORD), ("", ""))
    ]
    assert {(answer.status, answer.body) for answer in answers} == {(403, answers[0].body)}
    assert client.post("/api/login", {"name": "Ona"}).status == 422
    assert client.post("/api/login", {"name": ["Ona"], "password": {}}).status == 422


def test_too_many_attempts_have_to_wait(studio: StudioServer) -> None:
    client = studio.stranger()
    body = {"name": "Mallory", "password": "guess"}
    statuses = [client.post("/api/login", body).status for _ in range(limits.MAX_BY_NAME + 2)]
    assert statuses == [403] * limits.MAX_BY_NAME + [429] * 2
    log_in(studio, "Ona")  # another name from the same address


def test_failures_are_counted_by_address_too() -> None:
    counted = LoginLimits()
    for k in range(limits.MAX_BY_ADDRESS):
        assert counted.wait_s(f"name {k}", "192.0.2.1") == 0
        counted.fail(f"name {k}", "192.0.2.1")
    assert 0 < counted.wait_s("another", "192.0.2.1") <= limits.WINDOW_S
    assert counted.wait_s("another", "192.0.2.2") == 0
    counted.succeed("name 1", "192.0.2.1")
    assert counted.wait_s("another", "192.0.2.1") == 0


def test_roles_decide_what_a_person_may_do(clients: dict[Role, Client]) -> None:
    change = {"changes": [{"key": "k", "seq": 0, "change": {"type": "add", "by": 1}}]}
    allowed: dict[tuple[str, str], tuple[object, Role]] = {
        ("POST", "/api/lab/add"): ({}, "viewer"),
        ("POST", "/api/lab/secret"): ({}, "owner"),
        ("POST", "/api/documents/lab/counter/x/changes"): (change, "editor"),
        ("POST", "/api/documents/lab/counter/x/undo"): ({"key": "u"}, "editor"),
        ("POST", "/api/documents/lab/alert/x/changes"): (change, "operator"),
        ("POST", "/api/folders"): ({"path": "new"}, "editor"),
        ("POST", "/api/rename"): ({"path": "a.txt", "to": "b.txt"}, "editor"),
        ("DELETE", "/api/files?path=b.txt"): ({}, "editor"),
        ("DELETE", "/api/trash"): ({}, "editor"),
        ("POST", "/api/jobs"): ({"op": "none"}, "editor"),
    }
    for (method, path), (body, role) in allowed.items():
        for person, client in clients.items():
            status = client.request(method, path, body).status
            order = list(PEOPLE.values())
            if order.index(person) < order.index(role):
                assert status == 403, (person, path)
            else:
                assert status != 403, (person, path)


def test_every_route_that_writes_is_for_editors_or_checks_itself() -> None:
    from kinoloom.studio.app import AREAS
    from kinoloom.studio.pages import routes as pages

    self_checking = ("/api/documents/", "/api/{page}/{call}", "/api/login", "/api/logout")
    for area in (*AREAS, pages.ROUTES):
        for route in area:
            assert isinstance(route, Route)
            for method in (route.methods or set()) - {"GET", "HEAD"}:
                path = re.sub(r"\{[^}]*\}", "x", route.path)
                role = least_role(method, path)
                is_open = route.path.startswith(self_checking) or path.endswith("/command")
                assert role == ("viewer" if is_open else "editor"), (method, route.path)


def test_the_name_is_recorded_with_changes_and_shown_as_it_is(clients: dict[Role, Client]) -> None:
    editor = clients["editor"]
    body = {"changes": [{"key": "named", "seq": 0, "change": {"type": "add", "by": 1}}]}
    assert editor.post("/api/documents/lab/counter/named/changes", body).status == 200
    (entry,) = clients["viewer"].get("/api/documents/lab/counter/named/log").json["entries"]
    assert entry["person"] == "Edda Ö. <b>"


def test_two_people_change_one_document(clients: dict[Role, Client]) -> None:
    path, owner, editor = "/api/documents/notes/note/shared", clients["owner"], clients["editor"]

    def insert(client: Client, seq: int, id_: str, text: str) -> Any:
        change = {"type": "insert", "id": id_, "after": "", "text": text}
        body = {"changes": [{"key": id_, "seq": seq, "change": change}]}
        return client.submit(f"{path}/changes", body)

    with editor.listen("doc:notes/note/shared") as listening:
        insert(owner, 0, "a", "by the owner")
        insert(editor, 0, "b", "by the editor")  # on a state without the owner's paragraph
        seen = [listening.next()["data"] for _ in range(2)]
    assert [one["person"] for one in seen] == ["Ona", "Edda Ö. <b>"]
    edit = {"type": "edit", "id": "a", "text": "by both", "was": "by the owner"}
    states = [client.read(path)["state"] for client in (owner, editor)]
    assert states[0] == states[1]
    assert {one["text"] for one in states[0]["paragraphs"]} == {"by the owner", "by the editor"}
    undone = owner.submit(f"{path}/undo", {"key": "u"})  # her own change, not the newest one
    assert undone["applied"][0]["person"] == "Ona"
    assert [one["text"] for one in editor.read(path)["state"]["paragraphs"]] == ["by the editor"]
    stale = editor.post(f"{path}/changes", {"changes": [{"key": "s", "seq": 2, "change": edit}]})
    assert stale.status == 409
    assert [one["text"] for one in owner.read(path)["state"]["paragraphs"]] == ["by the editor"]


def test_a_signed_change_has_the_name_of_who_made_it(clients: dict[Role, Client]) -> None:
    change = {"type": "add", "by": 1, "person": "Ona"}
    body = {"changes": [{"key": "signed", "seq": 0, "change": change}]}
    answer = clients["operator"].post("/api/documents/lab/alert/signed/changes", body)
    assert answer.json["applied"][0]["change"]["person"] == "Otto"


def test_a_feed_and_its_role(clients: dict[Role, Client]) -> None:
    with clients["owner"].listen("feed:lab/secrets") as listening:
        assert listening.next()["data"] == {"secret": True}
        with clients["editor"].listen("feed:lab/secrets") as second:
            assert "role owner" in second.next()["data"]["failure"]["error"]


def test_a_new_password_or_a_removed_line_ends_sessions(
    studio: StudioServer, people_file: Path
) -> None:
    before = people_file.read_bytes()
    add_person(people_file, "Temp", "editor", PASSWORD)
    client = log_in(studio, "Temp")
    assert client.get("/api/state").json["person"]["role"] == "editor"
    add_person(people_file, "Temp", "viewer", "another password")
    assert client.get("/api/state").status == 401
    client = log_in(studio, "Temp", "another password")
    assert client.get("/api/state").json["person"]["role"] == "viewer"
    people_file.write_bytes(before)
    assert client.get("/api/state").status == 401
    people_file.write_text("owner nonsense Ona\n")
    assert log_in_status(studio) == 403
    people_file.write_bytes(before)
    assert log_in_status(studio) == 200


def log_in_status(studio: StudioServer) -> int:
    body = {"name": "Ona", "password": PASSWORD}
    return studio.stranger().post("/api/login", body).status


def test_the_command_adds_a_person(tmp_path: Path) -> None:
    file = tmp_path / "people.txt"
    line = [sys.executable, "-m", "kinoloom", "studio", "--people", str(file)]
    for person, password, code in (
        ("Ada L.:operator", "long enough 1", 0),
        ("Ada L.:owner", "long enough 2", 0),
        ("Ada L.:king", "long enough 3", 2),
        ("Ada L.:owner", "short", 2),
        (":owner", "long enough 4", 2),
    ):
        done = subprocess.run(
            [*line, "--add-person", person], input=password + "\n", capture_output=True, text=True
        )
        assert done.returncode == code, done.stderr
    text = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert text.count("\n") == 1
    assert "enough" not in text
    account = People(file).check("Ada L.", "long enough 2")
    assert account is not None
    assert account.person.role == "owner"
    assert People(file).check("Ada L.", "long enough 1") is None
    assert People(file).check("ada l.", "long enough 2") is None


@pytest.mark.parametrize(
    ("text", "mode", "part"),
    [
        ("", 0o600, "lists no person"),
        ("owner x Ada\n", 0o600, "Line 1"),
        ("king {hash} Ada\n", 0o600, "Line 1"),
        ("# comment\n\nowner {hash}\n", 0o600, "Line 3"),
        ("owner {hash} Ada\nviewer {hash} Ada\n", 0o600, "Line 2"),
        ("owner {hash} Ada\n", 0o644, "chmod 600"),
    ],
)
def test_a_malformed_file_of_people_is_rejected(
    tmp_path: Path, people_file: Path, text: str, mode: int, part: str
) -> None:
    file = tmp_path / "people"
    file.write_text(text.replace("{hash}", people_file.read_text().split()[1]))
    file.chmod(mode)
    with pytest.raises(UsageError, match=part):
        People(file)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"listen": "0.0.0.0:8829"}, "requires --host and --people"),
        ({"listen": "0.0.0.0:8829", "host": "a.example"}, "requires --host and --people"),
        ({"host": "a.example"}, "requires --listen"),
        ({"people": Path("people")}, "requires --listen"),
        ({"behind": "127.0.0.1"}, "requires --listen"),
        ({"listen": "8829", **SHARED}, "an IP address"),
        ({"listen": "name:8829", **SHARED}, "an IP address"),
        ({"listen": "0.0.0.0:x", **SHARED}, "HOST:PORT"),
        ({"listen": "0.0.0.0:0", **SHARED}, "HOST:PORT"),
        ({"listen": "0.0.0.0:8829", "behind": "proxy", **SHARED}, "an IP address"),
        ({"listen": "0.0.0.0:8829", "port": 80, **SHARED}, "leave out --port"),
    ],
)
def test_a_studio_for_others_needs_a_name_and_people(options: dict[str, Any], part: str) -> None:
    with pytest.raises(UsageError, match=part):
        check_sharing(StudioOptions(**options))


@pytest.mark.parametrize("host", ["https://a.example", "a.example/", "a b", "", "-a", "a:b"])
def test_the_name_of_a_studio_for_others_is_checked(host: str) -> None:
    with pytest.raises(UsageError, match="--host"):
        Address.shared(host, 8829, "")


def test_the_command_rejects_listening_without_people(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "kinoloom", "studio", str(tmp_path), "--listen", "0.0.0.0:8829"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 2
    assert "anyone who reaches the port" in done.stderr


def test_only_the_proxy_is_answered(tmp_path: Path, people_file: Path) -> None:
    port = find_free_port()
    words = ("--listen", f"127.0.0.1:{port}", "--host", "studio.test", "--people", str(people_file))
    with run_studio(tmp_path, arguments=(*words, "--behind", "127.0.0.2")) as studio:
        client = Client(port, authority="studio.test", origin="https://studio.test")
        assert client.get("/").status == 403
        assert client.request("GET", "/", headers={"x-forwarded-for": "127.0.0.2"}).status == 403
        assert studio.url == "https://studio.test"
    with run_studio(tmp_path, arguments=(*words, "--behind", "127.0.0.1")) as studio:
        client = Client(port, authority="studio.test", origin="https://studio.test")
        assert client.request("GET", "/", headers={"x-forwarded-proto": "http"}).status == 403
        assert client.get("/").status == 401  # it answers, with the page to log in
        body = {"name": "Ona", "password": PASSWORD}
        answer = client.post("/api/login", body)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"__Host-studio-{port}=")
        assert "; Secure" in cookie
        client.cookie = cookie.partition(";")[0]
        assert client.get("/api/state").status == 200
        link = [sys.executable, "-m", "kinoloom", "studio", str(tmp_path), "--link"]
        assert subprocess.run(link, capture_output=True).returncode == 2
    # The same studio for one person on this computer does not know that cookie's person.
    with run_studio(tmp_path, arguments=("--port", str(port))) as studio:
        client = Client(port, cookie.partition(";")[0].replace("__Host-", ""))
        assert client.get("/api/state").status == 401


def test_passwords_without_tls_are_warned_of(studio: StudioServer) -> None:
    assert "unencrypted" in studio.messages
