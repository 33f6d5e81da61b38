"""`definition.arguments`: what an aggregator reads in its tasks."""

from dataclasses import dataclass
from typing import Annotated

import pytest

from pyasynq.app import App
from pyasynq.errors import ConfigError, PayloadError
from pyasynq.payload import Field
from pyasynq.task import Task
from pyasynq.worker.handlers.context import TaskContext


@dataclass
class Order:
    number: int


@pytest.fixture
def app():
    return App("redis://127.0.0.1:1")


def test_arguments_are_those_of_the_call_that_was_enqueued(app):
    @app.task(aliases=["old:note"])
    def note(
        ctx: TaskContext, order: Order, *, key: Annotated[str, Field("Key")] = "k"
    ) -> None: ...

    assert note.arguments(note.bind(Order(7), key="x")) == {"order": Order(7), "key": "x"}
    assert note.arguments(Task("old:note", b'{"order":{"number":7}}')) == {
        "order": Order(7),
        "key": "k",
    }


def test_arguments_of_every_form_of_payload_are_read(app):
    @app.task
    def raw(data: bytes) -> None: ...

    @app.task
    def model(order: Order) -> None: ...

    @app.task
    def nothing() -> None: ...

    assert raw.arguments(raw.bind(b"\xff")) == {"data": b"\xff"}
    assert model.arguments(model.bind(Order(7))) == {"order": Order(7)}
    assert nothing.arguments(nothing.bind()) == {}


def test_a_payload_that_does_not_fit_names_task_parameter_and_path(app):
    @app.task
    def note(number: int) -> None: ...

    with pytest.raises(PayloadError) as caught:
        note.arguments(Task("note", b'{"number":"x"}'))

    error = caught.value
    assert (error.task_type, error.parameter, error.path) == ("note", "number", "$.number")
    assert "$.number: expected int, got str" in str(error)
    assert "parameter 'number' of task 'note'" in str(error)


def test_a_task_of_another_type_is_refused(app):
    @app.task("mail:*")
    def mails(number: int) -> None: ...

    assert mails.arguments(Task("mail:7", b'{"number":7}')) == {"number": 7}
    with pytest.raises(ConfigError, match=r"type 'post:7' has no arguments of 'mail:\*'; sort"):
        mails.arguments(Task("post:7", b'{"number":7}'))
    with pytest.raises(ConfigError, match="takes a Task, not bytes"):
        mails.arguments(b"{}")


def test_an_aggregator_reads_typed_arguments(app):
    @app.task(group="orders")
    def note(order: Order) -> None: ...

    @app.task
    def digest(numbers: list[int]) -> None: ...

    @app.aggregator("orders", grace_period=1)
    def collect(group: str, tasks: list[Task]) -> Task:
        return digest.bind([note.arguments(task)["order"].number for task in tasks])

    with app.testing() as harness:
        for number in (1, 2, 3):
            note.enqueue(Order(number))
        harness.run_pending()
        harness.clock.advance(1)
        (handled,) = harness.run_pending()

    assert (handled.type, handled.error) == ("digest", None)
