"""The guide to unique tasks: its code is code that runs here."""

import sqlite3

import pytest

from pyasynq import App, DuplicateTaskError, TaskContext, TaskIdConflictError

database = sqlite3.connect(":memory:", check_same_thread=False)
database.execute("CREATE TABLE charges (task TEXT PRIMARY KEY, amount INT)")


app = App()


@app.task(unique=3600)
def build_report(year: int) -> None:
    print(f"building the report of {year}")


@app.task(unique=600, unique_until="started")
def index_page(url: str) -> None: ...


@app.task
def reindex(shop: str, reason: str) -> None: ...


@app.task
def send_invoice(order_id: int) -> None: ...


def save_charge(task_id: str, amount: int) -> bool:
    sql = "INSERT INTO charges VALUES (?, ?) ON CONFLICT DO NOTHING"
    return database.execute(sql, (task_id, amount)).rowcount == 1


@app.task
def charge(ctx: TaskContext, amount: int) -> None:
    if not save_charge(ctx.task_id, amount):
        return  # an attempt before this one did it


def ask_for_a_report(year):
    try:
        handle = build_report.enqueue(year)
    except DuplicateTaskError as error:
        handle = build_report.handle(error.holder_id)  # the one that is there already
    return handle


def test_the_same_call_is_refused_until_the_task_is_done():
    with app.testing() as harness:
        build_report.enqueue(2025)
        with pytest.raises(DuplicateTaskError):
            build_report.enqueue(2025)
        build_report.enqueue(2026)

        harness.run_pending()
        build_report.enqueue(2025)


def test_the_holder_of_the_lock_is_known():
    with app.testing():
        first = ask_for_a_report(2025)
        second = ask_for_a_report(2025)

        assert second.id == first.id


def test_a_key_says_what_is_the_same():
    with app.testing():
        once_a_shop = reindex.options(unique=600, unique_key="north")
        once_a_shop.enqueue("north", "new prices")
        with pytest.raises(DuplicateTaskError):
            once_a_shop.enqueue("north", "new names")


def test_a_lock_may_end_at_the_start():
    shop = App()
    handles = []

    @shop.task(unique=600, unique_until="started")
    def again(number: int) -> None:
        if not handles:
            handles.append(again.enqueue(number))

    with shop.testing() as harness:
        again.enqueue(1)

        assert len(harness.run_pending()) == 2


def test_a_lock_stays_with_an_archived_task_unless_it_is_freed():
    shop = App()

    @shop.task(unique=600, max_retry=0)
    def held() -> None:
        raise ValueError

    @shop.task(unique=600, max_retry=0, unique_until="archived")
    def freed() -> None:
        raise ValueError

    with shop.testing() as harness:
        held.enqueue()
        freed.enqueue()
        harness.run_pending()

        freed.enqueue()
        with pytest.raises(DuplicateTaskError):
            held.enqueue()


def test_a_lock_lasts_as_long_as_it_was_given_after_the_task_is_due():
    with app.testing() as harness:
        build_report.options(process_in=7200).enqueue(2025)
        harness.clock.advance(7200 + 3599)
        with pytest.raises(DuplicateTaskError):
            build_report.enqueue(2025)

        harness.clock.advance(1)
        build_report.enqueue(2025)

        assert len(harness.tasks()) == 2


def test_a_lock_stays_while_the_task_waits_for_a_retry():
    shop = App()

    @shop.task(unique=600)
    def fails() -> None:
        raise ValueError

    with shop.testing() as harness:
        fails.enqueue()
        harness.run_pending()
        with pytest.raises(DuplicateTaskError):
            fails.enqueue()


def test_an_id_is_taken_as_long_as_its_task_exists():
    with app.testing() as harness:
        invoice = send_invoice.options(task_id="invoice-17", retention=86400)
        invoice.enqueue(17)
        with pytest.raises(TaskIdConflictError):
            invoice.enqueue(17)

        harness.run_pending()
        with pytest.raises(TaskIdConflictError) as caught:
            invoice.enqueue(17)

        assert caught.value.state == "completed"


def test_a_handler_does_its_work_once():
    with app.testing() as harness:
        handle = charge.enqueue(10)
        harness.run_pending()
        charge.options(task_id=handle.id).enqueue(10)  # as if it ran again
        harness.run_pending(raises=True)

        assert database.execute("SELECT amount FROM charges").fetchall() == [(10,)]


def test_deleting_a_task_frees_its_lock():
    with app.testing():
        build_report.enqueue(2025).delete()
        build_report.enqueue(2025)


def test_queues_have_locks_of_their_own():
    with app.testing() as harness:
        build_report.enqueue(2025)
        build_report.options(queue="low").enqueue(2025)

        assert len(harness.tasks()) == 2
