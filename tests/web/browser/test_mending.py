"""All tasks that match are changed from the page that has found them, as a person does it."""

import pytest

from tests.support.stored_tasks import store
from tests.web.browser.window import NARROWEST

LONG_AGO_S = 1_700_000_000

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.long
async def test_a_kind_of_failure_is_run_again(serve, open_window, redis_client):
    for number in range(25):
        error = f"timeout after {number}s"
        store(redis_client, "archived", f"a{number}", error_msg=error, score=LONG_AGO_S)
    store(redis_client, "archived", "other", error_msg="refused", score=LONG_AGO_S)
    window = await open_window(await serve())
    page = window.page
    await window.open("/failures")

    await page.get_by_role("link", name="timeout after <n>s").click()
    await page.get_by_role("heading", name="25 tasks found").wait_for()
    await page.get_by_role("link", name="Run…").click()
    await page.get_by_role("button", name="Run 25 tasks").click()
    await page.wait_for_url("**/jobs/*")
    while not await page.locator("#job-state", has_text="Done").count():
        await page.reload()

    assert await page.locator("#counts dd").first.text_content() == "25"
    assert redis_client.zcard("asynq:{mail}:archived") == 1
    assert await window.unfit() == []
    await window.resize(NARROWEST)
    assert await window.overflow() == []
    assert window.faults == []


async def test_many_are_deleted_only_when_the_name_of_the_queue_is_typed(
    serve, open_window, redis_client
):
    with redis_client.pipeline(transaction=False) as pipeline:
        for number in range(1001):
            store(pipeline, "archived", f"a{number}")
        pipeline.execute()
    window = await open_window(await serve(), java_script_enabled=False)
    page = window.page
    await window.open("/jobs/new?verb=delete&query=state:archived")
    button = page.get_by_role("button", name="Delete 1,001 tasks")

    await page.get_by_label("Type mail to go on").fill("male")
    await button.click()
    assert "1,001 tasks would be deleted" in await page.locator("#fault").text_content()
    await page.get_by_label("Type mail to go on").fill("mail")
    await button.click()

    await page.wait_for_url("**/jobs/*")
