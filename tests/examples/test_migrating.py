"""The guides to migrating: what they show runs here, and they leave out nothing that others have.

The names that Celery, RQ and arq have are in the folder `migrating`, as their packages list them.
"""

import json
import re
from contextlib import asynccontextmanager
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from httpx import AsyncClient, MockTransport, Response

from pyasynq import App, RetryLater, TaskContext, retry

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
LISTS = Path(__file__).parent / "migrating"
QUEUES = ("celery", "rq", "arq")
LIKE_OTHERS = re.compile(r"```py\n(.*?)```", re.DOTALL)


def page_of(queue):
    return (GUIDES / f"migrating-from-{queue}.md").read_text()


def mail(user_id, template):
    return f"{template} mail to {user_id}"


async def download(url):
    return f"page of {url}"


stored = []


async def store(url, page):
    stored.append((url, page))


def celery_app():
    app = App(
        "redis://localhost/0",
        name="shop",
        queues={"mail": 3, "default": 1},
    )

    @app.task(
        "email:welcome",
        queue="mail",
        max_retry=5,
        retry_delay=retry.fixed(10),
        timeout=30,
        retention=600,
    )
    def send_welcome(ctx: TaskContext, user_id: int, template: str = "plain") -> str:
        return mail(user_id, template)

    @app.periodic("0 7 * * *", timezone="Europe/Berlin", key="report")
    def report() -> None: ...

    return app, send_welcome, report


def rq_app():
    app = App("redis://localhost", name="shop", queues={"mail": 3, "default": 1})

    @app.task(queue="mail", timeout=30, retention=600, max_retry=5, retry_delay=retry.fixed(10))
    def send_welcome(user_id: int, template: str = "plain") -> str:
        return mail(user_id, template)

    return app, send_welcome


def chained_app():
    app = App("redis://localhost")

    @app.task
    async def fetch(url: str) -> None:
        page = await download(url)
        await index.aenqueue(url, page)

    @app.task
    async def index(url: str, page: str) -> None:
        await store(url, page)

    return app, fetch


def arq_app():
    app = App(name="shop", concurrency=100)

    @app.lifespan
    @asynccontextmanager
    async def lifespan():
        async with AsyncClient() as http:
            yield http

    @app.task(retention=3600)
    async def fetch(ctx: TaskContext[AsyncClient], url: str) -> int:
        response = await ctx.state.get(url)
        if response.status_code == 429:
            raise RetryLater(60)
        return len(response.text)

    @app.periodic("0 7 * * *")
    async def report() -> None: ...

    # elsewhere
    async def count(url: str) -> int:
        handle = await fetch.options(process_in=10).aenqueue(url)
        return await handle.aresult(timeout=30)

    return app, fetch, count


def test_what_took_the_place_of_a_celery_application_does_the_same():
    app, send_welcome, _ = celery_app()
    with app.testing() as harness:
        # elsewhere
        handle = send_welcome.options(process_in=60).enqueue(42, template="html")
        harness.clock.advance(60)
        harness.run_pending(raises=True)

        assert handle.result(timeout=120) == "html mail to 42"


def test_a_chain_is_a_task_that_enqueues_the_next_one():
    app, fetch = chained_app()
    with app.testing() as harness:
        fetch.enqueue("http://localhost/")
        harness.run_pending(raises=True)

    assert stored == [("http://localhost/", "page of http://localhost/")]


def test_what_took_the_place_of_an_rq_application_does_the_same():
    app, send_welcome = rq_app()
    with app.testing() as harness:
        # elsewhere
        handle = send_welcome.enqueue(42, template="html")
        harness.run_pending(raises=True)

        assert handle.result(timeout=10) == "html mail to 42"


async def test_what_took_the_place_of_an_arq_application_does_the_same():
    app, fetch, _ = arq_app()
    answers = [Response(429), Response(200, text="hello")]
    async with AsyncClient(transport=MockTransport(lambda _request: answers.pop(0))) as http:
        async with app.testing(state=http) as harness:
            handle = await fetch.options(process_in=10).aenqueue("http://localhost/")
            harness.clock.advance(timedelta(seconds=10))
            await harness.arun_pending()
            harness.clock.advance(timedelta(seconds=60))
            await harness.arun_pending(raises=True)

            assert await handle.aresult(timeout=30) == 5


@pytest.mark.parametrize("queue", QUEUES)
def test_what_is_shown_of_others_is_python(queue):
    (before,) = LIKE_OTHERS.findall(page_of(queue))

    assert compile(before, queue, "exec", flags=0x2000)  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def names():
    for queue in QUEUES:
        for subject, each in json.loads((LISTS / f"{queue}.json").read_text()).items():
            if subject != "version":
                yield pytest.param(queue, each, id=f"{queue}-{subject.replace(' ', '-')}")


@pytest.mark.parametrize(("queue", "wanted"), list(names()))
def test_nothing_that_another_queue_has_is_left_out(queue, wanted):
    text = re.sub(r"```.*?```", "", page_of(queue), flags=re.DOTALL)
    code = " ".join(re.findall(r"`([^`\n]+)`", text))
    words = set(re.findall(r"[\w*-]+", code))
    families = [each for each in words if each.endswith("_*")]
    absent = {
        name
        for name in wanted
        if name not in words
        and f"{name} " not in f"{code} "
        and not any(fnmatchcase(name, family) for family in families)
    }

    assert absent == set()
