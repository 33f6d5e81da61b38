"""The page of one queue: its facts, its tasks in each state, its groups, and what forms do."""

import re
import time
from html import unescape

import pytest

from tests.support.redis_dump import dump
from tests.support.stored_tasks import store

STATES = ("active", "pending", "aggregating", "scheduled", "retry", "archived", "completed")


def ids_of(page):
    """Return the IDs of the tasks in a table, in order."""
    return re.findall(
        r'<th scope="row" class="id"><a href="[^"]*"(?: title="[^"]*")?>([^<]*)<', page
    )


def columns_of(page):
    return re.findall(r'<th scope="col"(?: class="number")?>([^<]+)</th>', page)


async def test_its_head_tells_every_fact(web, now_s):
    page = await web.page("/queues/mail")

    for words in ("Size", "Groups", "Memory", "Latency", "Processed today", "Error rate", "7.5%"):
        assert words in page, words
    assert ">21</dd>" in page
    for state in STATES:
        assert f'<a href="/queues/mail?status={state}"' in page


async def test_a_pause_tells_who_when_why_and_until_when(make_web, now_s):
    web = make_web(auth=lambda _request: "ann")

    answer = await web.send(
        "/queues/mail/pause", back="/queues/mail", reason="mail is <down>", until="2090-01-01T12:00"
    )
    page = await web.page("/queues/mail")

    assert answer.status_code == 303
    assert "by ann" in page
    assert "mail is &lt;down&gt;" in page
    assert 'title="2090-01-01 12:00:00 UTC"' in page
    assert 'action="/queues/mail/resume"' in page


@pytest.mark.parametrize("until", ["tomorrow", "2001-01-01T00:00", "9999-12-31T23:59-23:59"])
async def test_a_pause_that_makes_no_sense_changes_nothing(web, now_s, redis_client, until):
    before = dump(redis_client)

    answer = await web.send("/queues/mail/pause", back="/", until=until)

    assert answer.status_code == 400
    assert dump(redis_client) == before


async def test_a_queue_with_tasks_is_deleted_only_if_its_name_is_typed(web, now_s, redis_client):
    redis_client.delete("asynq:{mail}:active")

    refused = await web.send("/queues/mail/delete", back="/queues/mail", confirm="male")
    page = await web.page("/queues/mail")
    deleted = await web.send("/queues/mail/delete", back="/queues/mail", confirm="mail")

    assert refused.status_code == 409
    assert "The queue still has 18 tasks" in page
    assert deleted.headers["location"] == "/?notice=queue_deleted"
    assert not redis_client.exists("asynq:{mail}:t:retry-1")


async def test_another_queue_is_one_click_away_in_the_same_state(web, now_s):
    page = await web.page("/queues/mail?status=retry")

    assert '<a href="/queues/orders?status=retry">orders</a>' in page


async def test_an_unknown_queue_is_not_found(web, now_s):
    answer = await web.ask("GET", "/queues/nope")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize(
    ("state", "columns"),
    [
        ("active", "Type Payload Status Worker Started Deadline"),
        ("pending", "Type Payload Waits_since Retried Max_retry"),
        ("scheduled", "Type Payload Due"),
        ("retry", "Type Payload Due Last_error Retried Max_retry"),
        ("archived", "Type Payload Last_failed Last_error Retried"),
        ("completed", "Type Payload Completed Result Kept_until"),
    ],
)
async def test_each_state_has_the_columns_of_asynqmon(web, now_s, state, columns):
    page = await web.page(f"/queues/mail?status={state}")

    assert columns_of(page) == ["ID", *(each.replace("_", " ") for each in columns.split())]
    assert sorted(ids_of(page)) == [f"{state}-{number}" for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("state", "first"),
    [
        ("pending", "pending-1"),
        ("active", "active-1"),
        ("scheduled", "scheduled-1"),
        ("retry", "retry-1"),
        ("archived", "archived-1"),
        ("completed", "completed-1"),
    ],
)
async def test_every_state_goes_in_both_directions(web, now_s, state, first):
    up = ids_of(await web.page(f"/queues/mail?status={state}&order=first"))
    down = ids_of(await web.page(f"/queues/mail?status={state}&order=last"))

    as_it_is = ids_of(await web.page(f"/queues/mail?status={state}"))

    assert up == down[::-1]
    assert as_it_is[0] == first  # the newest archived and completed ones


async def test_how_an_active_task_runs_is_told(web, redis_client, now_s):
    redis_client.zadd("asynq:{mail}:lease", {"active-1": now_s + 60, "active-2": now_s - 60})
    store(redis_client, "active", "unseen", score=now_s + 60)

    page = await web.page("/queues/mail?status=active")
    told = dict(
        zip(ids_of(page), re.findall(r'title="[^"]*">([^<]+)</span>\s*</td>', page), strict=True)
    )

    assert told == {
        "active-1": "Running",
        "active-2": "Orphaned",
        "active-3": "Orphaned",
        "unseen": "Not reported",
    }
    assert '<a href="/servers">web-1:4117</a>' in page


async def test_since_when_a_pending_task_waits_is_told(web, now_s):
    page = await web.page("/queues/mail?status=pending")

    assert re.search(r'data-label="Waits since"><time class="relative"[^>]*>1m 3\d+s ago<', page)


async def test_a_payload_is_short_and_never_raw_bytes(web, now_s):
    page = unescape(await web.page("/queues/mail?status=pending"))

    assert '{"n": 1}</td>' in page
    assert ">0x00ff</td>" in page
    assert f">{'x' * 200}…</td>" in page


async def test_a_formatter_and_a_redactor_of_the_application_are_asked(make_web, now_s):
    web = make_web(
        payload_formatter=lambda task_type, data: f"{task_type}={len(data)}",
        redactor=lambda what, data: b"" if what == "error" else data,
    )

    page = await web.page("/queues/mail?status=retry")

    assert "email:retry=8</td>" in page
    assert "over quota" not in page


async def test_tasks_that_cannot_be_read_are_shown_and_can_be_deleted(web, now_s, redis_client):
    redis_client.hset("asynq:{mail}:t:retry-1", "msg", b"\xff\xff")
    redis_client.delete("asynq:{mail}:t:retry-2")

    page = await web.page("/queues/mail?status=retry")
    answer = await web.send("/tasks/delete", back="/queues/mail", only="mail/retry-1/retry")

    assert page.count('<span class="state state-broken">Damaged</span>') == 2
    assert ids_of(page) == ["retry-1", "retry-2", "retry-3"]
    assert answer.status_code == 303


async def test_a_list_of_a_wrong_type_breaks_its_tab_alone(web, now_s, redis_client):
    redis_client.delete("asynq:{mail}:retry")
    redis_client.set("asynq:{mail}:retry", "x")

    broken, other = await web.page("/queues/mail?status=retry"), await web.page("/queues/mail")

    assert "These tasks cannot be listed" in broken
    assert "Not readable" in other
    assert len(ids_of(other)) == 3


async def test_pages_and_their_size_are_in_the_address(web, now_s):
    first = await web.page("/queues/mail?status=scheduled&size=2")
    last = await web.page("/queues/mail?status=scheduled&size=2&page=99")

    assert ids_of(first) == ["scheduled-1", "scheduled-2"]
    assert 'href="/queues/mail?status=scheduled&amp;size=2&amp;page=2" rel="next"' in first
    assert ids_of(last) == ["scheduled-3"]
    assert "Page 2 of 2, 3 in all" in last


@pytest.mark.parametrize("query", ["status=gone", "size=0", "size=201", "size=x", "page=0"])
async def test_a_query_that_makes_no_sense_is_refused(web, now_s, query):
    answer = await web.ask("GET", f"/queues/mail?{query}")

    assert answer.status_code == 400


async def test_an_exact_id_leads_to_its_task(web, now_s):
    found = await web.ask("GET", "/queues/mail?id=retry-1&status=active")
    missing = await web.page("/queues/mail?id=retry-1x&status=active")

    assert (found.status_code, found.headers["location"]) == (303, "/queues/mail/tasks/retry-1")
    assert "There is no task with the ID retry-1x in this queue" in missing
    assert 'href="/tasks?query=id%3Dretry-1x"' in missing


async def test_an_empty_state_teaches(web, now_s):
    page = await web.page("/queues/empty?status=completed")

    assert "only if it was enqueued with a retention" in page


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        ("active", {"cancel"}),
        ("pending", {"archive", "delete"}),
        ("scheduled", {"run", "archive", "delete"}),
        ("retry", {"run", "archive", "delete"}),
        ("archived", {"run", "delete"}),
        ("completed", {"run", "delete"}),
    ],
)
async def test_each_state_has_the_acts_of_asynqmon(web, now_s, state, verbs):
    page = unescape(await web.page(f"/queues/mail?status={state}"))

    of_ticked = set(re.findall(r'<button formaction="/tasks/(\w+)"', page))
    of_a_row = set(re.findall(r'value="mail/\w+-1/\w+" formaction="/tasks/(\w+)"', page))
    of_all = re.findall(r'href="/jobs/new\?verb=(\w+)&query=([^"]*)"', page)

    assert (of_ticked, of_a_row) == (verbs, verbs)
    assert {verb for verb, _ in of_all} == verbs
    assert {query for _, query in of_all} == {f"queue%3Dmail+state%3D{state}"}
    assert "All 3 in this state" in page


async def test_a_button_of_a_row_means_this_row_alone(web, now_s, redis_client):
    answer = await web.send(
        "/tasks/run",
        back="/queues/mail?status=retry",
        task=["mail/retry-2/retry", "mail/retry-3/retry"],
        only="mail/retry-1/retry",
    )

    assert answer.headers["location"] == "/queues/mail?status=retry&notice=ticked_run+count%3D1"
    assert redis_client.hget("asynq:{mail}:t:retry-1", "state") == b"pending"
    assert redis_client.zcard("asynq:{mail}:retry") == 2


async def test_a_reader_sees_no_box_and_no_form(make_web, now_s):
    for settings in ({"access": "read"}, {"read_only": True}):
        page = await make_web(**settings).page("/queues/mail?status=retry")

        assert 'method="post" action="/queues' not in page
        assert 'type="checkbox"' not in page
        assert "formaction" not in page
        assert "/jobs/new" not in page


async def test_who_may_not_delete_sees_no_button_for_it(make_web, now_s):
    page = await make_web(access="operate").page("/queues/mail?status=retry")

    assert 'formaction="/tasks/run"' in page
    assert "delete" not in page.replace("deleted", "")


async def test_groups_are_listed_with_their_size_and_age(web, now_s, redis_client):
    store(redis_client, "aggregating", "w", group="weekly/ä", score=now_s - 7200)

    page = await web.page("/queues/mail?status=aggregating&sort=-size")

    assert "2 groups" in page
    assert page.index('id="group-daily"') < page.index('id="group-weekly/ä"')
    assert 'href="/queues/mail?status=aggregating&amp;group=weekly%2F%C3%A4"' in page
    assert re.search(r'data-label="Oldest"><time[^>]*>2h( \d+s)? ago<', page)
    assert "state%3Daggregating+group%3Ddaily" in page


async def test_thousands_of_groups_are_paged_and_found(web, redis_client):
    with redis_client.pipeline(transaction=False) as pipeline:
        for number in range(1500):
            pipeline.sadd("asynq:{mail}:groups", f"user:{number}")
            pipeline.zadd(f"asynq:{{mail}}:g:user:{number}", {f"t{number}": int(time.time())})
        pipeline.sadd("asynq:queues", "mail")
        pipeline.execute()

    page = await web.page("/queues/mail?status=aggregating&size=20")
    found = await web.page("/queues/mail?status=aggregating&find=USER:149&size=20")

    assert "Page 1 of 75, 1,500 in all" in page
    assert page.count('<tr id="group-') == 20
    assert "11 match" in found


async def test_a_group_shows_its_tasks_and_acts_on_all_of_it(web, now_s):
    page = unescape(await web.page("/queues/mail?status=aggregating&group=daily"))

    assert sorted(ids_of(page)) == ["aggregating-1", "aggregating-2", "aggregating-3"]
    assert columns_of(page) == ["ID", "Type", "Payload", "Group", "Joined"]
    assert "query=queue%3Dmail+state%3Daggregating+group%3Ddaily" in page
    assert "All 3 in this group" in page


async def test_it_speaks_chinese(web, now_s):
    page = await web.page("/queues/mail?status=retry", headers={"Accept-Language": "zh"})

    assert "最早到期在前" in page
    assert "最大重试次数" in page
