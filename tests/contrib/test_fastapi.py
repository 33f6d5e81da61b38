"""pyasynq in FastAPI and Starlette: real applications, real requests, a real Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pyasynq import App, ConfigError, RedisUnavailableError, TaskContext, TaskHandle
from pyasynq.contrib.fastapi import (
    handle_of,
    install_error_handlers,
    lifespan,
    mount_web_ui,
    status_router,
)
from tests.support.redis_server import RedisServer

URL = "http://service"
AWAY = "redis://127.0.0.1:1"


class Report(BaseModel):
    pages: int


app = App("redis://nowhere.invalid", enqueue_patience=0)
other_app = App("redis://nowhere.invalid", enqueue_patience=0)


@app.task(retention=600)
async def make(pages: int) -> Report:
    if pages < 0:
        raise ValueError("secret of the handler")
    return Report(pages=pages)


@app.task(retention=600)
def draw(ctx: TaskContext, name: str) -> bytes:
    ctx.progress(1, 2, "lines")
    return name.encode()


@other_app.task
def clean() -> None: ...


def service(**given: Any) -> FastAPI:
    api = FastAPI(lifespan=lifespan(app), **given)

    @api.post("/reports")
    async def order(pages: Any = None, task_id: str | None = None, unique: float | None = None):
        task = make.options(task_id=task_id, unique=unique)
        return {"id": (await task.aenqueue(int(pages) if pages else pages)).id}

    @api.get("/reports/{task_id}")
    async def state(report: Annotated[TaskHandle[Report], Depends(handle_of(make))]):
        return {"state": (await report.ainfo()).state}

    @api.get("/reports/{task_id}/result")
    async def result(report: Annotated[TaskHandle[Report], Depends(handle_of(make))]) -> Report:
        return await report.aresult(timeout=0)

    @api.get("/unchecked/{task_id}")
    async def unchecked(task_id: str) -> Report:
        return await make.handle(task_id).aresult(timeout=0)

    return api


@asynccontextmanager
async def asked(api: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that has started, and stops after it."""
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    async with api.router.lifespan_context(api):
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            yield client


@pytest.fixture
async def harness():
    async with app.testing() as harness:
        yield harness


@pytest.fixture
async def http(harness) -> AsyncIterator[httpx.AsyncClient]:
    api = service()
    install_error_handlers(api)
    async with asked(api) as client:
        yield client


async def ordered(http: httpx.AsyncClient, **given: Any) -> str:
    return (await http.post("/reports", params={"pages": 3, **given})).json()["id"]


async def test_a_dependency_finds_the_task_of_a_path(http, harness):
    task_id = await ordered(http)
    before = await http.get(f"/reports/{task_id}")
    await harness.arun_pending()

    result = await http.get(f"/reports/{task_id}/result")

    assert before.json() == {"state": "pending"}
    assert result.json() == {"pages": 3}


@pytest.mark.parametrize("task_id", ["7", "%20", "%00", "a%2Fb", "x" * 20_000, "%C3%A5"])
async def test_what_is_no_id_of_a_task_is_not_found(http, task_id):
    await ordered(http)

    assert (await http.get(f"/reports/{task_id}")).status_code == 404


async def test_a_task_of_another_type_is_not_found(http):
    handle = await draw.aenqueue("tea")

    assert (await http.get(f"/reports/{handle.id}")).status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/unchecked/7", 404, {"detail": "there is no such task, or its result is not kept"}),
        ("/unchecked/waiting", 409, {"detail": "the task is not done yet", "state": "pending"}),
        ("/unchecked/failed", 424, {"detail": "the task has failed"}),
    ],
)
async def test_errors_of_results_are_answered(http, harness, path, status, body):
    await make.options(task_id="failed", max_retry=0).aenqueue(-1)
    await harness.arun_pending()
    await ordered(http, task_id="waiting")

    answer = await http.get(path)

    assert (answer.status_code, answer.json()) == (status, body)


async def test_errors_of_an_enqueue_are_answered(http):
    holder = await ordered(http, unique=60, task_id="7")
    duplicate = await http.post("/reports", params={"pages": 3, "unique": 60})
    conflict = await http.post("/reports", params={"pages": 3, "task_id": "7"})
    wrong = await http.post("/reports")

    assert (duplicate.status_code, duplicate.json()["holder_id"]) == (409, holder)
    assert (conflict.status_code, conflict.json()) == (
        409,
        {"detail": "a task with this ID exists already", "task_id": "7", "state": "pending"},
    )
    assert (wrong.status_code, wrong.json()) == (
        422,
        {"detail": "$.pages: expected int, got null", "path": "$.pages"},
    )


async def test_a_stored_result_that_does_not_fit_is_a_fault_of_the_service(http, harness):
    task_id = await ordered(http)
    await harness.arun_pending()
    key = f"asynq:{{default}}:t:{task_id}"
    harness._redis.client.hset(key, "result", b"[]")

    assert (await http.get(f"/unchecked/{task_id}")).status_code == 500


async def test_redis_that_dies_while_requests_run_is_answered_with_503(own_redis):
    app.reconfigure(own_redis.url)
    api = service()
    install_error_handlers(api)
    async with asked(api) as http:
        before = await http.post("/reports", params={"pages": 3})
        own_redis.kill()
        after = await http.post("/reports", params={"pages": 3})

    assert (before.status_code, after.status_code) == (200, 503)
    assert after.headers["retry-after"] == "5"
    assert after.json()["detail"] == "the task queue does not answer; try again"


@pytest.mark.long  # a look-up tries for as long as any call of an inspector
async def test_a_dependency_answers_503_while_redis_is_away_without_any_handler(harness):
    app.reconfigure(AWAY)
    async with asked(service()) as http:
        answer = await http.get("/reports/7")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "127.0.0.1" not in answer.text


async def test_without_the_handlers_an_error_is_a_500_and_a_dependency_answers_all_the_same(
    harness,
):
    async with asked(service()) as http:
        await ordered(http, task_id="7")
        conflict = await http.post("/reports", params={"task_id": "7", "pages": 1})
        absent = await http.get("/reports/8")

    assert (conflict.status_code, absent.status_code) == (500, 404)


async def test_a_handler_of_the_application_wins_if_it_is_added_later(harness):
    api = service()
    install_error_handlers(api)

    @api.exception_handler(RedisUnavailableError)
    async def away(_request: Request, _error: Exception) -> JSONResponse:
        return JSONResponse({}, status_code=418)

    app.reconfigure(AWAY)
    async with asked(api) as http:
        assert (await http.post("/reports", params={"pages": 3})).status_code == 418


async def test_an_own_lifespan_is_inside_and_its_state_is_passed_on(harness):
    seen: list[Any] = []

    @asynccontextmanager
    async def own(api: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"name": api.title}
        seen.append((await make.aenqueue(1)).queue)  # the connections are still open
        seen.append(len(app._clients._process.loops))

    api = FastAPI(title="reports", lifespan=lifespan(app, lifespan(other_app, own)))
    async with api.router.lifespan_context(api) as state:
        seen.append(state)

    assert seen == [{"name": "reports"}, "default", 1]
    assert app._clients._process.loops == {}


async def test_a_lifespan_may_be_a_generator_function(harness):
    async def own(_api: FastAPI) -> AsyncIterator[dict[str, int]]:
        yield {"a": 1}

    around = lifespan(app, own)
    async with around(FastAPI()) as state:
        assert state == {"a": 1}


async def test_a_worker_inside_runs_tasks_and_ends_before_what_the_own_lifespan_has_opened(
    redis_url,
):
    app.reconfigure(redis_url)
    opened: list[str] = []

    @app.on("worker_stopped")
    async def stopped(_event) -> None:
        opened.append("worker ended")

    @asynccontextmanager
    async def own(_api: FastAPI) -> AsyncIterator[None]:
        opened.append("own")
        yield
        opened.append("own closed")

    api = FastAPI(lifespan=lifespan(app, own, worker=True))
    async with api.router.lifespan_context(api):
        report = await (await make.aenqueue(7)).aresult(timeout=20)

    assert report == Report(pages=7)
    assert opened == ["own", "worker ended", "own closed"]


@pytest.mark.parametrize("given", [FastAPI(), None, "app"])
def test_a_lifespan_without_an_app_says_what_to_write(given):
    with pytest.raises(ConfigError, match=r"write FastAPI\(lifespan=lifespan\(app\)\)"):
        lifespan(given)


async def test_starlette_alone_does_as_well(harness):
    find = handle_of(make)

    async def state(request: Request) -> JSONResponse:
        handle = await find(request.path_params["task_id"])
        return JSONResponse({"state": (await handle.ainfo()).state})

    async def twice(_request: Request) -> JSONResponse:
        for _ in range(2):
            await make.options(task_id="7").aenqueue(1)
        return JSONResponse({})

    api = Starlette(
        routes=[Route("/reports/{task_id}", state), Route("/twice", twice)],
        lifespan=lifespan(app),
    )
    install_error_handlers(api)
    async with asked(api) as http:
        conflict = await http.get("/twice")
        found = await http.get("/reports/7")
        absent = await http.get("/reports/8")

    assert (conflict.status_code, found.json()) == (409, {"state": "pending"})
    assert absent.status_code == 404


def user(token: str = "") -> None:
    if token != "secret":
        raise HTTPException(403)


async def test_a_router_of_states_and_results_is_for_those_who_may(harness):
    api = FastAPI()
    rules = [Depends(user)]
    api.include_router(status_router(draw, dependencies=rules), prefix="/drawings")
    api.include_router(status_router(make, dependencies=rules), prefix="/reports")
    drawing = (await draw.aenqueue("tea")).id
    report = (await make.aenqueue(2)).id
    failed = (await make.options(max_retry=0).aenqueue(-1)).id
    token = {"token": "secret"}
    async with asked(api) as http:
        early = await http.get(f"/reports/{report}/result", params=token)
        await harness.arun_pending()
        nobody = await http.get(f"/drawings/{drawing}")
        state = await http.get(f"/drawings/{drawing}", params=token)
        results = [
            await http.get(path, params=token)
            for path in (f"/drawings/{drawing}/result", f"/reports/{report}/result")
        ]
        failure = await http.get(f"/reports/{failed}/result", params=token)

    assert (early.status_code, nobody.status_code, failure.status_code) == (409, 403, 424)
    assert state.json() == {
        "id": drawing,
        "state": "completed",
        "attempt": 1,
        "max_retry": 25,
        "progress": {"done": 1, "total": 2, "note": "lines"},
    }
    assert [(each.headers["content-type"], each.content) for each in results] == [
        ("application/octet-stream", b"tea"),
        ("application/json", b'{"pages":2}'),
    ]
    assert "secret" not in failure.text


def test_a_router_that_is_open_to_everybody_is_refused():
    with pytest.raises(ConfigError, match="who may see tasks"):
        status_router(make, dependencies=[])


async def test_the_web_ui_is_mounted_read_only_behind_the_login_of_the_application(harness):
    api = FastAPI(lifespan=lifespan(app))

    def visitor(request: Request) -> str | None:
        return request.cookies.get("user")

    mount_web_ui(api, "/monitoring", app, auth=visitor)
    await make.aenqueue(1)
    ann = {"cookie": "user=ann", "sec-fetch-site": "same-origin"}
    async with asked(api) as http:
        nobody = await http.get("/monitoring/api/queues")
        queues = await http.get("/monitoring/api/queues", headers=ann)
        paused = await http.post("/monitoring/api/queues/default:pause", headers=ann)
        page = await http.get("/monitoring/", headers=ann)

    assert (nobody.status_code, paused.status_code, page.status_code) == (401, 403, 200)
    assert [each["queue"] for each in queues.json()["queues"]] == ["default"]


async def test_the_web_ui_follows_its_app_to_another_redis(redis_url, own_redis: RedisServer):
    api = FastAPI(lifespan=lifespan(app))
    app.reconfigure(redis_url)
    mount_web_ui(api, "/monitoring/", app, auth=None)
    async with asked(api) as http:
        before = await http.get("/monitoring/api/queues")
        app.reconfigure(own_redis.url)
        await make.aenqueue(1)
        after = await http.get("/monitoring/api/queues")

    assert (len(before.json()["queues"]), len(after.json()["queues"])) == (0, 1)


@pytest.mark.parametrize("path", ["", "/", "monitoring"])
def test_a_path_that_would_hide_the_application_is_refused(path):
    with pytest.raises(ConfigError, match="at a path such as '/monitoring'"):
        mount_web_ui(FastAPI(), path, app, auth=None)


def test_wrong_settings_of_the_web_ui_are_told_at_the_start():
    with pytest.raises(ConfigError, match="bulk_limit"):
        mount_web_ui(FastAPI(), "/monitoring", app, auth=None, bulk_limit=-1)
    with pytest.raises(ConfigError, match="the web UI needs an App, not FastAPI"):
        mount_web_ui(FastAPI(), "/monitoring", FastAPI(), auth=None)
