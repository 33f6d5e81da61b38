"""Everything can be done with a keyboard, and it is always visible where one is."""

import pytest_asyncio

from tests.support import demo
from tests.support.browser import BROWSER

pytestmark = BROWSER

FOCUS = """
() => {
  const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement);
  const {right, bottom} = document.activeElement.getBoundingClientRect();
  return {
    name: document.activeElement.textContent.trim() || document.activeElement.getAttribute("name"),
    seen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && right > 0 && bottom > 0,
  };
}
"""
FOCUSED = "document.activeElement.textContent.trim() || document.activeElement.name"


@pytest_asyncio.fixture(loop_scope="session")
async def page(serve, open_window, redis_client):
    demo.fill(redis_client)
    window = await open_window(await serve())
    await window.open("/")
    return window.page


async def test_tab_goes_through_the_whole_page_and_always_shows_where_it_is(page):
    """And nothing holds it: after the last it leaves the page."""
    seen = []
    while not seen or await page.evaluate("document.activeElement !== document.body"):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate(FOCUS))

    names = [each["name"] for each in seen[:-1]]
    assert names[:3] == ["Skip to the content", "pyasynq", "query"]
    assert names.index("Settings") < names.index("images") < names.index("Pause")
    assert [each["name"] for each in seen[:-1] if not each["seen"]] == []


async def test_the_first_tab_skips_to_the_content(page):
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")

    assert await page.evaluate("document.activeElement.closest('main') !== null")


async def test_j_and_k_go_through_the_rows_and_enter_opens_one(page):
    for key in "jjk":
        await page.keyboard.press(key)
    assert await page.evaluate(FOCUSED) == "images"
    await page.keyboard.press("j")
    assert await page.evaluate(FOCUSED) == "mail"

    await page.keyboard.press("Enter")

    await page.wait_for_url("**/queues/mail")


async def test_a_slash_finds_and_escape_leaves_the_field(page):
    await page.keyboard.press("/")
    assert await page.evaluate(FOCUSED) == "query"
    await page.keyboard.type("j?")
    assert await page.locator("[data-current], dialog[open]").count() == 0
    await page.keyboard.press("Escape")

    assert await page.evaluate("document.activeElement === document.body")


async def test_two_keys_go_to_a_page(page):
    await page.keyboard.press("g")
    await page.keyboard.press(",")
    await page.wait_for_url("**/settings")
    await page.keyboard.press("g")
    await page.keyboard.press("q")

    await page.wait_for_selector("#queues")


async def test_a_dialog_keeps_the_focus_until_it_is_closed_and_gives_it_back(page):
    await page.focus("[data-open=keys]")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.querySelector('#keys').open")
    for _ in range(5):
        await page.keyboard.press("Tab")
        assert await page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('#keys')"
        )
    await page.keyboard.press("Escape")

    assert not await page.evaluate("document.querySelector('#keys').open")
    assert await page.evaluate("document.activeElement.dataset.open") == "keys"


async def test_keys_do_nothing_while_a_dialog_is_open(page):
    await page.keyboard.press("?")
    await page.keyboard.press("j")

    assert await page.locator("[data-current]").count() == 0
