"""Pages in the shell: one that fails, one that leaves, one that needs an installation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.system_package("chromium")

PROBE = {
    "name": "probe",
    "title": "Probe",
    "icon": "M3 3h12v12H3z",
    "summary": "A page of this test",
    "module": "/pages/probe/probe.js",
    "opens": [],
    "missing": "",
    "order": 50,
}


def open_probe(page: Page, module: str, **changed: str) -> None:
    """Open a page whose module is given."""

    def answer_state(route: object) -> None:
        response = route.fetch()  # type: ignore[attr-defined]
        state = response.json()
        state["pages"].append(PROBE | changed)
        route.fulfill(response=response, body=json.dumps(state))  # type: ignore[attr-defined]

    page.route("**/api/state", answer_state)
    page.route(
        "**/pages/probe/probe.js",
        lambda route: route.fulfill(body=module, content_type="text/javascript"),
    )
    page.goto(page.url.partition("#")[0] + "#/probe")
    page.reload()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("export function mount() { throw new Error('no <b>camera</b>'); }", "no <b>camera</b>"),
        ("export function mount(host, studio) { nothing.here(); }", "nothing is not defined"),
        ("export const mount = ;", "Unexpected token"),
        (
            "export async function mount() { throw { error: 'It is busy', hint: '' }; }",
            "It is busy",
        ),
    ],
)
def test_failure_of_a_page_stays_in_its_area(page: Page, module: str, message: str) -> None:
    open_probe(page, module)
    page.get_by_role("alert").get_by_text(message).wait_for()
    page.get_by_role("heading", name="The page Probe has failed").wait_for()
    page.get_by_role("link", name="Home").click()
    page.get_by_role("heading", level=1, name="Home").wait_for()


def test_failure_of_a_view_is_shown_in_its_place(page: Page) -> None:
    open_probe(
        page,
        """export function mount(host, { html, render, hooks }) {
            function View() {
                const [count, set] = hooks.useState(0);
                if (count) throw new Error('the second view fails');
                return html`<button onClick=${() => set(1)}>Go</button>`;
            }
            render(html`<${View} />`, host);
        }""",
    )
    page.get_by_role("button", name="Go", exact=True).click()
    page.get_by_role("alert").get_by_text("the second view fails").wait_for()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Probe").wait_for()


def test_page_gets_the_address_and_what_it_opened_ends_with_it(page: Page) -> None:
    open_probe(
        page,
        """export function mount(host, studio) {
            const { html } = studio;
            window.probe = [];
            studio.keys('ctrl+y', 'Count', () => window.probe.push('key'));
            studio.bar({ title: 'Deep', tags: html`<${studio.ui.Tag}>3<//>` });
            function View() {
                const { path } = studio.use(studio.params);
                const go = () => studio.setParams({ path: 'a b/é.mp4' });
                return html`<p>path ${path}</p><button onClick=${go}>Change</button>`;
            }
            studio.render(html`<${View} />`, host);
            return () => window.probe.push('unmounted');
        }""",
    )
    page.get_by_role("heading", level=1, name="Deep").wait_for()
    page.get_by_role("button", name="Change").click()
    page.get_by_text("path a b/é.mp4").wait_for()
    page.keyboard.press("Control+y")
    assert page.evaluate("() => window.probe") == ["key"]
    page.get_by_role("link", name="Jobs", exact=True).click()
    page.get_by_role("heading", level=1, name="Jobs").wait_for()
    page.keyboard.press("Control+y")
    assert page.evaluate("() => window.probe") == ["key", "unmounted"]


def test_page_without_its_extra_shows_the_command(page: Page) -> None:
    open_probe(page, "", missing="pip install 'kinoloom[speech]'")
    page.get_by_text("pip install 'kinoloom[speech]'").wait_for()
    page.get_by_text("Probe needs one more installation").wait_for()


def test_unhandled_errors_of_requests_become_messages(page: Page) -> None:
    open_probe(
        page,
        """export function mount(host, studio) {
            const ask = () => studio.call('none');
            studio.render(studio.html`<button onClick=${ask}>Ask</button>`, host);
        }""",
    )
    page.get_by_role("button", name="Ask", exact=True).click()
    messages = page.get_by_role("region", name="Messages")
    messages.get_by_role("alert").locator("p").first.wait_for()


def test_another_browser_is_told_how_to_log_in(page: Page, studio_server: StudioServer) -> None:
    page.context.clear_cookies()
    page.get_by_role("link", name="Jobs", exact=True).click()
    page.get_by_text("Jobs cannot be loaded now").wait_for()
    page.get_by_role("button", name="Find a file, a page, a thing to do").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("This browser is not logged in").wait_for()
    dialog.get_by_text("kinoloom studio FOLDER --link").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("This browser is not logged in.").wait_for()
    # Another tab logs in: the page that could not be loaded comes by itself.
    page.context.new_page().goto(studio_server.create_link())
    page.bring_to_front()
    page.get_by_role("heading", name="No jobs yet").wait_for()
    page.get_by_role("button", name="Find a file, a page, a thing to do").click()
    page.get_by_role("combobox", name="Find a file, a page, a thing to do").wait_for()


def test_search_reports_a_server_that_is_gone(page: Page, studio_server: StudioServer) -> None:
    port = studio_server.port
    studio_server.kill()
    page.get_by_role("button", name="Find a file, a page, a thing to do").click()
    page.get_by_role("dialog").get_by_text("The studio does not answer.").wait_for()
    studio_server.start(port)
    page.get_by_role("combobox", name="Find a file, a page, a thing to do").wait_for()


def test_logging_out_ends_the_session_of_this_browser(
    page: Page, studio_server: StudioServer
) -> None:
    other = page.context.new_page()
    other.goto(f"{studio_server.url}/#/jobs")
    other.get_by_role("heading", name="No jobs yet").wait_for()
    cookies = page.context.cookies()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="You are logged out").wait_for()
    assert page.get_by_role("navigation", name="Pages").count() == 0
    page.context.add_cookies(cookies)  # what someone may have copied
    other.get_by_role("link", name="Home").click()
    other.get_by_text("This browser is not logged in.").wait_for()
    other.goto(studio_server.create_link())
    page.get_by_role("navigation", name="Pages").wait_for()
