"""The pages as they are keep themselves up to date, and what people do on them stays."""

import asyncio
import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from pyasynq.client_async import AsyncClient
from pyasynq.web import create_app
from pyasynq.web.live.pace import Pace
from pyasynq.worker.handlers.mux import ServeMux
from tests.support import demo, shop
from tests.support.browser import BROWSER
from tests.support.stored_tasks import store
from tests.support.workplace import Workplace

pytestmark = BROWSER

QUICK = Pace(poll_s=0.05, most_share=1.0, patience_s=0.5)
OFTEN = "localStorage.setItem('pyasynq.poll', '2')"  # seconds


@pytest_asyncio.fixture(loop_scope="session")
async def look(serve, open_window):
    """Opens a page of a Redis that is looked at often."""

    async def look(url, path):
        app = create_app(url)
        app.live.pace = QUICK
        window = await open_window(await serve(app))
        await window.page.add_init_script(OFTEN)
        await window.open(path)
        return window

    return look


async def test_a_new_task_appears_and_selection_focus_scroll_and_details_stay(
    look, redis_url, redis_client
):
    now_s = demo.fill(redis_client)
    window = await look(redis_url, "/queues/mail?status=archived")
    page = window.page
    tick = page.locator("#tasks tbody [data-tick]").nth(12)
    ticked = await tick.get_attribute("value")
    await tick.check()
    await page.keyboard.press("j")
    await page.locator("#all summary").click()
    await page.locator("#tasks tbody tr").nth(14).get_by_role("button", name="Run").focus()
    await page.mouse.wheel(0, 300)
    await page.wait_for_function("scrollY > 100")
    before = await page.evaluate("scrollY")

    store(redis_client, "archived", "new", queue="mail", score=now_s + 1, error_msg="no")

    await expect(page.locator("#tasks tbody tr")).to_have_count(29)
    assert await page.locator("#tasks [data-tick]:checked").get_attribute("value") == ticked
    assert await page.locator("#tasks tr[data-current]").count() == 1
    assert await page.locator("[data-ticked]").text_content() == "1 ticked:"
    assert await page.locator("#ticked button").first.is_enabled()
    assert await page.evaluate("document.activeElement.textContent") == "Run"
    assert await page.locator("#all").get_attribute("open") is not None
    assert abs(await page.evaluate("scrollY") - before) < 100
    assert window.faults == []


async def test_somebody_sees_how_a_worker_runs_tasks(look, redis_url, redis_client):
    window = await look(redis_url, "/")
    go_on, mux = asyncio.Event(), ServeMux()

    async def handle(_ctx, _task):
        await go_on.wait()

    mux.add("email", handle)
    async with AsyncClient(redis_url) as client:
        work = Workplace(redis_url, client, redis_client)
        for _ in range(3):
            await work.enqueue("email:welcome", queue="mail", retention=600)
        row = window.page.locator("#queue-mail")
        await expect(row.locator("[data-label=Pending]")).to_have_text("3")

        async with work.serving(mux, queues={"mail": 1}, concurrency=5):
            await expect(row.locator("[data-label=Active]")).to_have_text("3")
            go_on.set()
            await expect(row.locator("[data-label=Completed]")).to_have_text("3")
    assert window.faults == []


async def test_a_page_says_that_redis_is_away_and_goes_on_when_it_is_back(look, own_redis):
    with own_redis.client() as client:
        demo.fill(client)
    window = await look(own_redis.tcp_url, "/")
    status = window.page.locator("[data-live-status]")
    await expect(status).to_have_text("Live")

    own_redis.kill()
    await expect(status).to_have_text(re.compile(r"^No news since .*\d:\d\d"), timeout=20_000)
    assert await window.page.locator("#queue-mail").count() == 1
    own_redis.start()
    with own_redis.client() as client:
        store(client, "pending", "1", queue="back")

    await expect(window.page.locator("#queue-back")).to_have_count(1, timeout=20_000)
    await expect(status).to_have_text("Live", timeout=20_000)


@pytest.mark.long
async def test_a_page_that_came_while_redis_was_away_comes_by_itself(look, own_redis):
    own_redis.kill()
    window = await look(own_redis.tcp_url, "/")
    await expect(window.page.locator("h1")).to_have_text("Redis does not answer")

    own_redis.start()

    await expect(window.page.locator("h1")).to_have_text("Queues", timeout=20_000)


async def test_a_queue_is_paused_in_place(look, redis_url, redis_client):
    demo.fill(redis_client)
    window = await look(redis_url, "/")
    row = window.page.locator("#queue-mail")

    await row.get_by_role("button", name="Pause").click()

    await expect(row.get_by_role("button", name="Resume")).to_be_visible()
    await expect(window.page.locator("#toast")).to_contain_text("The queue is paused")
    assert window.page.url == f"{window.base}/"
    assert window.faults == []


async def test_one_of_many_tasks_is_run_after_a_question(look, redis_url, redis_client):
    demo.fill(redis_client)
    window = await look(redis_url, "/queues/mail?status=archived")
    for at in (0, 1):
        await window.page.locator("#tasks [data-tick]").nth(at).check()

    await window.page.locator("#ticked").get_by_role("button", name="Delete").click()
    dialog = window.page.locator("#confirm")
    await expect(dialog.locator("h2")).to_contain_text("2")
    await dialog.get_by_role("button", name="Delete").click()

    await expect(window.page.locator("#tasks tbody tr")).to_have_count(26)
    await expect(window.page.locator(f"text={shop.task_id(400)}")).to_have_count(0)
    assert window.faults == []
