"""The backend for tasks of Django, through the interface of Django."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from pyasynq import Task, TaskFailedError
from pyasynq.contrib.django import app
from pyasynq.contrib.django.task_package import (
    InvalidTask,
    TaskResultDoesNotExist,
    TaskResultStatus,
    task_backends,
    task_enqueued,
    task_finished,
    task_started,
)
from pyasynq.contrib.django.tasks import PyasynqBackend
from tests.support.django_shop import later

READY, RUNNING = TaskResultStatus.READY, TaskResultStatus.RUNNING
FAILED, SUCCESSFUL = TaskResultStatus.FAILED, TaskResultStatus.SUCCESSFUL


@pytest.fixture
def told():
    """What the signals of Django have told."""
    told = []

    def listen(name):
        def note(sender, task_result, **_more):
            told.append((name, sender, task_result.status, task_result.id))

        return note

    signals = {"enqueued": task_enqueued, "started": task_started, "finished": task_finished}
    notes = {name: listen(name) for name in signals}
    for name, signal in signals.items():
        signal.connect(notes[name])
    yield told
    for name, signal in signals.items():
        signal.disconnect(notes[name])


def test_a_task_is_ready_until_a_worker_has_run_it(harness):
    result = later.add.enqueue(1, right=2)
    before = later.add.get_result(result.id)
    harness.run_pending(raises=True)
    after = later.add.get_result(result.id)

    assert (result.status, before.status, after.status) == (READY, READY, SUCCESSFUL)
    assert (before.args, before.kwargs, before.attempts) == ([1], {"right": 2}, 0)
    assert (before.started_at, before.finished_at) == (None, None)
    assert before.enqueued_at == result.enqueued_at == harness.clock.now
    assert (after.return_value, after.attempts, after.errors) == (3, 1, [])
    assert after.enqueued_at <= after.started_at <= after.finished_at
    assert after.last_attempted_at == after.started_at
    assert (after.task, after.backend, after.worker_ids) == (later.add, "default", ["testing"])


def test_a_result_that_was_kept_is_refreshed(harness):
    result = later.add.enqueue(1)
    harness.run_pending()

    result.refresh()

    assert (result.is_finished, result.return_value) == (True, 1)


async def test_everything_works_in_coroutines(database):
    async with app.testing() as harness:
        result = await later.add_async.aenqueue(1, right=2)
        plain = await later.add.aenqueue(5)
        await harness.arun_pending(raises=True)
        await result.arefresh()
        found = await later.add.aget_result(plain.id)

    assert (result.status, result.return_value) == (SUCCESSFUL, 3)
    assert found.return_value == 5


@pytest.mark.parametrize(
    ("task", "kind", "said"),
    [
        (later.fail, ValueError, "ValueError: no tea\n"),
        (later.fail_async, LookupError, "LookupError: no milk\n"),
        (later.leave, SystemExit, "SystemExit: 1\n"),
        (later.return_what_is_no_json, TypeError, "Unsupported type: <class 'object'>\n"),
    ],
)
def test_a_task_that_fails_has_its_exception_and_traceback(harness, task, kind, said):
    result = task.enqueue()
    harness.run_pending()
    result.refresh()

    (error,) = result.errors
    assert (result.status, result.attempts, error.exception_class) == (FAILED, 1, kind)
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert error.traceback.endswith(said)
    assert result.finished_at is not None
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value


def test_a_backend_may_try_again(harness):
    result = later.fail_twice.enqueue()
    harness.run_pending()
    result.refresh()
    meanwhile = result.status, result.finished_at, len(result.errors)
    harness.run_all()
    result.refresh()

    assert meanwhile == (READY, None, 1)
    assert (result.status, result.return_value, result.attempts) == (SUCCESSFUL, 3, 3)
    assert [each.traceback.splitlines()[-1] for each in result.errors] == [
        "ValueError: attempt 1",
        "ValueError: attempt 2",
    ]
    assert result.started_at < result.last_attempted_at


def test_what_no_handler_has_raised_is_an_error_too(harness, monkeypatch):
    result = later.add.enqueue(1)
    monkeypatch.delattr(later, "add")
    harness.run_pending()
    monkeypatch.undo()
    result.refresh()

    (error,) = result.errors
    assert (result.status, error.exception_class) == (FAILED, TaskFailedError)
    assert "there is no task 'tests.support.django_shop.later.add'" in error.traceback


def test_a_context_tells_the_running_task(harness):
    result = later.tell.enqueue("tea")
    harness.run_pending(raises=True)
    result.refresh()

    seen = later.SEEN.pop()
    assert result.return_value == ["tea", 1, result.id]
    assert (seen.status, seen.args, seen.task) == (RUNNING, ["tea"], later.tell)


def test_a_task_may_run_later(harness):
    at = harness.clock.now + timedelta(hours=1)
    result = later.add.using(run_after=at, queue_name="low").enqueue(1)
    early = harness.run_pending()
    harness.clock.advance(3600)
    harness.run_pending()
    result.refresh()

    assert early == []
    assert result.status == SUCCESSFUL
    found = later.add.get_result(result.id)
    assert (found.task.run_after, found.task.queue_name) == (at, "low")


def test_a_task_is_sent_after_the_commit(harness):
    with transaction.atomic():
        result = later.add.enqueue(1)
        with pytest.raises(TaskResultDoesNotExist):
            later.add.get_result(result.id)

    assert later.add.get_result(result.id).status == READY


def test_signals_are_sent_around_everything(harness, told):
    done, failed = later.add.enqueue(1), later.fail_async.enqueue()
    harness.run_pending()

    assert [(name, status) for name, _s, status, task_id in told if task_id == done.id] == [
        ("enqueued", READY),
        ("started", RUNNING),
        ("finished", SUCCESSFUL),
    ]
    assert [(name, status) for name, _s, status, task_id in told if task_id == failed.id] == [
        ("enqueued", READY),
        ("started", RUNNING),
        ("finished", FAILED),
    ]
    assert {sender for _name, sender, _status, _id in told} == {PyasynqBackend}


def test_a_result_of_a_backend_for_any_queue_is_found(harness):
    result = later.add.using(backend="any", queue_name="low").enqueue(1)

    assert task_backends["any"].get_result(result.id).backend == "any"


@pytest.mark.parametrize("result_id", ["none", "", " ", None, 7, "x" * 20_000, "a\x00b"])
async def test_a_result_that_there_is_not_does_not_exist(harness, result_id):
    for alias in ("default", "any"):
        with pytest.raises(TaskResultDoesNotExist):
            task_backends[alias].get_result(result_id)
        with pytest.raises(TaskResultDoesNotExist):
            await task_backends[alias].aget_result(result_id)
    await app.aclose()


def test_another_task_is_no_result_of_django(harness):
    app.enqueue_many([Task("order:confirm", b'{"order_id":1}')])
    (other,) = harness.tasks()

    with pytest.raises(TaskResultDoesNotExist):
        later.add.get_result(other.id)


@pytest.mark.parametrize("arguments", [[object()], [{1, 2}], [datetime.now(UTC)]])
def test_arguments_that_are_no_json_are_refused(harness, arguments):
    with pytest.raises(TypeError):
        later.add.enqueue(*arguments)

    assert harness.tasks() == []


def test_what_does_not_fit_the_backend_is_refused(harness):
    with pytest.raises(InvalidTask, match="unknown"):
        later.add.using(queue_name="unknown")
    with pytest.raises(InvalidTask, match="priority"):
        later.add.using(priority=5)
    with pytest.raises(InvalidTask, match="write @task above the function"):
        later.renamed.enqueue()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("os.system", "is in no installed app"),
        ("tests.support.django_shop.later.not_a_task", "is function, not a task of Django"),
        ("tests.support.django_shop.later.nothing", "there is no task"),
        ("tests.support.django_shop.no_module.x", "there is no task"),
    ],
)
def test_only_tasks_of_the_project_are_run(harness, path, said):
    payload = json.dumps({"args": ["true"], "kwargs": {}}).encode()
    app.enqueue_many([Task(f"django.tasks:{path}", payload)])

    (handled,) = harness.run_pending()

    assert said in str(handled.error)


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b'{"args":1,"kwargs":[]}', b"\xff"])
def test_a_payload_that_is_none_of_django_is_an_ordinary_failure(harness, payload):
    path = "tests.support.django_shop.later.add"
    app.enqueue_many([Task(f"django.tasks:{path}", payload, headers={"django-task": "odd"})])

    (handled,) = harness.run_pending()

    assert handled.error is not None
    (task,) = harness.tasks()
    assert task_backends["default"].get_result(task.id).args == []


def test_wrong_options_are_refused_with_every_fault():
    with pytest.raises(ImproperlyConfigured) as raised:
        PyasynqBackend("mail", {"OPTIONS": {"RETRIES": 3, "MAX_RETRY": -1}})

    assert "OPTIONS of TASKS['mail']: unknown option 'RETRIES'" in str(raised.value)
    assert "max_retry must be from 0" in str(raised.value)


def test_checks_name_queues_that_are_not_served():
    (found,) = PyasynqBackend("mail", {"QUEUES": ["default", "mail"]}).check()

    assert found.id == "pyasynq.W002"
    assert "queue 'mail' of TASKS['mail'] is not served" in found.msg
    assert [each for each in run_checks() if each.id.startswith("pyasynq")] == []
