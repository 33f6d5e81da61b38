"""The form that enqueues a task."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.inspector import Inspector
from pyasynq.task import TaskState
from pyasynq.web.pages.enqueue_form import task_of
from pyasynq.web.pages.forms import Form
from pyasynq.web.refusal import Refusal
from tests.support import hostile
from tests.support.redis_dump import dump

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def web(make_web):
    return make_web(enqueue_enabled=True)


async def test_a_task_is_enqueued_and_its_page_is_shown(web, redis_url):
    answer = await web.send(
        "/enqueue", type="email:welcome", queue="mail", payload='{"user": 42}', id="a/b"
    )

    assert answer.status_code == 303
    assert answer.headers["location"] == "/queues/mail/tasks/a%2Fb?notice=task_enqueued"
    assert "The task is enqueued." in await web.page(answer.headers["location"])
    with Inspector(redis_url) as inspector:
        task = inspector.tasks.get("mail", "a/b")
    assert (task.type, task.payload) == ("email:welcome", b'{"user": 42}')
    assert task.state is TaskState.PENDING


async def test_the_form_knows_the_types_and_queues_that_there_are(web, now_s, redis_client):
    redis_client.set("asynq:x:handled:{web-1:4117:web-1}", b'{"types":["report","email:*"]}')

    page = await web.page("/enqueue?type=report&payload=%7B%7D&max_retry=3")

    assert '<option value="report"></option>' in page
    assert 'value="email:*"' not in page
    assert '<option value="mail"></option>' in page
    assert re.search(r'name="type"[^>]* value="report"', page)
    assert '<details id="options" open>' in page


async def test_what_is_wrong_is_told_in_the_form_and_nothing_is_lost(web, redis_client):
    answer = await web.send("/enqueue", type="x", payload="{<b>", timeout="soon")

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "{&lt;b&gt;</textarea>" in answer.text
    assert 'value="soon"' in answer.text
    assert not redis_client.exists("asynq:queues")


async def test_an_id_that_is_taken_is_told_in_the_form(web, now_s):
    answer = await web.send("/enqueue", type="x", queue="mail", id="pending-1")

    assert answer.status_code == 409
    assert "pending-1" in answer.text
    assert 'id="enqueue"' in answer.text


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, 403),
        ({"enqueue_enabled": True, "access": "operate"}, 403),
        ({"enqueue_enabled": True, "read_only": True}, 405),
    ],
)
async def test_whoever_may_not_enqueue_sees_no_form(make_web, redis_client, settings, status):
    web = make_web(**settings)
    before = dump(redis_client)

    shown = await web.ask("GET", "/enqueue")
    sent = await web.send("/enqueue", type="x")

    assert (shown.status_code, sent.status_code) == (status, status)
    assert "/enqueue" not in (await web.page("/settings")).replace('value="/enqueue', "")
    assert dump(redis_client) == before


async def test_every_page_leads_to_the_form_where_it_may_be_used(web):
    assert '<a href="/enqueue" data-key="g n">Enqueue a task</a>' in await web.page("/")


def test_all_options_are_taken_from_the_form():
    task = task_of(
        Form(
            [
                *(("type", "x"), ("queue", "q"), ("id", "i"), ("max_retry", "3")),
                *(("timeout", "90s"), ("deadline", "2h"), ("when", "10m"), ("retention", "1d")),
                *(("unique", "1h"), ("group", "g"), ("headers", "a: 1\r\nb:c:d")),
                *(("kind", "text"), ("payload", "one\r\ntwo")),
            ]
        ),
        NOW,
    )

    assert task.payload == b"one\ntwo"
    assert task.headers == {"a": "1", "b": "c:d"}
    options = task.options
    assert (options.queue, options.task_id, options.max_retry, options.group) == ("q", "i", 3, "g")
    assert options.timeout == timedelta(seconds=90)
    assert options.deadline == NOW + timedelta(hours=2)
    assert (options.process_in, options.process_at) == (timedelta(minutes=10), None)
    assert (options.retention, options.unique) == (timedelta(days=1), timedelta(hours=1))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", " "),
        ("queue", " "),
        ("payload", "nothing"),
        ("payload", "[" * 100_000),
        ("max_retry", "-1"),
        ("max_retry", "many"),
        ("timeout", "10"),
        ("timeout", "2030-01-01"),
        ("deadline", "999999999d"),
        ("when", "999999999d"),
        ("when", "never"),
        ("unique", "0s"),
        ("retention", "-1d"),
        ("headers", "no colon"),
        ("id", " "),
    ],
)
async def test_bad_fields_are_refused_and_nothing_changes(web, redis_client, name, value):
    answer = await web.send("/enqueue", **{"type": "x", name: value})

    assert answer.status_code == 400
    assert not redis_client.exists("asynq:queues")


async def test_hostile_fields_come_back_as_text(web):
    for text in hostile.VECTORS:
        answer = await web.send("/enqueue", type=text, queue=text, payload=text, headers=text)

        assert answer.status_code == 400
        assert hostile.faults(answer.text) == []


def test_headers_without_a_name_are_refused():
    with pytest.raises(Refusal):
        task_of(Form([("type", "x"), ("headers", "x")]), NOW)
