"""What is done to rows of tables can be done by keys."""

import pytest_asyncio

from pyasynq.wire.keys import queue_keys
from tests.support.browser import BROWSER
from tests.support.eventually import eventually_async
from tests.support.stored_tasks import store

pytestmark = BROWSER

TICKED = "[...document.querySelectorAll('input[data-tick]:checked')].map((each) => each.value)"
BAR = "document.querySelector('[data-ticked]').textContent"


@pytest_asyncio.fixture(loop_scope="session")
async def page(serve, open_window, redis_client):
    for number in range(25):
        fields = {"type": "email", "error_msg": "refused"}
        store(redis_client, "retry", f"r{number:02}", score=2**33 + number, **fields)
    window = await open_window(await serve())
    await window.page.context.add_cookies(
        [{"name": "pyasynq_rows", "value": "20", "url": window.base}]
    )
    await window.open("/tasks?query=state:retry")
    return window.page


def state_of(client, task_id):
    return client.hget(queue_keys("mail").task(task_id), "state")


async def press(page, keys):
    for key in keys.split():
        await page.keyboard.press(key)


async def test_x_ticks_rows_and_r_runs_them(page, redis_client):
    assert await page.evaluate(BAR) == "Tick tasks to act on them"

    await press(page, "j x j j x")
    assert await page.evaluate(TICKED) == ["mail/r00/retry", "mail/r02/retry"]
    assert await page.evaluate(BAR) == "2 ticked:"
    await press(page, "r")

    await eventually_async(lambda: state_of(redis_client, "r02") == b"pending")
    assert state_of(redis_client, "r00") == b"pending"
    assert state_of(redis_client, "r01") == b"retry"


async def test_a_key_acts_on_the_current_row_if_none_is_ticked(page, redis_client):
    await press(page, "j a")

    await eventually_async(lambda: state_of(redis_client, "r00") == b"archived")
    assert state_of(redis_client, "r01") == b"retry"


async def test_deleting_asks_with_the_count_first(page, redis_client):
    await press(page, "j x j x #")
    dialog = page.locator("#confirm")
    assert await dialog.locator("h2").text_content() == "Delete 2 tasks?"
    await press(page, "Escape")
    assert state_of(redis_client, "r00") == b"retry"

    await press(page, "#")
    await dialog.get_by_role("button", name="Delete").click()

    await eventually_async(lambda: state_of(redis_client, "r01") is None)
    assert state_of(redis_client, "r00") is None


async def test_enter_opens_the_task_and_not_another_link_of_its_row(page):
    await press(page, "j j")
    await press(page, "Enter")

    await page.wait_for_url("**/queues/mail/tasks/r01")


async def test_brackets_go_through_the_pages(page):
    await press(page, "]")
    await page.get_by_role("heading", name="5 tasks found").wait_for()

    await press(page, "[")

    await page.get_by_role("heading", name="20 tasks found").wait_for()


async def test_all_rows_are_ticked_by_one_box_and_a_range_with_shift(page):
    await page.locator("[data-tick-all]").click()
    assert await page.evaluate(BAR) == "20 ticked:"
    await page.locator("[data-tick-all]").click()

    await page.locator("[data-tick]").nth(2).click()
    await page.locator("[data-tick]").nth(5).click(modifiers=["Shift"])

    assert await page.evaluate(BAR) == "4 ticked:"


async def test_a_click_on_a_row_opens_it_but_not_one_on_its_box(page):
    await page.locator("td.tick").first.click(position={"x": 2, "y": 2})
    assert "/tasks?" in page.url

    await page.locator("tr[data-href] td.short").first.click()

    await page.wait_for_url("**/queues/mail/tasks/r00")


async def test_a_slash_leads_to_the_filter_and_escape_gives_up(page):
    await press(page, "j Control+a Alt+a Escape a")
    assert await page.locator("[data-current], [data-tick]:checked").count() == 0

    await press(page, "/")
    assert await page.evaluate("document.activeElement.id") == "search-query"

    await press(page, "Escape")
    assert await page.evaluate("document.activeElement === document.body")
