"""Tests of applications: `App.testing` and the pytest plugin."""

import pytest
import redis

from pyasynq import retry
from pyasynq.app import App
from pyasynq.client import Client
from pyasynq.errors import ConfigError, NotFoundError, PyasynqError, ServerStateError
from pyasynq.events.event import TaskEvent
from pyasynq.task import Task
from pyasynq.worker.handlers.context import TaskContext

app = App("redis://nowhere.invalid", queues={"default": 2, "mail": 1}, retry_delay=retry.fixed(60))
seen: list[object] = []
heard: list[tuple[str, str, str]] = []


@app.task(queue="mail", retention=600)
async def send(user: int) -> str:
    seen.append(user)
    return f"sent to {user}"


@app.task
def send_all(users: list[int]) -> None:
    for user in users:
        send.enqueue(user)


@app.task(max_retry=1)
async def fail(ctx: TaskContext) -> None:
    raise ValueError(f"attempt {ctx.attempt}")


@app.task
async def forever() -> None:
    await forever.aenqueue()


@app.task(group="g")
async def item(text: str) -> None: ...


@app.aggregator("g")
def aggregate(group: str, tasks: list[Task]) -> Task | None:
    return send.bind(len(tasks))


@pytest.fixture(autouse=True)
def nothing_seen():
    seen.clear()
    heard.clear()


@app.on("retried", "archived")
async def note(event: TaskEvent) -> None:
    heard.append((event.name, event.task_type, str(event.error)))


def test_tasks_run_on_demand_with_all_that_they_bring_about():
    with app.testing() as bench:
        send_all.enqueue([1, 2])
        assert seen == []
        handled = bench.run_pending()

        assert [(each.type, each.queue, each.attempt) for each in handled] == [
            ("send_all", "default", 1),
            ("send", "mail", 1),
            ("send", "mail", 1),
        ]
        assert [each.result for each in handled] == [None, "sent to 1", "sent to 2"]
        assert seen == [1, 2]
        assert bench.run_pending() == []


def test_the_clock_stands_still_until_it_is_moved():
    with app.testing() as bench:
        start = bench.clock.now
        handle = send.options(process_in=3600).enqueue(1)
        assert bench.run_pending() == []
        bench.clock.advance(3599.5)
        assert bench.run_pending() == []
        bench.clock.advance(0.5)

        assert len(bench.run_pending()) == 1
        assert (bench.clock.now - start).total_seconds() == 3600
        assert handle.result(0) == "sent to 1"


def test_failures_are_returned_and_retried_when_due():
    with app.testing() as bench:
        handle = fail.enqueue()
        (first,) = bench.run_pending()
        assert handle.info().state == "retry"
        bench.clock.advance(60)
        (second,) = bench.run_pending()

        assert [str(each.error) for each in (first, second)] == ["attempt 1", "attempt 2"]
        assert handle.info().state == "archived"


def test_groups_are_aggregated_after_their_grace_period():
    with app.testing() as bench:
        for text in "abc":
            item.enqueue(text)
        assert bench.run_pending() == []
        bench.clock.advance(60)
        (handled,) = bench.run_pending()

    assert (handled.type, handled.queue, seen) == ("send", "default", [3])


def test_each_use_begins_with_an_empty_redis_and_gives_back_the_old_one():
    with app.testing():
        handle = send.enqueue(1)
    with app.testing() as bench, pytest.raises(NotFoundError):
        assert bench.run_pending() == []
        app.task_handle("mail", handle.id).info()

    assert app._clients.source.hosts == (("nowhere.invalid", 6379),)


def test_a_harness_that_is_open_is_not_opened_again():
    harness = app.testing()
    with harness:
        send.enqueue(1)
        with pytest.raises(ServerStateError, match="is open already"), harness:
            pass

        assert len(harness.run_pending()) == 1


def test_what_goes_on_for_ever_is_stopped():
    with app.testing() as bench:
        forever.enqueue()
        with pytest.raises(PyasynqError, match="after 20 attempts"):
            bench.run_pending(limit=20)


async def test_async_tests_have_a_form_of_their_own():
    async with app.testing() as bench:
        await send.aenqueue(1)
        with pytest.raises(ServerStateError, match="arun_pending"):
            bench.run_pending()

        assert [each.type for each in await bench.arun_pending()] == ["send"]


def test_a_lifespan_is_around_the_tasks():
    other, steps = App(), []

    @other.lifespan
    async def lifespan():
        steps.append("start")
        yield "state"
        steps.append("end")

    @other.task
    async def note(ctx: TaskContext) -> None:
        steps.append(ctx.state)

    with other.testing() as bench:
        note.enqueue()
        bench.run_pending()

    assert steps == ["start", "state", "end"]


def test_a_paused_queue_is_left_alone():
    with app.testing() as bench:
        send.enqueue(1)
        with Client(bench.url) as client:
            client.enqueue(Task("send", b'{"user":2}'), queue="default")
        with redis.Redis.from_url(bench.url) as raw:
            raw.set("asynq:{mail}:paused", 1)

        assert len(bench.run_pending()) == 1


def test_a_clock_does_not_go_back():
    with app.testing() as bench, pytest.raises(ConfigError, match="go back"):
        bench.clock.advance(-1)


def test_listeners_have_been_called_when_the_tasks_have_run():
    with app.testing() as bench:
        fail.enqueue()
        bench.run_pending()
        assert heard == [("retried", "fail", "attempt 1")]

        bench.clock.advance(60)
        bench.run_pending()
        assert heard[1:] == [("archived", "fail", "attempt 2")]


def test_a_state_of_the_test_takes_the_place_of_the_lifespan():
    other, steps = App(), []

    @other.lifespan
    async def lifespan():
        steps.append("start")
        yield "real"

    @other.task
    async def note(ctx: TaskContext) -> None:
        steps.append(ctx.state)

    @other.on("succeeded")
    async def hear(event: TaskEvent) -> None:
        steps.append(event.state)

    with other.testing(state="fake") as bench:
        note.enqueue()
        bench.run_pending()
    with other.testing(state=None) as bench:
        note.enqueue()
        bench.run_pending()

    assert steps == ["fake", "fake", None, None]


def test_what_tests_annotate_is_in_the_module_for_tests():
    from pyasynq.testing import AppHarness, EnqueuedTask, HandledTask  # noqa: PLC0415

    with app.testing() as harness:
        send.enqueue(1)
        assert isinstance(harness, AppHarness)
        assert isinstance(harness.tasks()[0], EnqueuedTask)
        assert isinstance(harness.run_pending()[0], HandledTask)
