"""The same paths wherever it is mounted: in an application, behind a proxy, or alone."""

import asyncio

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from pyasynq.web import create_app
from tests.support.forks import in_fork
from tests.support.stored_tasks import store
from tests.support.web import Web, lifespan

ROOTS = ("/monitoring", "/monitoring/")


def in_starlette(app):
    return Starlette(routes=[Mount("/monitoring", app)])


def in_fastapi(app):
    api = FastAPI()
    api.mount("/monitoring", app)
    return api


def twice(app):
    return Starlette(routes=[Mount("/ops", Starlette(routes=[Mount("/monitoring", app)]))])


def as_old_servers_do(app):
    """Mount as frameworks did that take the prefix off the path, but not off the raw path."""

    async def outer(scope, receive, send):
        if scope["type"] == "http":
            scope = dict(
                scope, root_path="/monitoring", path=scope["path"].removeprefix("/monitoring")
            )
        await app(scope, receive, send)

    return outer


def without_a_raw_path(app):
    async def outer(scope, receive, send):
        scope = {name: each for name, each in scope.items() if name != "raw_path"}
        await in_starlette(app)(scope, receive, send)

    return outer


@pytest.fixture
async def mounted(redis_url, redis_client):
    store(redis_client, "pending", "a/b", queue="x/y")
    store(redis_client, "pending", "50%", queue="plain")
    apps = []

    def mount(wrap, **settings):
        app = create_app(redis_url, **settings)
        apps.append(app)
        return Web(wrap(app))

    yield mount
    for each in apps:
        await each.aclose()


@pytest.mark.parametrize("wrap", [in_starlette, in_fastapi, as_old_servers_do, without_a_raw_path])
async def test_an_application_may_mount_it(mounted, wrap):
    web = mounted(wrap)

    root = await web.root("/monitoring/")
    task = await web.get("/monitoring/api/queues/plain/tasks/50%25")

    assert root == "/monitoring"
    assert task["id"] == "50%"


@pytest.mark.parametrize("wrap", [in_starlette, in_fastapi, as_old_servers_do])
async def test_a_name_with_a_slash_can_be_asked_for_below_a_mount(mounted, wrap):
    task = await mounted(wrap).get("/monitoring/api/queues/x%2Fy/tasks/a%2Fb")

    assert (task["queue"], task["id"]) == ("x/y", "a/b")


async def test_an_application_in_an_application_may_mount_it(mounted):
    root = await mounted(twice).root("/ops/monitoring/")

    assert root == "/ops/monitoring"


@pytest.mark.parametrize("root_path", ROOTS)
async def test_a_proxy_may_pass_the_prefix_on_or_take_it_off(mounted, root_path):
    web = mounted(lambda app: app, root_path=root_path)

    passed_on = [await web.root(path) for path in ("/monitoring", "/monitoring/")]
    taken_off = await web.root("/")
    task = await web.get("/monitoring/api/queues/x%2Fy/tasks/a%2Fb")
    alive = await web.get("/monitoring/healthz")

    assert {*passed_on, taken_off} == {"/monitoring"}
    assert (task["id"], alive) == ("a/b", {"status": "ok"})
    assert (await web.ask("GET", "/monitoringX/api/queues")).status_code == 404


async def test_a_server_may_tell_the_prefix(redis_url, mounted):
    """As `uvicorn --root-path` does, whose raw path has the prefix too."""

    async def outer(app, scope, receive, send):
        await app(dict(scope, root_path="/monitoring"), receive, send)

    web = mounted(lambda app: lambda *given: outer(app, *given))

    assert await web.root("/monitoring/") == "/monitoring"
    assert (await web.get("/api/queues/x%2Fy/tasks/a%2Fb"))["id"] == "a/b"


async def test_what_is_not_below_it_is_not_found(web):
    answers = [await web.ask("GET", path) for path in ("/nowhere", "/api", "//api/queues", "/api/")]

    assert [each.status_code for each in answers] == [404] * 4


def test_a_loop_for_each_request_is_served(redis_url):
    app = in_starlette(create_app(redis_url))

    answers = [asyncio.run(Web(app).get("/monitoring/api/queues")) for _ in range(3)]

    assert answers == [{"queues": []}] * 3


def test_what_was_used_before_a_fork_serves_after_it(redis_url):
    app = in_starlette(create_app(redis_url))

    def ask():
        assert asyncio.run(Web(app).get("/monitoring/api/queues")) == {"queues": []}

    ask()

    assert in_fork(ask)
    ask()


async def test_a_server_with_a_lifespan_closes_the_connection_at_its_end(redis_url, redis_client):
    app = create_app(f"{redis_url}&client_name=web-ui")

    def connections():
        return sum(each["name"] == "web-ui" for each in redis_client.client_list())

    web = Web(app)
    async with lifespan(app):
        before = connections()
        await web.get("/api/queues")
        during = connections()
    after = connections()
    async with lifespan(app):
        again = await web.get("/api/queues")

    assert (before, during, after, again) == (0, 1, 0, {"queues": []})


async def test_a_web_socket_is_closed(redis_url):
    sent = []
    app = create_app(redis_url)

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message["type"])

    await app({"type": "websocket", "path": "/", "headers": []}, receive, send)

    assert sent == ["websocket.close"]


async def test_a_visitor_who_leaves_while_they_send_is_no_error(web, caplog):
    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        raise AssertionError(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/queues/mail/retry_tasks:batch_run",
        "query_string": b"",
        "headers": [(b"sec-fetch-site", b"same-origin")],
    }
    await asyncio.wait_for(web.app(scope, receive, send), 5)

    assert [each for each in caplog.records if each.levelname == "ERROR"] == []
