"""Without JavaScript people read, sort, filter and act; only what HTML cannot do is gone."""

import pytest_asyncio

from pyasynq.wire.keys import queue_keys
from tests.support import demo
from tests.support.browser import BROWSER

pytestmark = BROWSER


@pytest_asyncio.fixture(loop_scope="session")
async def page(serve, open_window, redis_client):
    demo.fill(redis_client)
    window = await open_window(await serve(), java_script_enabled=False)
    await window.open("/")
    return window.page


async def test_a_queue_is_paused_and_runs_again(page, redis_client):
    row = page.locator("#queue-mail")

    await row.get_by_role("button", name="Pause").click()

    assert await row.get_by_text("Paused").count() == 1
    assert await page.locator("[data-notice]").text_content()
    assert redis_client.exists(queue_keys("mail").paused)

    await row.get_by_role("button", name="Resume").click()

    assert await row.get_by_text("Running").count() == 1
    assert not redis_client.exists(queue_keys("mail").paused)


async def test_a_table_is_sorted_by_a_click(page):
    await page.get_by_role("columnheader", name="Size").get_by_role("link").click()

    names = await page.locator("#queues tbody th").all_text_contents()
    assert names == ["mail", "images", "orders", "reports"]


async def test_settings_are_kept(page):
    await page.get_by_role("link", name="Settings").first.click()
    await page.get_by_label("Dark").check()
    await page.get_by_label("中文").check()
    await page.get_by_role("button", name="Keep these settings").click()

    assert await page.locator("html").get_attribute("data-theme") == "dark"
    assert await page.locator("html").get_attribute("lang") == "zh-Hans"


async def test_nothing_is_shown_that_needs_a_script(page):
    assert await page.locator(".scripted:visible").count() == 0
