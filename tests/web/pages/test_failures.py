"""The page of failures, grouped by what went wrong."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from pyasynq.admin.filters import parse
from pyasynq.admin.signatures import FailureGroups
from pyasynq.web.pages.failures import row_of
from tests.support.stored_tasks import store


def kinds(page):
    return re.findall(r'<tr id="kind-.*?</tr>', page, re.DOTALL)


def links_of(row):
    return [html.unescape(each) for each in re.findall(r'href="([^"]*)"', row)]


async def test_failures_of_one_kind_are_one_row(web, now_s):
    page = await web.page("/failures")

    (first, second) = kinds(page)
    assert "8 tasks that failed" in page
    assert "2 kinds" in page
    assert "mailbox &lt;full&gt;: &lt;n&gt; over quota" in first
    assert "mail 3, orders 1" in first
    assert {"email:retry" in first, "email:retry" in second} == {True, False}


async def test_the_link_of_a_kind_finds_exactly_its_tasks(web, redis_client, now_s):
    store(redis_client, "archived", "other", type="email:retry", error_msg="refused")

    row = next(each for each in kinds(await web.page("/failures")) if "email:retry" in each)
    page = await web.page(next(each for each in links_of(row) if each.startswith("/tasks?")))

    assert page.count('<tr id="task-') == 4
    assert "tasks/other" not in page


async def test_a_whole_kind_can_be_run_archived_and_deleted(web, now_s):
    (row,) = (each for each in kinds(await web.page("/failures")) if "email:retry" in each)
    asked = [parse_qs(urlsplit(each).query) for each in links_of(row) if "/jobs/new?" in each]

    assert [each["verb"] for each in asked] == [["run"], ["archive"], ["delete"]]
    assert len({each["query"][0] for each in asked}) == 1
    page = await web.page(links_of(row)[-1])
    assert "Delete 4 tasks" in page


async def test_a_filter_leaves_out_others_and_stays_in_the_links(web, now_s):
    page = await web.page("/failures?query=queue:orders+type:*retry")

    (row,) = kinds(page)
    assert "orders 1" in row
    assert parse_qs(urlsplit(links_of(row)[0]).query)["query"][0].startswith("queue:orders type:*")


async def test_rows_are_sorted_as_the_address_says(web, redis_client, now_s):
    store(redis_client, "archived", "old", type="old", error_msg="refused", last_failed_at=1)

    pages = [await web.page(f"/failures?sort={each}") for each in ("oldest", "-newest", "-count")]

    assert ["refused" in kinds(page)[0] for page in pages] == [True, False, False]


@pytest.mark.parametrize(
    ("query", "status"),
    [("x:1", 400), ("queue:nowhere", 404), ("a&scan=x", 400), ("a&page=0", 400)],
)
async def test_what_makes_no_sense_is_told(web, now_s, query, status):
    answer = await web.ask("GET", f"/failures?query={query}")

    assert answer.status_code == status
    assert '<a class="button" href="/">' in answer.text or "<mark>" in answer.text or status == 404


async def test_no_failure_is_good_news(web):
    assert "Nothing failed" in await web.page("/failures")


async def test_a_place_that_cannot_be_read_hides_no_other(web, redis_client, now_s):
    redis_client.delete("asynq:{orders}:retry")
    redis_client.set("asynq:{orders}:retry", "garbage")

    page = await web.page("/failures")

    assert len(kinds(page)) == 2
    assert "retry tasks of queue &#39;orders&#39;" in page


async def test_a_secret_of_an_error_is_not_in_the_filter_of_its_kind(make_web, redis_client):
    for number in range(2):
        store(redis_client, "archived", f"a{number}", error_msg="bad key hunter2 [a.py:1]")
    web = make_web(redactor=lambda _what, data: data.replace(b"hunter2", b"[hidden]"))

    page = await web.page("/failures")
    found = await web.page(links_of(kinds(page)[0])[0])

    assert "hunter2" not in page
    assert found.count('<tr id="task-') == 2


def test_what_belongs_to_no_group_has_no_filter():
    groups = FailureGroups(most=1)
    for error in ("a", "b"):
        groups.add(error=error, task_type="", queue="q", task_id=error, state="retry", at_ns=None)

    rows = [row_of(each, parse("")) for each in groups.result()]

    assert {(row.group.signature, bool(row.query)) for row in rows} == {
        ("<others>", False),
        ("a", True),
    }
    assert 'type=""' in max(row.query for row in rows)


async def test_a_reader_sees_failures_and_no_way_to_change_them(make_web, now_s):
    page = await make_web(access="read").page("/failures")

    assert len(kinds(page)) == 2
    assert "/jobs/new" not in page
