"""The page of what needs a person, and that of the examination by the doctor."""

import asyncio

import pytest

from pyasynq.connection.connector import Connector
from pyasynq.web.refusal import Refusal
from pyasynq.web.service.examinations import Examinations
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.records import WorkerRecord, encode_worker
from tests.support import hostile
from tests.support.every_state import SECOND


async def test_it_shows_the_most_urgent_first_with_links_to_what_it_is_about(web, now_s):
    page = await web.page("/attention")

    assert "1 error · 2 warnings" in page
    assert page.index("finding error") < page.index("finding warning")
    assert '<a href="/queues/%D0%B8%D0%B4%D0%B5%D0%B8">queue идеи</a>' in page
    assert '<a href="/queues/mail/tasks/active-3">task active-3</a>' in page
    assert '<code class="when">queue_unserved</code>' in page
    assert "Start a worker that has this queue" in page
    assert "Looked at 4 queues, 29 tasks and 2 servers." in page


async def test_if_nothing_is_wrong_it_says_so_and_what_was_looked_at(web):
    page = await web.page("/attention")

    assert "Nothing needs you" in page
    assert "Looked at 0 queues, 0 tasks and 0 servers." in page


async def test_findings_are_told_in_the_language_of_the_page(web, now_s):
    page = await web.page("/attention", headers={"Accept-Language": "zh"})

    assert "没有在线的服务器服务于队列“идеи”，有 1 个任务在等待。</p>" in page
    assert "1 个错误 · 2 个警告" in page


@pytest.mark.parametrize(
    ("language", "queue"), [("en", "queue &lt;script&gt;"), ("zh", "队列 &lt;script&gt;")]
)
async def test_names_in_findings_are_shown_as_text(language, queue, web, now_s, redis_client):
    hostile.fill(redis_client, now_s)

    paths = ("/attention", "/attention/examination")
    pages = [await web.page(path, headers={"Accept-Language": language}) for path in paths]

    assert f"{queue}alert(1)" in pages[0]
    assert [hostile.faults(page) for page in pages] == [[], []]


async def test_what_ends_a_finding_is_a_button_beside_it(web, now_s, redis_client):
    page = await web.page("/attention")
    paused = page.partition('id="finding-paused-orders')[2].partition("</article>")[0]

    answer = await web.send("/queues/orders/resume", back="/attention")

    assert '<form method="post" action="/queues/orders/resume" class="act">' in paused
    assert '<button class="">Resume</button>' in paused
    assert answer.headers["location"] == "/attention?notice=resumed"
    assert not redis_client.exists("asynq:{orders}:paused")
    assert "/queues/orders/resume" not in await web.page("/attention")


async def test_the_page_of_a_task_ends_the_pause_of_its_queue(web, now_s):
    page = await web.page("/queues/orders/tasks/pending-1")

    assert page.count('action="/queues/orders/resume"') == 1


async def test_findings_lead_to_what_helps_with_them(web, now_s, redis_client):
    redis_client.set(queue_keys("mail").failed_on(now_s), 30)
    redis_client.zadd(queue_keys("mail").archived, {f"old-{at}": now_s for at in range(9000)})

    page = await web.page("/attention")

    assert '<a href="/failures?query=queue%3Dmail">Its failures</a>' in page
    query = "verb=run&amp;query=queue%3Dmail+state%3Darchived"
    assert f'<a href="/jobs/new?{query}">Run what is archived…</a>' in page
    assert '<a href="/queues/mail?status=active">Its active tasks</a>' in page
    assert "?status=pending" in page


async def test_a_task_past_its_deadline_is_cancelled_from_there(web, now_s, redis_client):
    late = WorkerRecord(
        host="web-1",
        pid=4117,
        server_id="web-1",
        task_id="active-1",
        queue="mail",
        started_ns=(now_s - 90) * SECOND,
        deadline_ns=(now_s - 60) * SECOND,
    )
    redis_client.hset("asynq:workers:{web-1:4117:web-1}", "active-1", encode_worker(late))

    page = await web.page("/attention")

    assert 'action="/queues/mail/tasks/active-1/cancel"' in page
    assert 'data-question="Cancel task active-1?"' in page


@pytest.mark.parametrize("settings", [{"access": "read"}, {"read_only": True}])
async def test_whoever_may_only_look_gets_links_and_no_buttons(make_web, now_s, settings):
    web = make_web(**settings)

    page = await web.page("/attention")

    assert "Its active tasks" in page
    assert "/resume" not in page
    assert "/cancel" not in page
    assert "/jobs/new" not in page


async def test_a_hundred_are_shown_at_once_and_all_are_counted(web, redis_client):
    with redis_client.pipeline(transaction=False) as pipeline:
        for at in range(101):
            pipeline.sadd("asynq:queues", f"q{at:03}")
            pipeline.set(f"asynq:{{q{at:03}}}:paused", 1_700_000_000)
        pipeline.execute()

    first, second = await web.page("/attention"), await web.page("/attention?page=2")

    assert "101 warnings" in first
    assert "101 warnings" in second
    assert [each.count("<article") for each in (first, second)] == [100, 1]
    assert '<a href="/attention?page=2" rel="next"' in first


async def test_the_doctor_looks_when_it_is_asked_to(web, now_s, redis_client):
    redis_client.delete("asynq:{mail}:t:pending-1")

    page = await web.page("/attention/examination")

    assert "Examination" in page
    assert "listed_without_task" in page
    assert '<a href="/queues/mail/tasks/pending-1">pending-1</a>' in page
    assert "pyasynq doctor --fix" in page


async def test_an_examination_heals_nothing(make_web, now_s, redis_client):
    web = make_web(access="read", read_only=True)
    redis_client.delete("asynq:{mail}:t:pending-1")

    await web.page("/attention/examination")

    assert b"pending-1" in redis_client.lrange("asynq:{mail}:pending", 0, -1)


async def test_examinations_leave_the_connections_of_the_web_ui_open(web, now_s):
    for _ in range(2):
        await web.page("/attention/examination")

    assert "4 queues" in await web.page("/")


async def test_one_examination_at_a_time_is_enough(redis_url):
    examinations = Examinations(Connector.of(redis_url))

    answers = await asyncio.gather(
        *(examinations.examine() for _ in range(2)), return_exceptions=True
    )
    again = await examinations.examine()

    assert [isinstance(each, Refusal) and each.status for each in answers] == [False, 429]
    assert again.findings


async def test_an_examination_that_takes_too_long_is_given_up(redis_url):
    examinations = Examinations(Connector.of(redis_url), longest_s=0.0)

    with pytest.raises(Refusal) as refused:
        await examinations.examine()

    assert refused.value.status == 504
