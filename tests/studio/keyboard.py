"""Uses a page by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

MOST_TABS = 80
"""No control of a page is further away than this."""


def tab_to(page: Page, control: Locator) -> None:
    """Press Tab until a control has the focus.

    Raises:
        AssertionError: Tab does not reach it.
    """
    control.first.wait_for()
    for _ in range(MOST_TABS):
        if control.first.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {control}")


def press(page: Page, control: Locator, key: str = "Enter") -> None:
    """Go to a control with Tab, and press a key there."""
    tab_to(page, control)
    page.keyboard.press(key)
