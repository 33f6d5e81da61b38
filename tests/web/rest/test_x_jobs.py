"""Jobs on many tasks, from outside: what they would change, how far they are, how they end."""

import asyncio
import os

import pytest

from tests.support.stored_tasks import PAST_S, store

JOBS = "/api/x/jobs"


async def ended(web, job_id):
    """Wait for the end of a job."""
    async with asyncio.timeout(10):
        while True:
            job = await web.get(f"{JOBS}/{job_id}")
            if job["state"] not in ("waiting", "running"):
                return job
            await asyncio.sleep(0)


async def ask(web, path, status=200, **body):
    answer = await web.ask("POST", path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_preview_tells_what_a_job_would_change(web, redis_client):
    store(redis_client, "archived", "a", type="pay", payload=b"\xff")
    store(redis_client, "archived", "b", type="mail")

    found = await ask(web, f"{JOBS}:preview", verb="delete", query="type:pay")

    assert (found["count"], found["confirm"], found["limit"]) == (1, "", None)
    assert found["places"] == [
        {
            "queue": "mail",
            "state": "archived",
            "count": 1,
            "is_estimated": False,
            "scanned": 2,
            "size": 2,
        }
    ]
    assert [(each["id"], each["payload_base64"]) for each in found["sample"]] == [("a", "/w==")]
    assert (found["is_estimated"], found["scanned"], found["broken"]) == (False, 2, [])


async def test_a_job_runs_in_the_background_and_is_found_by_its_id(web, redis_client):
    for each in ("a", "b"):
        store(redis_client, "archived", each, score=PAST_S)

    begun = await ask(web, JOBS, verb="run", query="state:archived")
    over = await ended(web, begun["id"])
    (listed,) = (await web.get(JOBS))["jobs"]

    assert (begun["state"], begun["verb"], begun["query"]) == ("waiting", "run", "state:archived")
    assert (over["state"], over["done"], over["failed"], over["progress"]) == ("done", 2, 0, 1.0)
    assert over["asked_at"].endswith("Z")
    assert listed == over


async def test_named_tasks_are_rescheduled_if_they_are_as_somebody_has_seen_them(web, redis_client):
    for each in ("a", "b"):
        store(redis_client, "retry", each)
    tasks = [
        {"queue": "mail", "id": "a", "state": "retry"},
        {"queue": "mail", "id": "b", "state": "archived"},
    ]

    begun = await ask(
        web, JOBS, verb="reschedule", tasks=tasks, at="2099-01-01T00:00:00Z", per_second=1000
    )
    over = await ended(web, begun["id"])

    assert (over["named"], over["done"], over["changed_meanwhile"]) == (2, 1, 1)
    assert redis_client.zscore("asynq:{mail}:retry", "a") == 4_070_908_800


async def test_a_job_is_cancelled(web, redis_client):
    for each in range(5):
        store(redis_client, "archived", str(each), score=PAST_S)
    begun = await ask(web, JOBS, verb="run", query="state:archived", per_second=1)

    asked = await ask(web, f"{JOBS}/{begun['id']}:cancel")

    assert asked["id"] == begun["id"]
    assert (await ended(web, begun["id"]))["state"] == "cancelled"


async def test_many_deletions_need_the_name_of_the_queue(web, redis_client):
    for each in range(1001):
        store(redis_client, "completed", str(each))
    job = {"verb": "delete", "queue": "mail", "state": "completed"}

    preview = await ask(web, f"{JOBS}:preview", **job)
    refusal = await ask(web, JOBS, status=409, **job)
    begun = await ask(web, JOBS, **job, confirm=preview["confirm"])

    assert preview["confirm"] == "mail"
    assert refusal["error"].startswith("1,001 tasks would be deleted: give 'mail'")
    assert (await ended(web, begun["id"]))["done"] == 1001


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({}, 400, "missing required field `verb`"),
        ({"verb": "eat", "query": "a"}, 400, "the body cannot be read"),
        ({"verb": "run"}, 400, "say which tasks"),
        ({"verb": "run", "query": "type:"}, 400, "type"),
        ({"verb": "run", "query": "a", "at": "2099-01-01T00:00:00Z"}, 400, "only reschedule"),
        ({"verb": "reschedule", "query": "a"}, 400, "at must be"),
        ({"verb": "reschedule", "query": "a", "at": "2099-01-01T00:00:00"}, 400, "timezone"),
        ({"verb": "run", "query": "queue:nowhere"}, 404, "'nowhere'"),
        ({"verb": "cancel", "query": "state:retry"}, 400, "cancel takes tasks that are active"),
        ({"verb": "run", "queue": "nowhere", "state": "retry"}, 404, "'nowhere'"),
        ({"verb": "run", "queue": "mail", "state": "dead"}, 400, "`$.state`"),
    ],
)
async def test_a_wrong_job_is_refused_and_changes_nothing(web, now_s, body, status, error):
    answer = await ask(web, f"{JOBS}:preview", status=status, **body)

    assert error in answer["error"]
    assert (await web.get(JOBS))["jobs"] == []


async def test_a_job_that_is_not_known_is_told_in_plain_words(web):
    answer = await web.ask("GET", f"{JOBS}/x%0Ay")

    assert answer.status_code == 404
    assert "jobs are lost when this server restarts" in answer.json()["error"]
    assert f"in process {os.getpid()} of this server" in answer.json()["error"]
    assert "it may run on in another one" in answer.json()["error"]
    assert (await web.get(JOBS))["process"] == os.getpid()


async def test_the_application_may_limit_what_one_job_changes(make_web, redis_client):
    web = make_web(bulk_limit=2)
    for each in range(5):
        store(redis_client, "archived", str(each), score=PAST_S)

    begun = await ask(web, JOBS, verb="run", query="state:archived", limit=10)

    assert begun["limit"] == 2
    assert (await ended(web, begun["id"]))["done"] == 2


async def test_jobs_end_with_the_application(make_web, redis_client, caplog):
    caplog.set_level("INFO", "pyasynq.admin")
    web = make_web()
    for each in range(50):
        store(redis_client, "archived", str(each), score=PAST_S)
    begun = await ask(web, JOBS, verb="run", query="state:archived", per_second=1)

    await web.app.aclose()

    assert (await web.get(f"{JOBS}/{begun['id']}"))["state"] == "stopped"
    assert "stopped by a shutdown" in caplog.text
