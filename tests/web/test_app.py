"""Wrong arguments are refused at once, and a Redis that is in trouble shows no traceback."""

import asyncio
import os
import signal

import pytest

from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.errors import ConfigError
from pyasynq.web import create_app
from pyasynq.wire.keys import queue_keys
from tests.support.stored_tasks import store
from tests.support.web import Web


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"root_path": "monitoring"}, "root_path must begin with a slash"),
        ({"root_path": "/a b"}, "root_path must be a plain path"),
        ({"root_path": "/api"}, "root_path must not be '/api'"),
        ({"root_path": None}, "root_path must be text"),
        ({"read_only": "no"}, "read_only must be True or False, not 'no'"),
        ({"auth": "ann"}, "auth must be a pair"),
        ({"auth": ("ann", "hunter2")}, "the password of 'ann' must be a hash"),
        ({"access": "boss"}, "access must be one of 'none', 'read', 'operate', 'admin'"),
        ({"access": {"ann": "boss"}}, "the role of 'ann' must be one of"),
        ({"allowed_hosts": "localhost"}, "allowed_hosts must be a list"),
        ({"payload_formatter": 1}, "payload_formatter must be a function, not int"),
        ({"redactor": "all"}, "redactor must be a function, not str"),
        ({"max_payload_length": -1}, "max_payload_length must be a number of characters"),
        ({"max_result_length": True}, "max_result_length must be a number of characters"),
        ({"enqueue_enabled": 1}, "enqueue_enabled must be True or False, not 1"),
        ({"bulk_limit": 0}, "bulk_limit must be a number of tasks"),
        ({"bulk_limit": True}, "bulk_limit must be a number of tasks"),
        ({"prometheus_url": "127.0.0.1:9090"}, "prometheus_url must be a URL"),
        ({"prometheus_url": "file:///etc/passwd"}, "prometheus_url must be a URL"),
        ({"prometheus_url": "http://a:99999"}, "prometheus_url must be a URL"),
    ],
)
def test_a_wrong_argument_is_refused_at_once(settings, fault):
    with pytest.raises(ConfigError) as caught:
        create_app("redis://nowhere.invalid", **settings)

    assert fault in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_all_that_is_wrong_is_told_together():
    with pytest.raises(ConfigError) as caught:
        create_app("http://nowhere", root_path="x", access="boss", max_payload_length="long")

    assert len(caught.value.faults) == 4


async def test_payloads_and_results_are_shown_as_formatters_say(make_web, redis_client):
    store(redis_client, "completed", "a", type="pay", payload=b"1234567890", result=b"abcdefgh")
    store(redis_client, "completed", "b", type="pay", payload=b"\xff", result=b"")
    plain = make_web(max_payload_length=4, max_result_length=None)
    own = make_web(
        payload_formatter=lambda kind, data: f"{kind}:{len(data)}",
        result_formatter=lambda _kind, data: data.hex(),
    )

    first = await plain.get("/api/queues/mail/tasks/a")
    second = await plain.get("/api/queues/mail/tasks/b")
    (third, _) = (await own.get("/api/queues/mail/completed_tasks"))["tasks"]

    assert (first["payload"], first["result"]) == ("1234…", "abcdefgh")
    assert (second["payload"], second["result"]) == ("non-…", "non-printable bytes")
    assert (third["payload"], third["result"]) == ("pay:10", "6162636465666768")


async def test_a_formatter_that_fails_hides_no_task(make_web, redis_client, caplog):
    store(redis_client, "completed", "a", payload=b"hunter2", result=b"x")

    def fail(_kind, data):
        raise ValueError(data)

    web = make_web(payload_formatter=fail, result_formatter=lambda _kind, data: data)

    (task,) = (await web.get("/api/queues/mail/completed_tasks"))["tasks"]

    assert (task["id"], task["payload"], task["result"]) == ("a", *["the formatter failed"] * 2)
    assert "a formatter failed: ValueError" in caplog.text
    assert "hunter2" not in caplog.text


async def test_what_a_redactor_hides_is_shown_nowhere(make_web, now_s, redis_client):
    secret = {"payload": b"hunter2", "error_msg": "hunter2", "headers": {"k": "hunter2"}}
    store(redis_client, "completed", "c", result=b"hunter2", **secret)
    store(redis_client, "retry", "r", last_failed_at=now_s, **secret)
    web = make_web(redactor=lambda _what, data: data.replace(b"hunter2", b"[hidden]"))

    seen = [
        (await web.ask("GET", path)).text
        for path in (
            "/api/queues/mail/tasks/c",
            "/api/queues/mail/completed_tasks",
            "/api/queues/mail/retry_tasks",
            "/api/x/queues/mail/tasks/c",
            "/api/x/search?query=id:c",
            "/api/x/errors",
        )
    ]

    assert ["[hidden]" in each for each in seen] == [True] * len(seen)
    assert ["hunter2" in each for each in seen] == [False] * len(seen)


@pytest.mark.parametrize("path", ["/api/queues", "/api/x/health"])
async def test_a_redis_that_is_away_is_a_503_and_no_traceback(path, monkeypatch):
    monkeypatch.setitem(AsyncRunner.run.__kwdefaults__, "patience_s", 0)  # else it is 5 s
    web = Web(create_app("redis://127.0.0.1:1"))

    answer = await web.ask("GET", path)
    alive = await web.ask("GET", "/healthz")
    await web.close()

    assert (answer.status_code, alive.status_code) == (503, 200)
    assert "redis is not available" in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["content-type"].startswith(
        "application/json" if "/x/" in path else "text/plain"
    )


async def test_it_goes_on_by_itself_when_redis_is_back(own_redis, monkeypatch):
    monkeypatch.setitem(AsyncRunner.run.__kwdefaults__, "patience_s", 0)  # else it is 5 s
    store(own_redis.client(), "pending", "a")
    web = Web(create_app(own_redis.url, auth=lambda _request: None))
    open_web = Web(create_app(own_redis.url))
    statuses = []

    for change in (None, own_redis.kill, own_redis.start):
        if change is not None:
            change()
        ready = await web.ask("GET", "/readyz")
        queues = await open_web.ask("GET", "/api/queues")
        statuses.append((ready.status_code, queues.status_code, ready.text))
    await web.close()
    await open_web.close()

    well = (200, 200, '{"status":"ok"}\n')
    assert statuses == [well, (503, 503, "redis does not answer\n"), well]


async def test_probes_are_answered_within_a_second_while_redis_is_silent(own_redis):
    web = Web(create_app(own_redis.url))
    before = await web.ask("GET", "/readyz")
    os.kill(own_redis.pid, signal.SIGSTOP)

    async with asyncio.timeout(4):  # Redis itself is waited for longer
        ready, alive = await web.ask("GET", "/readyz"), await web.ask("GET", "/healthz")
    os.kill(own_redis.pid, signal.SIGCONT)
    after = await web.ask("GET", "/readyz")
    await web.close()

    assert [each.status_code for each in (before, ready, alive, after)] == [200, 503, 200, 200]


async def test_a_wrong_password_of_redis_is_a_503(own_redis):
    own_redis.client().config_set("requirepass", "right")
    web = Web(create_app(f"redis://:wrong@127.0.0.1:{own_redis.port}"))

    answer = await web.ask("GET", "/api/queues")
    await web.close()

    assert answer.status_code == 503
    assert "redis refuses the user or the password" in answer.text
    assert "wrong@" not in answer.text


async def test_a_task_that_cannot_be_read_hides_no_other(web, redis_client):
    for task_id in ("good", "bad", "ghost"):
        store(redis_client, "pending", task_id)
    redis_client.hset(queue_keys("mail").task("bad"), "msg", b"\xff")
    redis_client.delete(queue_keys("mail").task("ghost"))

    listed = await web.get("/api/queues/mail/pending_tasks")
    bad = await web.ask("GET", "/api/queues/mail/tasks/bad")
    ghost = await web.ask("GET", "/api/queues/mail/tasks/ghost")

    assert [each["id"] for each in listed["tasks"]] == ["good"]
    assert (listed["stats"]["pending"], bad.status_code, ghost.status_code) == (3, 409, 404)


async def test_text_that_is_not_utf_8_is_shown_as_go_shows_it(web, redis_client):
    store(redis_client, "pending", "a", type="t")
    redis_client.lpush(queue_keys("mail").pending, b"\xff\xfe")
    data = redis_client.hget(queue_keys("mail").task("a"), "msg")
    redis_client.hset(b"asynq:{mail}:t:\xff\xfe", mapping={"msg": data, "state": "pending"})

    first, second = (await web.get("/api/queues/mail/pending_tasks"))["tasks"]

    assert [first["id"], second["id"]] == ["a", "\ufffd\ufffd"]
