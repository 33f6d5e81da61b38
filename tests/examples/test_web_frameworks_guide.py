"""The guide to web frameworks: each block of the page is run, in order, and then asked."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from flask import Response, redirect, session
from litestar import Litestar, post
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pyasynq.contrib.fastapi import mount_web_ui, status_router
from pyasynq.contrib.flask import mount_web_ui as mount_in_flask

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "web-frameworks.md"
SERVICE, OWN, ROUTER, UI, STARLETTE, SHOP, FLASK_UI, LITESTAR, *TESTS = re.findall(
    r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL
)
GIVEN = {
    "AsyncIterator": AsyncIterator,
    "JSONResponse": JSONResponse,
    "Litestar": partial(Litestar, logging_config=None),  # which would leave a thread behind
    "Request": Request,
    "Response": Response,
    "Route": Route,
    "Starlette": Starlette,
    "asynccontextmanager": asynccontextmanager,
    "current_user": lambda: None,
    "httpx": httpx,
    "mount_web_ui": mount_web_ui,
    "post": post,
    "redirect": redirect,
    "session": session,
    "status_router": status_router,
}


@pytest.fixture
def run(monkeypatch):
    """Runs blocks of the page as one module, and returns its names."""

    def run(*blocks: str, **given: Any) -> dict[str, Any]:
        module = ModuleType("service")
        monkeypatch.setitem(sys.modules, "service", module)
        names = vars(module)
        names.update(GIVEN, **given)
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
        return names

    return run


def client(api: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://test")


@asynccontextmanager
async def served(api: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with api.router.lifespan_context(api), client(api) as http:
        yield http


async def test_the_service_and_its_test_do_what_the_page_says(run):
    page = run(SERVICE, TESTS[0])

    await page["test_a_sum_is_made"]()


async def test_nobody_waits_for_ever_or_breaks_the_service_with_a_number(run):
    page = run(SERVICE)
    async with page["app"].testing(), client(page["api"]) as http:
        path = f"/sums/{(await page['add'].aenqueue(1, 2)).id}"
        answers = [await http.get(path, params={"wait": wait}) for wait in ("-1", "31", "nan")]

    assert [answer.status_code for answer in answers] == [422, 422, 422]


async def test_a_lifespan_of_ones_own_yields_the_state(run):
    page = run(SERVICE, OWN)

    async with page["api"].router.lifespan_context(page["api"]) as state:
        assert state == {"greeting": "hello"}


async def test_the_router_tells_states_and_the_web_ui_is_for_visitors(run):
    page = run(SERVICE.split("@api.post")[0], ROUTER, UI)
    async with page["app"].testing() as harness, served(page["api"]) as http:
        handle = await page["add"].aenqueue(1, 2)
        await harness.arun_pending()
        state = await http.get(f"/sums/{handle.id}")
        result = await http.get(f"/sums/{handle.id}/result?wait=5")
        nobody = await http.get("/monitoring/")
        ann = await http.get("/monitoring/", headers={"cookie": "user=ann"})

    assert (state.json()["state"], result.json()) == ("completed", 3)
    assert (nobody.status_code, ann.status_code) == (401, 200)


async def test_starlette_and_litestar_do_as_well(run):
    page = run(SERVICE, STARLETTE, LITESTAR)
    async with page["app"].testing() as harness:
        async with client(page["starlette"]) as http, client(page["litestar"]) as other:
            ordered = await other.post("/sums")
            state = await http.get(f"/sums/{ordered.json()['id']}")
            absent = await http.get("/sums/7")

        assert len(harness.tasks()) == 1
    assert (state.json(), absent.status_code) == ({"state": "pending"}, 404)


def test_the_shop_and_its_test_do_what_the_page_says(run):
    run(SHOP, TESTS[1])["test_a_greeting_is_made"]()


def test_the_web_ui_of_flask_redirects_to_the_login(run):
    page = run(SHOP, mount_web_ui=mount_in_flask)
    page["flask"] = page["create_app"](SECRET_KEY="secret")
    exec(compile(FLASK_UI, str(PAGE), "exec"), page)

    answer = page["flask"].test_client().get("/monitoring/")

    assert (answer.status_code, answer.location) == (302, "/login")


def test_the_page_has_a_test_for_each_of_its_blocks():
    assert len(TESTS) == 2


@pytest.mark.parametrize("name", ["fastapi_service", "flask_service"])
def test_examples_that_the_page_names_exist(name):
    assert (PAGE.parents[2] / "examples" / f"{name}.py").is_file()
