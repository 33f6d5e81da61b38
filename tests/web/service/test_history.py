"""What workers have kept, as a visitor sees it."""

from pyasynq.admin.redaction import SecretWords
from pyasynq.wire.handled import Handled
from pyasynq.wire.handled import encode as encode_handled
from tests.support.kept_history import count_type, keep_attempt
from tests.support.web import SAME_ORIGIN


async def test_attempts_of_a_task_are_shown_even_if_it_is_gone(web, redis_url, redis_client):
    keep_attempt(redis_url, redis_client)

    found = await web.get("/api/x/queues/mail/tasks/a/attempts")

    (attempt,) = found["attempts"]
    assert attempt == {
        "number": 1,
        "outcome": "failed",
        "then": "retried",
        "started_at": "2033-05-18T03:33:20Z",
        "ended_at": "2033-05-18T03:33:20.250000Z",
        "waited": 1.0,
        "retry_at": None,
        "error": "ValueError: <b>password=hunter2</b>",
        "traceback": 'Traceback:\n  open("redis://ann:hunter2@db")',
        "host": "host",
        "pid": 41,
        "server_id": "6f1c",
        "duration": 0.25,
    }


async def test_errors_and_tracebacks_of_attempts_are_redacted(make_web, redis_url, redis_client):
    keep_attempt(redis_url, redis_client)

    answer = await make_web(redactor=SecretWords()).ask(
        "GET", "/api/x/queues/mail/tasks/a/attempts"
    )

    assert answer.status_code == 200
    assert "hunter2" not in answer.text
    assert answer.text.count("[hidden]") == 2
    assert "<b>" not in answer.text


async def test_a_task_without_attempts_has_none_and_a_queue_must_exist(web, redis_client):
    redis_client.sadd("asynq:queues", "mail")

    found = await web.get("/api/x/queues/mail/tasks/nobody/attempts")
    missing = await web.ask("GET", "/api/x/queues/nowhere/tasks/a/attempts")

    assert found == {"attempts": []}
    assert missing.status_code == 404


async def test_types_are_shown_with_what_was_done_in_the_last_hour(web, redis_url, redis_client):
    count_type(redis_url, redis_client)

    found = await web.get("/api/x/types")

    (info,) = found["types"]
    assert (info["type"], info["servers"], info["queues"]) == ("email:welcome", 0, ["mail"])
    assert (info["counts"]["count"], info["counts"]["failures"]) == (4, 1)
    assert 0.0009 < info["counts"]["run"]["p50"] < 0.0012
    assert info["counts"]["waiting"]["p99"] < 0.0002


async def test_a_type_is_shown_by_minute_and_queue_whatever_its_name_is(
    web, redis_url, redis_client
):
    count_type(redis_url, redis_client, "a/b ü%?*")

    found = await web.get("/api/x/types/a%2Fb%20%C3%BC%25%3F*")

    assert found["type"] == "a/b ü%?*"
    assert [each["queue"] for each in found["queues"]] == ["mail"]
    assert [each["counts"]["count"] for each in found["minutes"] if each["counts"]["count"]] == [4]
    assert len(found["minutes"]) == 60
    assert found["queues"][0]["counts"] == found["counts"]


async def test_a_type_that_nobody_knows_was_done_0_times(web):
    found = await web.get("/api/x/types/nothing")

    assert (found["counts"]["count"], found["counts"]["run"]["p50"], found["queues"]) == (
        0,
        None,
        [],
    )


async def test_types_that_servers_handle_are_shown_without_statistics(
    web, redis_url, redis_client, now_s
):
    for each in redis_client.zrange("asynq:servers", 0, 0):
        key = each.replace(b":servers:", b":x:handled:")
        redis_client.set(key, encode_handled(Handled(types=("email:welcome", "image:*"))))

    found = await web.get("/api/x/types")

    assert [(each["type"], each["servers"]) for each in found["types"]] == [
        ("email:welcome", 1),
        ("image:*", 1),
    ]
    assert {each["counts"]["count"] for each in found["types"]} == {0}


async def test_history_needs_the_role_read(make_web, redis_url, redis_client):
    keep_attempt(redis_url, redis_client)
    web = make_web(access="none")

    answers = [
        await web.ask("GET", path, headers=SAME_ORIGIN)
        for path in ("/api/x/queues/mail/tasks/a/attempts", "/api/x/types", "/api/x/types/a")
    ]

    assert [each.status_code for each in answers] == [403] * 3
