"""The pages of task types."""

import json
from urllib.parse import quote

import pytest

from pyasynq.broker.operations import type_counts
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import SystemClock, redis_now_s
from pyasynq.connection.connector import Connector
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.type_counts import TypeCountsRecord
from tests.support import hostile
from tests.support.stored_tasks import store

HANDLED = "asynq:x:handled:{web-1:4117:web-1}"


@pytest.fixture
def count(redis_url, redis_client):
    """Counts attempts of types in a queue, in the last minute that is over."""
    runner = Runner(Connector.of(redis_url).open_sync(), clock=SystemClock())

    def counted(queue="mail", **counts):
        redis_client.sadd("asynq:queues", queue)
        minute = redis_now_s(SystemClock()) // 60 - 1
        records = {
            name: TypeCountsRecord(count=done, failures=failed, run={"14": done}, wait={"30": done})
            for name, (done, failed) in counts.items()
        }
        runner.run(type_counts.count_types(queue_keys(queue), minute, records))

    yield counted
    runner.close()


def rows(page):
    return [each.partition('"')[0] for each in page.split('<tr id="type-')[1:]]


async def test_it_shows_what_was_done_of_every_type(web, now_s, count, redis_client):
    redis_client.set(HANDLED, b'{"types":["email:*","report"]}')
    count(**{"email:retry": (40, 10), "report": (7, 0)})
    count("orders", report=(1, 0))

    page = await web.page("/types")

    assert rows(page) == ["email:retry", "report"]  # what the pattern stands for is known
    row = page.partition('id="type-email:retry"')[2].partition("</tr>")[0]
    assert '<a href="/types/email%3Aretry">email:retry</a>' in row
    for value in (">1<", ">40<", ">10<", ">25.0%<"):
        assert value in row
    assert row.count(" ms<") == 6
    report = page.partition('id="type-report"')[2].partition("</tr>")[0]
    assert '<a href="/queues/mail">mail</a>, <a href="/queues/orders">orders</a>' in report


@pytest.mark.parametrize(
    ("sort", "first"), [("-count", "b"), ("-failures", "a"), ("-run_p95", "a"), ("-wait_p99", "a")]
)
async def test_types_are_sorted_by_what_was_done(web, count, sort, first):
    count(a=(2, 2), b=(3, 1))

    assert rows(await web.page(f"/types?sort={sort}"))[0] == first


async def test_if_nothing_is_counted_it_tells_what_switches_that_off(web, now_s, redis_client):
    redis_client.set(HANDLED, b'{"types":["report"]}')

    pages = [await web.page(path) for path in ("/types", "/types/report")]

    assert all("type_statistics=False" in page for page in pages)
    assert "<svg" not in pages[1]


async def test_without_any_type_it_teaches(web):
    assert "No task types are known" in await web.page("/types")


async def test_the_page_of_a_type_shows_charts_handlers_and_failures(
    web, now_s, count, redis_client
):
    redis_client.set(HANDLED, b'{"types":["email:*"]}')
    count(**{"email:retry": (40, 10)})

    page = await web.page("/types/email%3Aretry")

    assert page.count('<figure class="chart over-time">') == 2 * 3
    assert page.count('class="sparkline"') == 1
    assert "How long attempts ran, in each minute of the last hour (UTC)" in page
    assert '<a href="/servers#at-web-1%3A4117">web-1:4117</a>' in page
    assert "mailbox &lt;full&gt;: &lt;n&gt; over quota" in page
    assert 'href="/tasks?query=type%3Demail%3Aretry">Its tasks</a>' in page
    assert 'href="/failures?query=type%3Demail%3Aretry">' in page


async def test_what_charts_tell_is_in_the_language_of_the_page(web, count):
    count(a=(2, 2))

    page = await web.page("/types/a", headers={"Accept-Language": "zh"})

    assert "<td>未知</td>" in page
    assert "unknown" not in page


async def test_a_type_that_nobody_knows_was_done_no_times(web, now_s):
    page = await web.page("/types/nobody%2Fknows%20it")

    assert "nobody/knows it" in page
    assert "No live server tells that it does" in page


async def test_hostile_types_are_shown_as_text(web, now_s, count, redis_client):
    redis_client.set(HANDLED, json.dumps({"types": hostile.VECTORS}).encode())
    for text in hostile.VECTORS:
        count(text, **{text: (2, 1)})
        store(redis_client, "archived", text, queue="mail", type=text, error_msg=text)

    pages = [await web.page("/types")]
    pages += [await web.page(f"/types/{quote(each, safe='')}") for each in hostile.VECTORS]

    assert len(rows(pages[0])) == len(hostile.VECTORS)
    assert [hostile.faults(page) for page in pages] == [[]] * len(pages)
