"""The page of all queues, and what its forms do."""

import pytest

from tests.support.redis_dump import dump


async def test_it_shows_every_queue_with_its_counts(web, now_s):
    page = await web.page("/")

    assert "4 queues · 29 tasks" in page
    assert '<a href="/queues/mail?status=archived">3</a>' in page
    assert '<a href="/queues/%D0%B8%D0%B4%D0%B5%D0%B8">идеи</a>' in page


async def test_an_empty_redis_teaches_what_to_do_first(web):
    page = await web.page("/")

    assert "No queues yet" in page
    assert "pyasynq dev" in page


async def test_a_column_sorts_in_both_directions(web, now_s):
    up, down = await web.page("/?sort=size"), await web.page("/?sort=-size")

    assert up.index('id="queue-empty"') < up.index('id="queue-mail"')
    assert down.index('id="queue-mail"') < down.index('id="queue-empty"')
    assert 'aria-sort="descending"' in down


async def test_a_form_pauses_a_queue_and_leads_back(web, now_s, redis_client):
    answer = await web.send("/queues/mail/pause", back="/?sort=-size")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/?sort=-size&notice=paused"
    assert redis_client.exists("asynq:{mail}:paused")
    assert "The queue is paused" in await web.page(answer.headers["location"])


@pytest.mark.parametrize(
    "back",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "/\r\n",
    ],
)
async def test_a_form_leads_nowhere_else(web, now_s, back):
    answer = await web.send("/queues/mail/pause", back=back)

    assert answer.headers["location"] == "/?notice=paused"


async def test_a_reader_sees_no_button_that_changes_anything(make_web, now_s, redis_client):
    web = make_web(access="read")
    before = dump(redis_client)

    page = await web.page("/")
    answer = await web.send("/queues/mail/pause", back="/")

    assert 'action="/queues/' not in page
    assert answer.status_code == 403
    assert "this needs the role" in answer.text
    assert dump(redis_client) == before


async def test_a_queue_with_tasks_is_deleted_from_its_own_page_where_they_are_counted(web, now_s):
    page = await web.page("/")
    form = await web.page("/queues/mail?deleting=1")

    assert '<a class="button danger" href="/queues/mail?deleting=1">Delete…</a>' in page
    assert 'action="/queues/mail/delete"' not in page
    assert 'action="/queues/empty/delete"' in page
    assert '<details class="drop" id="deleting" open>' in form
    assert "which are deleted with it" in form
    assert '<details class="drop" id="deleting">' in await web.page("/queues/mail")


async def test_how_long_tasks_wait_is_a_dash_if_nobody_knows(web, now_s, redis_client):
    redis_client.hdel("asynq:{mail}:t:pending-1", "pending_since")
    page = await web.page("/")

    row = page.partition('id="queue-mail"')[2].partition("</tr>")[0]

    assert '<td class="number" data-label="Latency">–</td>' in row


async def test_a_queue_that_is_not_empty_is_not_deleted(web, now_s):
    answer = await web.send("/queues/mail/delete", back="/")

    assert answer.status_code == 409
    assert "The state does not allow it" in answer.text
    assert "queue &#39;mail&#39; is not empty" in answer.text
