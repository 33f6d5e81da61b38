"""Jobs on many tasks: what they would change, how far they are, and what became of them."""

import asyncio
import os
import re

import pytest

from pyasynq.admin.jobs import Failure, JobResult
from pyasynq.web.pages.jobs import reasons_of
from pyasynq.web.service import jobs
from pyasynq.wire.keys import queue_keys
from tests.support.redis_dump import dump
from tests.support.stored_tasks import FAR_S, store


async def ended(web, path):
    """Return the page of a job when it has ended."""
    jobs = [each for each in asyncio.all_tasks() if each.get_name().startswith("pyasynq job")]
    await asyncio.gather(*jobs)
    return await web.page(path)


def store_many(client, count=1001):
    with client.pipeline(transaction=False) as pipeline:
        for number in range(count):
            store(pipeline, "archived", f"a{number}", queue="big")
        pipeline.execute()


async def test_a_job_is_counted_and_shown_before_it_begins(web, now_s, redis_client):
    before = dump(redis_client)

    page = await web.page("/jobs/new?verb=run&query=state:retry")

    assert "4 tasks match." in page
    assert '<button class="primary">Run 4 tasks</button>' in page
    assert page.count('<tr id="place-') == 2
    assert page.count('<tr id="sample-') == 4
    assert dump(redis_client) == before


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("verb=delete&queue=mail&state=archived", "Delete 3 tasks"),
        ("verb=archive&query=queue:mail+state:scheduled&limit=2", "Archive 2 tasks"),
        ("verb=cancel&query=state:active", "Cancel 4 tasks"),
        ("verb=cancel&query=state:active&then=drop", "Cancel and delete 4 tasks"),
        ("verb=reschedule&query=id:scheduled-2", "Reschedule 1 task<"),
        ("verb=run&queue=mail&state=aggregating&group=daily", "Run 3 tasks"),
        ("verb=run&query=state:archived+error~nothing", "There is nothing to change"),
    ],
)
async def test_the_button_says_what_happens_to_how_many(web, now_s, query, words):
    assert words in await web.page(f"/jobs/new?{query}")


async def test_a_job_runs_and_its_page_tells_what_became_of_it(web, now_s, redis_client):
    answer = await web.send("/jobs", verb="archive", query="queue:mail state:retry")
    page = await ended(web, answer.headers["location"])

    assert answer.status_code == 303
    assert re.search(r"<dt>Changed</dt><dd>3</dd>", page)
    assert "Done</span>" in page
    assert redis_client.zcard(queue_keys("mail").archived) == 6
    assert answer.headers["location"] in await web.page("/jobs")


async def test_a_job_reschedules_tasks_to_when_it_is_told(web, now_s, redis_client):
    fields = {"verb": "reschedule", "query": "id:scheduled-1 queue:mail"}

    wrong = await web.send("/jobs", **fields, when="soon")
    missing = await web.send("/jobs", **fields)
    right = await web.send("/jobs", **fields, when="2090-01-01T00:00Z", per_second="10")
    await ended(web, right.headers["location"])

    assert (wrong.status_code, missing.status_code) == (400, 400)
    assert "is not a time" in wrong.text
    assert 'value="soon"' in wrong.text
    due_s = redis_client.zscore(queue_keys("mail").scheduled, "scheduled-1")
    assert due_s == 3_786_912_000


async def test_many_deletions_need_the_name_of_the_queue(web, redis_client):
    store_many(redis_client)
    fields = {"verb": "delete", "query": "queue:big"}

    page = await web.page("/jobs/new?verb=delete&query=queue:big")
    wrong = await web.send("/jobs", **fields, confirm="bag")
    kept = redis_client.zcard(queue_keys("big").archived)
    right = await web.send("/jobs", **fields, confirm="big")
    await ended(web, right.headers["location"])

    assert "Type big to go on" in page
    assert '<input type="text" name="confirm" required' in page
    assert '<button class="danger">Delete 1,001 tasks</button>' in page
    assert (wrong.status_code, kept) == (409, 1001)
    assert "Type big to go on" in wrong.text
    assert "1,001 tasks would be deleted" in wrong.text
    assert redis_client.zcard(queue_keys("big").archived) == 0


async def test_a_queue_of_which_a_part_was_looked_at_is_shown_though_nothing_was_found(
    web, redis_client, monkeypatch
):
    monkeypatch.setattr(jobs, "SCANNED", 1)
    store_many(redis_client)
    for number in range(3):
        store(redis_client, "archived", f"x{number}", queue="big", type="rare", score=FAR_S + 1)

    page = await web.page("/jobs/new?verb=delete&query=type:rare")
    answer = await web.send("/jobs", verb="delete", query="type:rare")
    await ended(web, answer.headers["location"])

    assert "None of the 500 tasks that were looked at match; others may." in page
    assert "none among 500 of 1,004" in page
    assert '<button class="danger">Delete tasks</button>' in page
    assert redis_client.zcard(queue_keys("big").archived) == 1001


async def test_a_job_that_runs_can_be_stopped(web, redis_client):
    store_many(redis_client, 30)
    answer = await web.send("/jobs", verb="run", query="queue:big", per_second="1")
    path = answer.headers["location"]

    page = await web.page(path)
    stopped = await web.send(f"{path}/cancel", back=path)

    assert "Look again" in page
    assert 'data-live="always"' in page
    assert stopped.headers["location"] == f"{path}?notice=job_cancelled"
    over = await ended(web, path)
    assert "Somebody stopped it" in over
    assert "data-live=" not in over.partition("<main")[2]


@pytest.mark.parametrize(
    "query",
    [
        "verb=",
        "verb=burn&query=a",
        "verb=run",
        "verb=run&query=x:1",
        "verb=run&queue=mail&state=x",
        "verb=run&queue=mail",
        "verb=run&query=a&limit=x",
        "verb=run&query=a&limit=0",
        "verb=cancel&query=state:active&then=x",
    ],
)
async def test_what_makes_no_sense_is_refused(web, now_s, redis_client, query):
    before = dump(redis_client)

    asked = await web.ask("GET", f"/jobs/new?{query}")
    begun = await web.ask("POST", "/jobs", content=query)

    assert (asked.status_code, begun.status_code) == (400, 400)
    assert dump(redis_client) == before


async def test_what_can_find_no_task_is_told_before_a_job_begins(web, now_s):
    absent = await web.ask("GET", "/jobs/new?verb=run&query=queue:nowhere")
    others = await web.ask("GET", "/jobs/new?verb=run&query=state:active")

    assert (absent.status_code, others.status_code) == (404, 400)
    assert "run takes tasks that are" in others.text


async def test_an_operator_may_not_delete_by_a_job(make_web, now_s, redis_client):
    web = make_web(access="operate")
    before = dump(redis_client)

    answers = [
        await web.ask("GET", "/jobs/new?verb=delete&query=state:archived"),
        await web.send("/jobs", verb="delete", query="state:archived"),
        await web.send("/jobs", verb="cancel", query="state:active", then="drop"),
    ]
    page = await web.page("/jobs/new?verb=cancel&query=state:active")

    assert [each.status_code for each in answers] == [403, 403, 403]
    assert 'value="drop"' not in page
    assert dump(redis_client) == before


async def test_a_job_on_nothing_teaches_to_find_tasks_first(web):
    page = await web.page("/jobs/new")

    assert "Find tasks first" in page


async def test_no_jobs_teach_how_to_begin_one(web):
    assert "No bulk jobs yet" in await web.page("/jobs")


async def test_the_list_of_jobs_says_of_which_process_they_are(web):
    page = await web.page("/jobs")

    assert f"Of process {os.getpid()} of this web server" in page
    assert "each shows its own jobs" in page


async def test_a_job_that_is_not_known_is_told(web):
    answer = await web.ask("GET", "/jobs/nobody")

    assert answer.status_code == 404
    assert "jobs are lost when this server restarts" in answer.text
    assert "it may run on in another one" in answer.text


async def test_a_job_can_be_asked_for_again_unless_its_filter_is_hidden(make_web, now_s):
    fields = {"verb": "run", "query": "state:retry error~quota"}
    shown, hidden = make_web(), make_web(redactor=lambda _what, data: data)

    pages = [
        await ended(web, (await web.send("/jobs", **fields)).headers["location"])
        for web in (shown, hidden)
    ]

    link = "/jobs/new?verb=run&amp;query=state%3Aretry+error~quota"
    assert [link in page for page in pages] == [True, False]
    assert "quota" not in pages[1].partition("<main")[2]


def test_the_same_reasons_are_counted_together():
    result = JobResult(
        failures=[
            Failure(queue="mail", id="a1", reason="task 'a1' is locked"),
            Failure(queue="mail", id="b2", reason="no such task"),
            Failure(queue="low", id="c3", reason="task 'c3' is locked"),
        ]
    )

    found = reasons_of(result)

    assert [(each.text, each.count, each.task) for each in found] == [
        ("task '…' is locked", 2, ("mail", "a1")),
        ("no such task", 1, ("mail", "b2")),
    ]
