"""Scopes: what one attempt tells Sentry does not show in what another one tells."""

import asyncio
import threading

import pytest
import sentry_sdk

from pyasynq import App, TaskContext
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async

app = App("redis://nowhere.invalid", concurrency=10)
both_have_begun = asyncio.Barrier(2)
in_threads = threading.Barrier(2, timeout=20)


def crumbs(event):
    return [each["message"] for each in event.get("breadcrumbs", {}).get("values", ())]


def fail(name):
    sentry_sdk.set_tag("customer", name)
    raise ValueError(name)


@app.task(max_retry=0)
async def on_loop(name: str) -> None:
    sentry_sdk.add_breadcrumb(message=f"{name} begins")
    await both_have_begun.wait()
    await asyncio.create_task(deeper(name))
    fail(name)


async def deeper(name):
    sentry_sdk.add_breadcrumb(message=f"{name} goes on")


@app.task(max_retry=0)
def in_thread(name: str) -> None:
    sentry_sdk.add_breadcrumb(message=f"{name} begins")
    in_threads.wait()
    fail(name)


@app.task(max_retry=0)
def tell(ctx: TaskContext) -> None:
    sentry_sdk.capture_message("something to know")


@pytest.mark.parametrize(
    ("task", "told"),
    [(on_loop, ["begins", "goes on"]), (in_thread, ["begins"])],
    ids=["coroutine functions", "plain functions"],
)
async def test_breadcrumbs_and_tags_of_tasks_that_run_together_stay_apart(
    sentry, redis_url, task, told
):
    kept = sentry()
    sentry_sdk.add_breadcrumb(message="the worker starts")

    app.reconfigure(redis_url)
    async with app.server().running(app.mux):
        for name in ("Ann", "Bob"):
            await task.aenqueue(name)
        await eventually_async(lambda: len(kept.events) == 2)
    await app.aclose()

    by_name = {each["tags"]["customer"]: crumbs(each) for each in kept.events}
    assert by_name == {name: [f"{name} {each}" for each in told] for name in ("Ann", "Bob")}


def test_what_a_handler_captures_itself_belongs_to_its_task(sentry):
    kept = sentry()

    with app.testing() as harness:
        handle = tell.enqueue()
        harness.run_pending()

    (event,) = kept.events
    assert event["message"] == "something to know"
    assert event["tags"]["task_id"] == handle.id
    assert event["transaction"] == "tell"


def test_nothing_of_a_task_is_left_in_the_scope_of_the_worker(sentry):
    kept = sentry()

    with app.testing() as harness:
        tell.enqueue()
        harness.run_pending()
    sentry_sdk.capture_message("outside")

    assert "tags" not in kept.events[-1]
    assert crumbs(kept.events[-1]) == []


@pytest.mark.slow
async def test_an_aggregator_has_scopes_of_its_own(sentry, work):
    kept = sentry()
    mux = ServeMux()

    @mux.aggregator("digest", grace_period=1, max_size=1)
    def digest(group, tasks):
        sentry_sdk.capture_message(f"{len(tasks)} in {group}")

    @mux.handler("note")
    async def note(ctx, task): ...

    async with work.serving(mux, queues={"mail": 1}):
        await work.enqueue("note", group="digest", queue="mail")
        await eventually_async(lambda: kept.events)

    (event,) = kept.events
    assert event["message"] == "1 in digest"
    assert event["tags"] == {"queue": "mail", "group": "digest"}
