"""Tasks of an older version of the code, whose function had other parameters."""

import logging
from typing import Annotated

import pytest

from pyasynq import App, Client, Field, Task

URL = "redis://127.0.0.1:1"
TOLD = (
    "the payload of a task of type 'ship' has 'express', which its function does not take: it is "
    "left out, and logged once; for a parameter that was renamed write "
    "Annotated[…, Field('express')]"
)


def run_all(app: App, *payloads: bytes) -> list:
    """Run tasks that somebody else has stored; return what was raised in each."""
    with app.testing() as harness, Client(harness.url) as client:
        for payload in payloads:
            client.enqueue(Task("ship", payload), max_retry=0)
        return [each.error for each in harness.run_pending()]


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def of_a_coroutine(shipped: list) -> App:
    app = App(URL)

    @app.task
    async def ship(order_id: int, note: str = "") -> None:
        shipped.append((order_id, note))

    return app


def of_a_thread(shipped: list) -> App:
    app = App(URL)

    @app.task
    def ship(order_id: int, note: str = "") -> None:
        shipped.append((order_id, note))

    return app


@pytest.mark.parametrize("make", [of_a_coroutine, of_a_thread])
def test_a_parameter_that_was_removed_is_left_out_and_told_once(make, caplog):
    shipped = []
    old = b'{"order_id":%d,"express":true}'

    errors = run_all(make(shipped), b'{"order_id":1}', old % 2, old % 3, b'{"order_id":4}')

    assert errors == [None] * 4
    assert shipped == [(1, ""), (2, ""), (3, ""), (4, "")]
    assert warnings_of(caplog) == [TOLD]


def test_the_fields_of_the_line_name_the_task_type_and_no_value_is_logged(caplog):
    run_all(of_a_coroutine([]), b'{"order_id":1,"password":"geheim"}')

    (record,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert (record.name, record.task_type) == ("pyasynq.task", "ship")
    assert "geheim" not in caplog.text


def test_a_parameter_that_was_renamed_is_named_in_what_is_stored_with_the_task(caplog):
    app = of_a_coroutine([])
    with app.testing() as harness, Client(harness.url) as client:
        info = client.enqueue(Task("ship", b'{"order":7}'), max_retry=0)
        harness.run_pending()

        stored = app.task_handle(info.queue, info.id).info().last_error

    assert stored == (
        "$.order_id: missing; the payload has 'order', which "
        "'of_a_coroutine.<locals>.ship' does not take"
    )
    assert stored in caplog.text


def test_a_field_reads_old_tasks_of_a_parameter_that_was_renamed(caplog):
    app = App(URL)
    shipped = []

    @app.task
    async def ship(order_id: Annotated[int, Field("order")]) -> None:
        shipped.append(order_id)

    assert run_all(app, b'{"order":7}') == [None]
    assert shipped == [7]
    assert warnings_of(caplog) == []
