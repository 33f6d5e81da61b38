"""The pages of periodic tasks, and what their forms do."""

from urllib.parse import quote

from pyasynq.wire.records import SchedulerEntryRecord, encode_scheduler_entry
from tests.support import hostile
from tests.support.hostile import VECTORS
from tests.support.redis_dump import dump

TICK = "asynq:{default}:x:tick:entry-2"


def add_entry(client, now_s, **fields):
    """Store an entry of a scheduler that is alive."""
    record = {
        "id": "e",
        "spec": "*/5 * * * *",
        "task_type": "sweep",
        "task_payload": b"{}",
        "enqueue_options": (),
        "next_enqueue_ns": (now_s - now_s % 300 + 300) * 10**9,
        "previous_enqueue_ns": None,
    }
    client.zadd("asynq:schedulers", {"asynq:schedulers:{more}": now_s + 1000})
    entry = SchedulerEntryRecord(**{**record, **fields})
    client.rpush("asynq:schedulers:{more}", encode_scheduler_entry(entry))


async def test_it_shows_every_entry_and_when_it_is_due(web, now_s, redis_client):
    add_entry(redis_client, now_s)

    page = await web.page("/schedulers")

    assert "3 entries" in page
    assert '<small lang="en">every 5 minutes</small>' in page
    assert "<code>Queue(&#34;orders&#34;)</code>" in page
    times = page.partition('id="times-e"')[2].partition("</details>")[0]
    assert times.count("<li>") == 5


async def test_times_are_not_guessed_if_the_time_zone_is_not_shown(web, now_s, redis_client):
    add_entry(redis_client, now_s, spec="30 9 * * *", next_enqueue_ns=(now_s + 7) * 10**9)

    page = await web.page("/schedulers")

    times = page.partition('id="times-e"')[2].partition("</details>")[0]
    assert "in a time zone that it does not show" in times
    assert "<li>" not in times


async def test_the_page_of_an_entry_leads_to_everything_that_it_has_enqueued(web, now_s):
    first = await web.page("/schedulers/entry-1", headers={"Cookie": "pyasynq_rows=20"})
    last = await web.page("/schedulers/entry-1?page=2", headers={"Cookie": "pyasynq_rows=20"})

    assert "25 tasks, the latest first" in first
    assert '<a href="/queues/orders/tasks/swept-0">swept-0</a>' in first
    assert "swept-24" not in first
    assert "swept-24" in last


async def test_what_an_entry_that_is_gone_has_enqueued_is_found_by_a_search(
    web, now_s, redis_client
):
    redis_client.delete("asynq:schedulers")

    page = await web.page("/schedulers/entry-1")

    assert "No scheduler that is alive has this entry" in page
    assert '<a href="/tasks?query=id%3Dswept-0">swept-0</a>' in page
    assert (await web.ask("GET", "/schedulers/nobody")).status_code == 404


async def test_without_a_scheduler_it_teaches_how_to_start_one(web):
    page = await web.page("/schedulers")

    assert "No scheduler is alive" in page
    assert "pyasynq scheduler" in page


async def test_an_entry_is_run_now_and_the_page_tells(web, now_s, redis_client):
    before = redis_client.llen("asynq:{orders}:pending")

    answer = await web.send("/schedulers/entry-1/run", back="/schedulers/entry-1")

    assert answer.headers["location"] == "/schedulers/entry-1?notice=entry_run"
    assert redis_client.llen("asynq:{orders}:pending") == before + 1
    page = await web.page(answer.headers["location"])
    assert "The task is enqueued." in page
    assert "26 tasks, the latest first" in page


async def test_an_entry_is_paused_with_a_reason_and_resumed(make_web, now_s, redis_client):
    redis_client.hset(TICK, mapping={"at": now_s, "task": "a"})
    web = make_web(auth=lambda _request: "ann")

    paused = await web.send("/schedulers/entry-2/pause", back="/schedulers", reason="<rain>")
    page = await web.page(paused.headers["location"])
    resumed = await web.send("/schedulers/entry-2/resume", back="/schedulers")
    after = await web.page(resumed.headers["location"])

    assert "The entry is paused" in page
    assert "by ann · &lt;rain&gt;" in page
    assert 'action="/schedulers/entry-2/resume"' in page
    assert 'action="/schedulers/entry-2/pause"' in after


async def test_a_pause_is_only_offered_where_a_scheduler_knows_it(web, now_s):
    page = await web.page("/schedulers")
    answer = await web.send("/schedulers/entry-1/pause", back="/schedulers")

    assert "/pause" not in page
    assert answer.status_code == 409
    assert "which knows no pause" in answer.text


async def test_a_reader_sees_no_form_and_changes_nothing(make_web, now_s, redis_client):
    web = make_web(access="read")
    before = dump(redis_client)

    pages = [await web.page(path) for path in ("/schedulers", "/schedulers/entry-1")]
    answer = await web.send("/schedulers/entry-1/run", back="/")

    assert not any('action="/schedulers' in page for page in pages)
    assert answer.status_code == 403
    assert dump(redis_client) == before


async def test_hostile_specs_and_payloads_are_shown_as_text(web, now_s, redis_client):
    for text in VECTORS:
        add_entry(
            redis_client,
            now_s,
            id=text,
            spec=text,
            task_type=text,
            task_payload=text.encode(),
            enqueue_options=(text,),
        )

    pages = [await web.page("/schedulers")]
    pages += [await web.page(f"/schedulers/{quote(each, safe='')}") for each in VECTORS]

    assert f"{len(VECTORS) + 2} entries" in pages[0]
    assert [hostile.faults(page) for page in pages] == [[]] * len(pages)


async def test_a_spec_is_told_in_the_language_of_the_page(web, now_s):
    chinese = await web.page("/schedulers", headers={"Accept-Language": "zh"})
    english = await web.page("/schedulers")

    assert '<small lang="zh-Hans">' in chinese
    assert '<small lang="en">' in english
