"""What loses something is asked about first; whoever says no has changed nothing."""

import pytest
import pytest_asyncio

from tests.support import demo
from tests.support.browser import BROWSER
from tests.support.redis_dump import dump
from tests.support.stored_tasks import store

pytestmark = BROWSER


@pytest_asyncio.fixture(loop_scope="session")
async def window(serve, open_window, redis_client):
    demo.fill(redis_client)
    redis_client.sadd("asynq:queues", "old")
    window = await open_window(await serve())
    await window.open("/")
    return window


async def asked(window, queue):
    """Press the button that deletes a queue; returns the dialog."""
    await window.page.locator(f"#queue-{queue}").get_by_role("button", name="Delete").click()
    return window.page.locator("#confirm")


@pytest.mark.parametrize("answer", ["Cancel", "Escape"])
async def test_no_changes_nothing_and_gives_the_focus_back(window, redis_client, answer):
    before = dump(redis_client)
    dialog = await asked(window, "old")
    assert await dialog.locator("h2").text_content() == "Delete queue old?"
    assert await window.page.evaluate("document.activeElement.textContent") == "Cancel"

    if answer == "Escape":
        await window.page.keyboard.press("Escape")
    else:
        await dialog.get_by_role("button", name="Cancel").click()

    assert not await dialog.is_visible()
    assert await window.page.evaluate("document.activeElement.textContent") == "Delete"
    assert dump(redis_client) == before


async def test_yes_does_it_and_says_so(window, redis_client):
    dialog = await asked(window, "old")

    await dialog.get_by_role("button", name="Delete").click()

    await window.page.locator("#queue-old").wait_for(state="detached")
    await window.page.get_by_text("The queue is deleted.").wait_for()
    assert not redis_client.sismember("asynq:queues", "old")
    assert window.faults == []


async def test_a_refusal_is_told_and_the_page_stays(window, redis_client):
    dialog = await asked(window, "old")
    store(redis_client, "pending", "new", queue="old")

    await dialog.get_by_role("button", name="Delete").click()

    await window.page.get_by_text("queue 'old' is not empty").wait_for()
    assert await window.page.locator("#queue-old").count() == 1
