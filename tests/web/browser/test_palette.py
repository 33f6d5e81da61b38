"""The palette finds pages, queues and tasks by a few letters, without a mouse."""

import pytest_asyncio

from tests.support import demo
from tests.support.browser import BROWSER
from tests.support.stored_tasks import store

pytestmark = BROWSER

NAMES = "[...document.querySelectorAll('#palette li')].map((each) => each.textContent)"
CHOSEN = "document.querySelector('#palette [aria-selected=true]').textContent"
ODD = '<img src=x onerror="alert(1)">/..%2F'


@pytest_asyncio.fixture(loop_scope="session")
async def window(serve, open_window, redis_client):
    demo.fill(redis_client)
    store(redis_client, "pending", "a", queue=ODD)
    window = await open_window(await serve())
    await window.open("/settings")
    await window.page.keyboard.press("Control+k")
    return window


async def test_letters_find_a_queue_and_enter_opens_it(window):
    await window.page.keyboard.type("MAI")
    await window.page.locator("#palette li", has_text="mail").first.wait_for()
    assert await window.page.evaluate(CHOSEN) == "mail"

    await window.page.keyboard.press("Enter")

    await window.page.wait_for_url("**/queues/mail")


async def test_a_page_and_a_search_are_found_at_once(window):
    await window.page.keyboard.type("fail")
    assert (await window.page.evaluate(NAMES))[:2] == ["Failures", "Find tasks: fail"]

    await window.page.keyboard.press("ArrowDown")
    await window.page.keyboard.press("Enter")

    await window.page.wait_for_url("**/tasks?query=fail")


async def test_a_name_of_whomever_is_text_and_leads_to_its_queue(window):
    await window.page.keyboard.type("<img")
    await window.page.locator("#palette li", has_text="onerror").last.wait_for()

    await window.page.locator("#palette li", has_text="..%2F").click()

    await window.page.wait_for_load_state()
    assert "/queues/%3Cimg%20src" in window.page.url
    assert window.faults == []


async def test_escape_closes_it_and_a_button_opens_it(window):
    await window.page.keyboard.press("Escape")
    assert not await window.page.locator("#palette").is_visible()

    await window.page.get_by_role("button", name="Go to").click()

    await window.page.locator("#palette li", has_text="mail").wait_for()
    assert await window.unfit() == []
    await window.page.keyboard.press("Control+k")
    assert not await window.page.locator("#palette").is_visible()
