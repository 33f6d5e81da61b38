"""`harness.tasks()` shows what was enqueued, and runs nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq import retry
from pyasynq.app import App
from pyasynq.client import Client
from pyasynq.errors import ConfigError, ServerStateError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task

app = App(queues={"default": 1, "mail": 1}, retry_delay=retry.fixed(60))
ran: list[str] = []


@dataclass
class Letter:
    to: str
    day: datetime


@app.task("mail:send", queue="mail", max_retry=3, timeout=20, retention=600)
def send(letter: Letter, copies: int = 1) -> None:
    ran.append(letter.to)


@app.task
def fail() -> None:
    raise ValueError("no")


@app.task(group="g")
def item(text: str) -> None: ...


@app.aggregator("g")
def collect(group: str, tasks: list[Task]) -> Task | None: ...


@app.task(group="broken")
def broken(number: int) -> None: ...


@app.aggregator("broken", grace_period=30)
def refuse(group: str, tasks: list[Task]) -> Task | None:
    raise ValueError("never")


DAY = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_ran():
    ran.clear()


def test_a_task_is_shown_with_its_arguments_its_due_time_and_its_options():
    with app.testing() as harness:
        handle = send.options(process_in=60, unique=90, headers={"a": "b"}).enqueue(
            Letter("Ann", DAY)
        )
        (task,) = harness.tasks()

        assert (task.id, task.type, task.queue) == (handle.id, "mail:send", "mail")
        assert task.arguments == {"letter": Letter("Ann", DAY), "copies": 1}
        assert task.payload == b'{"letter":{"to":"Ann","day":"2030-01-01T00:00:00Z"},"copies":1}'
        assert task.state == "scheduled"
        assert task.due_at == harness.clock.now + timedelta(seconds=60)
        assert task.options == EnqueueOptions(
            queue="mail",
            task_id=handle.id,
            max_retry=3,
            timeout=timedelta(seconds=20),
            unique=timedelta(seconds=150),
            process_at=task.due_at,
            retention=timedelta(minutes=10),
            headers={"a": "b"},
        )
        assert (task.retried, task.last_error) == (0, "")
    assert ran == []


def test_tasks_are_found_by_state_and_queue():
    with app.testing() as harness:
        send.enqueue(Letter("Ann", DAY))
        fail.enqueue()
        fail.options(process_in=9).enqueue()
        item.enqueue("x")
        harness.run_pending()
        harness.tasks()

        def found(**given):
            return [(task.type, task.state.value) for task in harness.tasks(**given)]

        assert found(queue="mail") == [("mail:send", "completed")]
        assert found(state="retry") == [("fail", "retry")]
        assert found(state="aggregating", queue="default") == [("item", "aggregating")]
        assert found(queue="none") == []
        assert len(found()) == 4
        (retried,) = harness.tasks(state="retry")
        assert (retried.retried, retried.last_error.split(" [")[0]) == (1, "ValueError: no")
        assert retried.due_at == harness.clock.now + timedelta(seconds=60)


def test_pending_tasks_are_in_the_order_in_which_they_run():
    with app.testing() as harness:
        for text in "abc":
            send.enqueue(Letter(text, DAY))

        assert [task.arguments["letter"].to for task in harness.tasks(state="pending")] == [
            "a",
            "b",
            "c",
        ]


def test_members_whose_aggregator_failed_are_still_aggregating():
    with app.testing() as harness:
        for number in (1, 2):
            broken.enqueue(number)
        harness.clock.advance(30)
        harness.run_pending()

        tasks = harness.tasks(state="aggregating")
    assert [(task.type, task.arguments["number"]) for task in tasks] == [
        ("broken", 1),
        ("broken", 2),
    ]
    assert [task.options.group for task in tasks] == ["broken", "broken"]


def test_a_task_that_no_function_is_for_shows_the_json_object_of_its_payload():
    with app.testing() as harness, Client(harness.url) as client:
        client.enqueue(Task("other", b'{"a":1}'), task_id="1")
        client.enqueue(Task("other", b"raw"), task_id="2")
        client.enqueue(Task("mail:send", b'{"letter":1}'), task_id="3")

        assert [task.arguments for task in harness.tasks()] == [{"a": 1}, {}, {"letter": 1}]


async def test_an_async_test_looks_in_the_same_way():
    async with app.testing() as harness:
        await fail.aenqueue()

        assert [task.type for task in harness.tasks()] == ["fail"]


def test_a_wrong_state_is_refused():
    with app.testing() as harness, pytest.raises(ConfigError, match="no state 'done'; use one of"):
        harness.tasks(state="done")


def test_there_are_no_tasks_outside_of_the_block():
    with pytest.raises(ServerStateError, match="has a Redis only in its block"):
        app.testing().tasks()
