"""The guide to queues and priorities: its code is code that runs here."""

import pytest

from pyasynq import App, Inspector

app = App(queues={"critical": 6, "default": 3, "low": 1})


@app.task(queue="critical")
def send_code(phone: str) -> None: ...


@app.task
def send_letter(user_id: int) -> None: ...


@app.task(queue="low")
def clean_up() -> None: ...


strict = App(queues={"critical": 2, "default": 1}, strict_priority=True)


@strict.task("letter")
def strict_letter(user_id: int) -> None: ...


@strict.task("code", queue="critical")
def strict_code(phone: str) -> None: ...


def test_a_task_goes_to_its_queue_or_to_that_of_the_call():
    with app.testing() as harness:
        send_code.enqueue("0123")
        send_letter.enqueue(7)
        send_letter.options(queue="low").enqueue(8)

        assert [each.queue for each in harness.tasks()] == ["critical", "default", "low"]


def test_a_strict_worker_empties_the_first_queue_first():
    with strict.testing() as harness:
        strict_letter.enqueue(7)
        strict_code.enqueue("0123")
        strict_code.enqueue("0456")

        assert [each.type for each in harness.run_pending()] == ["code", "code", "letter"]


def test_a_paused_queue_keeps_its_tasks():
    with app.testing() as harness:
        send_letter.enqueue(7)
        with Inspector(harness.url) as inspector:
            inspector.queues.pause("default", by="ann", reason="the printer is broken")
            assert harness.run_pending() == []
            inspector.queues.unpause("default")

        assert len(harness.run_pending()) == 1


def test_a_worker_leaves_queues_alone_that_it_does_not_serve():
    with app.testing() as harness:
        send_letter.options(queue="mail").enqueue(7)

        assert harness.run_pending() == []


def test_a_queue_is_deleted_with_its_tasks_only_if_that_is_said():
    with app.testing() as harness, Inspector(harness.url) as inspector:
        send_letter.enqueue(7)

        with pytest.raises(Exception, match="not empty"):
            inspector.queues.delete("default")
