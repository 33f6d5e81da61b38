"""The guide to results and status: its code is code that runs here."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from pyasynq import (
    App,
    ResultNotKeptError,
    ResultTimeoutError,
    RetryLater,
    ServerStateError,
    TaskContext,
    TaskFailedError,
    TaskNotFoundError,
)

app = App()


@app.task(retention=600)
def import_rows(ctx: TaskContext, rows: list[str]) -> int:
    for number, row in enumerate(rows, 1):
        save(row)
        ctx.progress(number, len(rows), "rows")
    return len(rows)


@app.task(retention=600)
async def fetch(url: str) -> None:
    if is_busy(url):
        raise RetryLater(60, "too many requests")


@dataclass
class Receipt:
    number: int
    at: datetime


@app.task(retention=600)
def pay(order: int) -> Receipt:
    return Receipt(order, datetime(2030, 5, 1, tzinfo=UTC))


@app.task
def forget(order: int) -> int:
    return order


@app.task(retention=600)
def unannotated(order: int):
    return {"at": datetime(2030, 5, 1, tzinfo=UTC), 1: (order,)}


@app.task(retention=600)
def unstorable() -> object:
    return object()


@app.task(retention=600, max_retry=0)
def fails() -> None:
    raise ValueError("no paper")


def save(row): ...


def is_busy(url):
    return "busy" in url


@pytest.fixture
def harness():
    with app.testing() as harness:
        yield harness


def test_progress_and_result_are_read_by_a_handle(harness):
    handle = import_rows.enqueue(["a", "b"])
    harness.run_pending(raises=True)

    assert handle.progress().fraction == 1
    assert handle.result(timeout=0) == 2


def test_progress_says_how_much_of_what(harness, capsys):
    handle = import_rows.enqueue(["a", "b"])
    harness.run_pending()
    progress = handle.progress()
    if progress is not None:
        print(progress.done, progress.total, progress.note, progress.fraction)

    assert capsys.readouterr().out == "2 2 rows 1.0\n"


def test_a_handle_tells_the_state_and_the_result(harness, capsys):
    handle = import_rows.enqueue(["a", "b"])
    harness.run_pending()
    print(handle.info().state, handle.result(timeout=10))

    assert capsys.readouterr().out == "completed 2\n"


def test_a_handle_is_made_of_the_id_and_deletes_the_task(harness, capsys):
    task_id = import_rows.options(queue="default").enqueue(["a"]).id
    harness.run_pending()
    later = import_rows.handle(task_id)
    print(later.info().state, later.result(timeout=10))
    later.delete()

    assert capsys.readouterr().out == "completed 1\n"
    with pytest.raises(TaskNotFoundError):
        later.info()


def test_a_program_without_the_tasks_reads_plain_json(harness):
    task_id = pay.enqueue(7).id
    harness.run_pending()
    other = App(harness.url)
    found = other.task_handle("default", task_id).result(timeout=10)
    other.close()

    assert found == {"number": 7, "at": "2030-05-01T00:00:00Z"}


def test_the_reason_why_a_task_waits_is_its_last_error(harness):
    handle = fetch.enqueue("http://busy.example")
    harness.run_pending()

    assert handle.info().last_error == "too many requests"


def test_a_result_is_what_its_annotation_says(harness):
    typed, plain = pay.enqueue(7), unannotated.enqueue(7)
    harness.run_pending()

    assert typed.result(0) == Receipt(7, datetime(2030, 5, 1, tzinfo=UTC))
    assert plain.result(0) == {"at": "2030-05-01T00:00:00Z", "1": [7]}


def test_why_there_is_no_result_is_told(harness):
    waits, lost, odd, failed = (
        pay.enqueue(7),
        forget.enqueue(7),
        unstorable.enqueue(),
        fails.enqueue(),
    )
    with pytest.raises(ResultTimeoutError) as late:
        waits.result(timeout=0)
    with pytest.raises(ResultNotKeptError, match="has no retention"):
        lost.result(timeout=0)
    harness.run_pending()

    assert late.value.state == "pending"
    with pytest.raises(ResultNotKeptError, match="no longer exists"):
        lost.result(timeout=0)
    with pytest.raises(ResultNotKeptError, match="cannot be written as JSON"):
        odd.result(timeout=0)
    with pytest.raises(TaskFailedError) as error:
        failed.result(timeout=0)
    assert error.value.error.startswith("ValueError: no paper")


async def test_a_result_is_not_waited_for_in_a_loop_by_blocking_it():
    async with app.testing():
        handle = await pay.aenqueue(7)
        with pytest.raises(ServerStateError, match="await aresult"):
            handle.result(timeout=0)
