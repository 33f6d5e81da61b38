"""Tasks, their slots and the stop of a worker go on whatever listeners do."""

import asyncio
import threading

from pyasynq import retry
from pyasynq.events.event import SERVER_EVENTS
from tests.support.eventually import eventually_async
from tests.support.listening import keeper, make_mux


async def test_every_task_is_done_beside_every_kind_of_bad_listener(work):
    release, events = threading.Event(), []

    async def hang(event):
        await asyncio.Event().wait()

    def exit_the_process(event):
        raise SystemExit(3)

    async def interrupt(event):
        raise KeyboardInterrupt

    def block(event):
        release.wait(20)

    async def handle(ctx, task):
        if task.payload == b"bad":
            raise ValueError("bad")

    bad = [hang, exit_the_process, interrupt, block]
    mux = make_mux(handle, *bad, keeper(events), names=SERVER_EVENTS)
    done = [await work.enqueue("email") for _ in range(20)]
    failed = [await work.enqueue("email", b"bad", max_retry=0) for _ in range(5)]
    async with work.serving(mux, concurrency=2, cancel_grace=0.05, log_failures="none") as server:
        for info in done:
            await work.until(info, None)
        for info in failed:
            await work.until(info, "archived")
        release.set()

    assert server.status == "closed"
    assert events[-1].counts == {"done": 20, "archived": 5}
    assert len(events) == 2 + 20 * 2 + 5 * 3


async def test_what_a_listener_does_to_an_event_reaches_neither_the_handler_nor_redis(work):
    seen, attempts = [], []

    async def mutate(event):
        event.task.headers["a"] = "changed"
        event.task.headers.clear()
        object.__setattr__(event, "task_id", "other")

    async def handle(ctx, task):
        await eventually_async(lambda: len(attempts) > len(seen))  # the listeners were first
        seen.append(dict(task.headers))
        if len(seen) == 1:
            raise ValueError("bad")

    info = await work.enqueue("email", headers={"a": "b"})
    mux = make_mux(handle, mutate, names=["started", "failed", "retried"])
    mux.on("started")(keeper(attempts))
    async with work.serving(mux, retry_delay=retry.fixed(0)):
        await work.until(info, None)

    assert seen == [{"a": "b"}] * 2
    assert [(each.task_id, each.task.headers) for each in attempts] == [(info.id, {"a": "b"})] * 2
