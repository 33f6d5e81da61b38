"""The FastAPI service: real requests, a real Redis, and the worker of the same App."""

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from examples import fastapi_service as service
from tests.support.eventually import eventually
from tests.support.ports import free_port

URL = "http://service"
FILE = Path(service.__file__)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
async def http(redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    service.app.reconfigure(redis_url)
    transport = httpx.ASGITransport(service.api)
    async with service.api.router.lifespan_context(service.api):
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            yield client


async def ordered(http: httpx.AsyncClient, numbers: list[float]) -> str:
    answer = await http.post("/reports", json={"numbers": numbers})
    assert answer.status_code == 202
    return answer.json()["id"]


async def test_a_report_is_ordered_made_and_fetched(http):
    report_id = await ordered(http, [1, 2, 6])
    waiting = await http.get(f"/reports/{report_id}")

    async with service.app.server().running(service.app.mux):
        result = await http.get(f"/reports/{report_id}/result", params={"wait": 20})
    done = await http.get(f"/reports/{report_id}")

    assert waiting.json() == {"state": "pending"}
    assert (result.status_code, result.json()) == (200, {"count": 3, "mean": 3.0})
    assert done.json() == {"state": "completed"}


async def test_a_report_that_is_not_done_yet_is_a_conflict(http):
    report_id = await ordered(http, [1])

    answer = await http.get(f"/reports/{report_id}/result")

    assert (answer.status_code, answer.headers["retry-after"]) == (409, "1")
    assert answer.json() == {"detail": "the task is not done yet", "state": "pending"}


async def test_a_report_that_cannot_be_made_is_told_without_what_is_inside(http):
    report_id = await ordered(http, [])

    async with service.app.server().running(service.app.mux):
        answer = await http.get(f"/reports/{report_id}/result", params={"wait": 20})

    assert (answer.status_code, answer.json()) == (424, {"detail": "the task has failed"})


async def test_the_web_ui_is_behind_a_login(http):
    nobody = await http.get("/monitoring/")
    operator = await http.get("/monitoring/", auth=("operator", service.PASSWORD))

    assert (nobody.status_code, operator.status_code) == (401, 200)


@pytest.mark.parametrize("path", ["/reports/7", "/reports/7/result"])
async def test_an_unknown_report_is_not_found(http, path):
    await ordered(http, [1])

    assert (await http.get(path)).status_code == 404


async def test_an_order_that_does_not_fit_is_refused_and_nothing_is_enqueued(http, redis_client):
    answer = await http.post("/reports", json={"numbers": ["many"]})

    assert answer.status_code == 422
    assert redis_client.dbsize() == 0


@pytest.mark.slow
async def test_an_order_while_redis_is_away_is_answered_with_503(http, monkeypatch):
    service.app.reconfigure("redis://127.0.0.1:1")
    monkeypatch.setattr(service.app._clients, "_enqueue_patience", 0)

    answer = await http.post("/reports", json={"numbers": [1]})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.long
def test_uvicorn_serves_it_as_its_first_lines_say(redis_url):
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "fastapi_service:api", "--port", str(port)]
    environment = {**os.environ, "PYASYNQ_REDIS_URL": redis_url}
    with subprocess.Popen(command, env=environment, cwd=FILE.parent) as server:
        try:
            eventually(lambda: is_open(port))
            url = f"http://127.0.0.1:{port}/reports"
            answer = httpx.post(url, json={"numbers": [1, 2]})
            state = httpx.get(f"{url}/{answer.json()['id']}")
        finally:
            server.terminate()

    assert (answer.status_code, state.json()) == (202, {"state": "pending"})


def test_the_example_is_short():
    assert len(FILE.read_text().splitlines()) <= 100
