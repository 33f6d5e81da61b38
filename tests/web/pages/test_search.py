"""The page that finds tasks, and what is done to those that are ticked."""

import html
import re
import time
from urllib.parse import quote_plus

import pytest

from pyasynq.web.pages.forms import Form
from pyasynq.web.pages.search_query import EXAMPLES, marked, wanted_of
from pyasynq.wire.keys import queue_keys
from tests.support import hostile
from tests.support.redis_dump import dump
from tests.support.stored_tasks import store


def rows(page):
    return page.count('<tr id="task-')


async def test_a_filter_finds_tasks_of_all_queues(web, now_s):
    page = await web.page("/tasks?query=state:retry")

    assert "4 tasks found" in page
    assert "4 tasks looked at" in page
    assert '<a href="/queues/orders/tasks/retry-1">' in page
    assert "mailbox &lt;full&gt;: 1 over quota" in page
    assert rows(page) == 4


async def test_nothing_is_looked_for_until_somebody_asks(web, now_s):
    page = await web.page("/tasks")

    assert "looked at" not in page
    assert "Find tasks of all queues" in page


async def test_an_empty_filter_finds_every_task(web, now_s):
    page = await web.page("/tasks?query=")

    assert "29 tasks found" in page
    assert "/jobs/new" not in page


async def test_fields_say_the_same_as_a_filter(web, now_s):
    page = await web.page(
        "/tasks", params={"query": "retried>=1", "queue": "mail", "state": "retry", "text": "QUOTA"}
    )

    assert "3 tasks found" in page
    assert "<code>retried&gt;=1 queue=mail state:retry QUOTA</code>" in page
    assert '<option value="mail" selected>' in page
    assert "/jobs/new?verb=run&amp;query=retried%3E%3D1+queue%3Dmail+state%3Aretry+QUOTA" in page


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"queue": 'a "b" c'}, r'queue="a \"b\" c"'),
        ({"type": "email:*", "state": "retry"}, "state:retry type:email:*"),
        ({"query": "a or b", "text": "not"}, '(a or b) "not"'),
        ({"queue": "ol\udce9"}, 'queue="ol\udce9"'),
        ({"query": ""}, ""),
    ],
)
def test_the_filter_of_fields_can_be_written_in_the_language(fields, text):
    wanted = wanted_of(Form(list(fields.items())))

    assert str(wanted.filter()) == text


async def test_a_mistake_is_told_where_it_is(web, now_s):
    answer = await web.ask("GET", "/tasks?query=type:a+status:x")

    assert answer.status_code == 400
    assert "type:a <mark>s</mark>tatus:x" in answer.text
    assert "did you mean &#39;state&#39;?" in answer.text
    assert 'value="type:a status:x"' in answer.text


def test_a_mistake_may_be_behind_the_end():
    assert marked("a (", 3) == ("a ", "(", "")
    assert marked("a or", 5) == ("a or", "", "")


async def test_a_queue_that_does_not_exist_is_told_beside_the_fields(web, now_s):
    answer = await web.ask("GET", "/tasks?queue=nowhere")

    assert answer.status_code == 404
    assert '<option value="nowhere" selected>' in answer.text


@pytest.mark.parametrize(
    "query", ["state=x", "query=a&cursor=x", "query=a&scan=0", "query=a&scan=100001"]
)
async def test_what_makes_no_sense_is_refused(web, now_s, query):
    answer = await web.ask("GET", f"/tasks?{query}")

    assert answer.status_code == 400


async def test_a_search_goes_on_where_it_has_stopped(web, redis_client, now_s):
    for number in range(30):
        store(redis_client, "archived", f"a{number:02}", queue="big", score=now_s - number)
    rows_20 = {"Cookie": "pyasynq_rows=20"}

    first = await web.page("/tasks?query=queue:big", headers=rows_20)
    further = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    second = await web.page(further.replace("&amp;", "&"), headers=rows_20)

    assert (rows(first), rows(second)) == (20, 10)
    assert "Everything was looked at" in second
    assert "Back to the beginning" in second


async def test_tasks_and_places_that_cannot_be_read_are_told(web, redis_client, now_s):
    redis_client.hset(queue_keys("mail").task("retry-2"), "msg", b"\xff")
    redis_client.delete(queue_keys("orders").retry)
    redis_client.set(queue_keys("orders").retry, "garbage")

    page = await web.page("/tasks?query=state:retry")

    assert rows(page) == 2
    assert "1 task is gone or cannot be read" in page
    assert "retry tasks of queue &#39;orders&#39;" in page


@pytest.mark.parametrize("key", [key for key, _ in EXAMPLES])
async def test_every_example_of_the_help_can_be_followed(web, now_s, redis_client, key):
    redis_client.sadd("asynq:queues", "mail", "low")
    query = dict(EXAMPLES)[key]

    answer = await web.ask("GET", "/tasks", params={"query": query})

    assert answer.status_code == 200
    assert f'href="/tasks?query={quote_plus(query)}"' in answer.text


async def test_ticked_tasks_of_several_queues_are_changed_together(web, redis_client, now_s):
    ticked = ["mail/retry-1/retry", "mail/archived-2/archived", "orders/scheduled-1/scheduled"]

    answer = await web.send("/tasks/run", task=ticked, back="/tasks?query=a")

    states = [
        redis_client.hget(queue_keys(queue).task(task_id), "state")
        for queue, task_id in (
            ("mail", "retry-1"),
            ("mail", "archived-2"),
            ("orders", "scheduled-1"),
        )
    ]
    assert states == [b"pending"] * 3
    assert answer.headers["location"] == "/tasks?query=a&notice=ticked_run+count%3D3"
    assert "3 tasks are pending again." in await web.page(answer.headers["location"])


@pytest.mark.parametrize(
    ("verb", "ticked", "notice"),
    [
        ("archive", ["mail/retry-1/retry"], "ticked_archive+count%3D1"),
        ("delete", ["mail/completed-1/completed"], "ticked_delete+count%3D1"),
        ("cancel", ["mail/active-1/active"], "ticked_cancel+count%3D1"),
        (
            "delete",
            ["mail/active-1/active", "mail/retry-1/retry"],
            "ticked_partly+count%3D1+failed%3D1",
        ),
        ("run", ["mail/nobody/retry"], "ticked_partly+count%3D0+failed%3D1"),
        ("run", [], "ticked_none"),
    ],
)
async def test_what_became_of_ticked_tasks_is_told(web, now_s, verb, ticked, notice):
    answer = await web.send(f"/tasks/{verb}", task=ticked, back="/tasks")

    assert answer.headers["location"] == f"/tasks?notice={notice}"


@pytest.mark.parametrize("task", ["", "a", "a/b", "a/b/c", "a/b/retry/d", "/b/retry", "a//retry"])
async def test_a_row_that_is_no_task_is_refused(web, now_s, redis_client, task):
    before = dump(redis_client)

    answer = await web.send("/tasks/delete", task=["mail/retry-1/retry", task])

    assert answer.status_code == 400
    assert dump(redis_client) == before


async def test_names_of_any_bytes_can_be_ticked(web, redis_client, now_s):
    names = ("a/b c", "é%2F", "..", '"><b>')
    for name in names:
        store(redis_client, "archived", name, queue=name, type=name)

    page = await web.page("/tasks?query=state:archived+!type:email:*")
    values = [part.partition('"')[0] for part in page.split('name="task" value="')[1:]]
    answer = await web.send("/tasks/delete", task=values)

    assert [redis_client.exists(queue_keys(name).task(name)) for name in names] == [0, 0, 0, 0]
    assert "failed" not in answer.headers["location"]


async def test_a_reader_finds_but_changes_nothing(make_web, now_s):
    page = await make_web(access="read").page("/tasks?query=state:retry")

    assert rows(page) == 4
    assert "checkbox" not in page
    assert "/jobs/new" not in page


async def test_an_operator_is_offered_nothing_that_deletes(make_web, now_s):
    page = await make_web(access="operate").page("/tasks?query=state:retry")

    assert "verb=run" in page
    assert "delete" not in page.partition("<main")[2]


async def test_what_is_hidden_is_hidden_here_too(make_web, redis_client, now_s):
    store(redis_client, "archived", "a", payload=b"hunter2", error_msg="hunter2")
    web = make_web(redactor=lambda _what, data: data.replace(b"hunter2", b"[hidden]"))

    page = await web.page("/tasks?query=id:a")

    assert page.count("[hidden]") >= 2
    assert "hunter2" not in page


async def test_texts_of_whomever_do_nothing(web, redis_client):
    hostile.fill(redis_client, int(time.time()))

    for path in ("/tasks?query=", "/failures", "/jobs/new?verb=delete&query=error~a"):
        page = await web.page(path)
        assert hostile.faults(page) == []


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/tasks?query=state:retry+queue:mail", 3),
        ("/failures?query=queue:orders", 2),
        ("/queues/mail?status=archived", 3),
        ("/queues/mail?status=aggregating&group=daily", 3),
    ],
)
async def test_what_a_page_shows_can_be_downloaded_whole(web, now_s, path, count):
    page = await web.page(path)
    links = [html.unescape(each) for each in re.findall(r'href="(/api/x/export[^"]*)"', page)]

    csv, jsonl = [(await web.ask("GET", link)).text for link in links]

    assert len(csv.splitlines()) == count + 1
    assert len(jsonl.splitlines()) == count
