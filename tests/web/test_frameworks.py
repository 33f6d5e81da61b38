"""The web UI in applications of other frameworks."""

import asyncio
import re
from contextlib import closing

import httpx
import pytest
from werkzeug.test import Client

from pyasynq.web import as_wsgi, create_app
from tests.support import mounted
from tests.support.mounted import ROOT
from tests.support.stored_tasks import store
from tests.support.web import SAME_ORIGIN, root_of

BASE = "http://testserver"


@pytest.fixture(params=[*mounted.ASGI, *mounted.WSGI], ids=lambda each: each.__name__)
async def ask(request, redis_url, redis_client):
    """Asks an application in which the web UI is mounted."""
    store(redis_client, "pending", "a/b", queue="x/y")
    put_in = request.param
    app = create_app(redis_url, root_path=ROOT if put_in in mounted.OF_A_ROOT_PATH else "")
    if put_in in mounted.ASGI:
        transport = httpx.ASGITransport(put_in(app))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            yield client.request
        await app.aclose()
        return
    with closing(as_wsgi(app)) as wsgi:
        client = Client(put_in(wsgi))

        async def asked(method, path, **given):
            answer = await asyncio.to_thread(client.open, path, BASE, method=method, **given)
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.data)

        yield asked


async def test_the_root_answers_with_a_slash_and_without_one(ask):
    with_one = await ask("GET", f"{ROOT}/")
    without = await ask("GET", ROOT)
    if without.is_redirect:
        assert httpx.URL(without.headers["location"]).path == f"{ROOT}/"
    else:
        assert root_of(without.text) == ROOT

    assert root_of(with_one.text) == ROOT


async def test_what_a_page_needs_is_below_its_root(ask):
    page = (await ask("GET", f"{ROOT}/")).text
    links = re.findall(r'(?:href|src|action)="([^"]*)"', page)

    answers = {link: (await ask("GET", link)).status_code for link in links if "static" in link}

    assert [link for link in links if not link.startswith((ROOT, "#"))] == []
    assert set(answers.values()) == {200}


async def test_a_task_whose_name_has_slashes_is_found(ask):
    task = await ask("GET", f"{ROOT}/api/queues/x%2Fy/tasks/a%2Fb")

    assert (task.json()["queue"], task.json()["id"]) == ("x/y", "a/b")


async def test_changes_come_from_the_same_site_only(ask, redis_client):
    pause = f"{ROOT}/api/queues/x%2Fy:pause"

    foreign = await ask("POST", pause, headers={"Sec-Fetch-Site": "cross-site"})
    not_paused = redis_client.exists("asynq:{x/y}:paused")
    same = await ask("POST", pause, headers={"Origin": BASE})

    assert (foreign.status_code, not_paused) == (403, 0)
    assert (same.status_code, redis_client.exists("asynq:{x/y}:paused")) == (204, 1)


async def test_a_form_leads_back_to_a_page_below_the_root(ask, redis_client):
    form = {"back": "/"}

    done = await ask("POST", f"{ROOT}/queues/x%2Fy/pause", headers=SAME_ORIGIN, data=form)

    assert done.status_code == 303
    assert done.headers["location"].startswith(f"{ROOT}/")
    assert redis_client.exists("asynq:{x/y}:paused")


async def test_methods_that_nobody_answers_and_paths_that_are_none_are_refused(ask):
    answers = [
        await ask(method, f"{ROOT}{path}", headers=SAME_ORIGIN)
        for method, path in (("PUT", "/api/queues"), ("GET", "/nowhere"), ("GET", "/api/"))
    ]

    assert [each.status_code for each in answers] == [405, 404, 404]


async def test_pages_of_the_application_stay_its_own(ask):
    assert (await ask("GET", "/")).text == mounted.HOME
    assert (await ask("GET", f"{ROOT}X/api/queues")).status_code == 404


@pytest.mark.parametrize("put_in", mounted.ASGI, ids=lambda each: each.__name__)
async def test_a_web_socket_is_refused(put_in, redis_url):
    sent = []
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": f"{ROOT}/",
        "raw_path": f"{ROOT}/".encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
        "subprotocols": [],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message["type"])

    await put_in(create_app(redis_url, root_path=ROOT))(scope, receive, send)

    assert sent == ["websocket.close"]
