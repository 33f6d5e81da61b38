"""Texts of whomever are shown and do nothing: they become no element, script or link."""

import re
import time
from html import unescape
from urllib.parse import quote, urlencode

import pytest

from tests.support import hostile


@pytest.fixture
def attacked(web, redis_client):
    hostile.fill(redis_client, int(time.time()))
    return web


async def test_the_page_of_all_queues_is_harmless(attacked):
    page = await attacked.page("/")

    assert "&lt;script&gt;alert(1)" in page
    assert hostile.faults(page) == []


def test_what_a_text_must_not_do_is_noticed():
    assert hostile.faults('<p title="<script>">&lt;script&gt;</p><a href="/x?y=http://z">') == []
    for vector in hostile.VECTORS[:5]:
        bad = f"<textarea>{vector}" if "textarea" in vector else f'<a title="{vector}">{vector}'
        assert hostile.faults(bad.replace("'><svg", '"><svg'))
    assert hostile.faults('<a href="javascript:alert(1)">')
    assert hostile.faults('<form action="//evil.example">')


@pytest.mark.parametrize("state", hostile.STATES)
async def test_the_tasks_of_a_queue_are_harmless(attacked, state):
    page = await attacked.page(f"/queues/mail?status={state}&size=200")

    assert "&lt;script&gt;alert(1)" in page
    assert hostile.faults(page) == []


async def test_tasks_and_queues_are_harmless_whatever_their_names_are(attacked):
    for path in hostile.paths():
        answer = await attacked.ask("GET", path)

        assert answer.status_code == 200, path
        assert hostile.faults(answer.text) == [], path


async def test_what_is_asked_for_in_an_address_is_harmless(attacked):
    for vector in hostile.VECTORS:
        query = urlencode({"id": vector, "find": vector, "group": vector, "notice": vector})
        for path in (f"/queues/mail?status=aggregating&{query}", f"/queues/mail/tasks/x?{query}"):
            page = (await attacked.ask("GET", path)).text

            assert hostile.faults(page) == [], path
    assert (await attacked.ask("GET", f"/queues/mail?order={vector}")).status_code == 200


async def test_what_a_pause_says_is_harmless(attacked):
    for queue, vector in zip(hostile.VECTORS, hostile.VECTORS, strict=True):
        path = f"/queues/{quote(queue, safe='')}"
        await attacked.send(f"{path}/resume", back="/")
        await attacked.send(f"{path}/pause", back="/", reason=vector)

        page = await attacked.page(path)

        assert "notice warn" in page
        assert hostile.faults(page) == [], queue


async def test_the_links_of_a_hostile_task_lead_to_it(attacked):
    for vector in hostile.VECTORS:
        path = f"/queues/{quote(vector, safe='')}"
        listed = await attacked.page(f"{path}?status=pending")
        link = unescape(re.search(r'data-href="([^"]+)"', listed)[1])

        answer = await attacked.send(f"{link}/archive", back=link)

        assert answer.status_code == 303, vector
        assert "Archived" in await attacked.page(link)
