"""No line of the log, and no field of one, has what payloads, headers, results and URLs hold."""

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pyasynq.app import App
from pyasynq.client import Client
from pyasynq.connection.connector import Connector
from pyasynq.errors import ConfigError
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import encode
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.log_fields import TaskFields
from pyasynq.worker.log_lines import JsonLine, TextLine
from pyasynq.worker.server import Server
from tests.support.builders import make_active, make_message
from tests.support.eventually import eventually_async
from tests.support.workplace import QUICK

SECRET = "hush"  # each secret begins with it, so that a part of one is found as well
EXPECTED = (
    "typed[",
    "nobody-has-it[",
    "fails[",
    "returns_too_much[",
    "returns_an_object[",
    "refused: headers must",
    "must return a Task or None, not dict",
    "cannot be read",
    "left[",
    "which its function does not take",
    "more than max_payload_size",
    "the error handler failed",
    "listener ",
)


class Keeper(logging.Handler):
    """Keeps each line as text and as JSON, with all fields and tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.addFilter(TaskFields())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [TextLine().format(record), JsonLine().format(record)]

    def missing(self, texts: Sequence[str]) -> list[str]:
        return [each for each in texts if not any(each in line for line in self.lines)]

    @property
    def revealing(self) -> list[str]:
        return [line for line in self.lines if SECRET in line]


@pytest.fixture
def kept() -> Iterator[Keeper]:
    keeper, logger = Keeper(), logging.getLogger("pyasynq")
    level = logger.level
    logger.addHandler(keeper)
    logger.setLevel(logging.DEBUG)
    yield keeper
    logger.removeHandler(keeper)
    logger.setLevel(level)


def an_app(url: str) -> App:
    """Make an App whose tasks do what goes wrong, without putting secrets into errors."""
    quick = {**QUICK, "max_result_size": 1000, "group_max_size": 1, "group_grace_period": 1}
    app = App(url, max_payload_size=100, error_handler=fail, **quick)

    @app.task(max_retry=0, on_invalid_payload="archive")
    def typed(order: int, card: str = "") -> None: ...

    @app.task(max_retry=0)
    def fails(text: str) -> None:
        local = text * 2
        raise RuntimeError(f"{len(local)} letters")

    @app.task(max_retry=0, retention=60)
    def returns_too_much(text: str) -> str:
        return text * 1000

    @app.task(max_retry=0, retention=60)
    def returns_an_object(text: str) -> Any:
        return type("Card", (), {"__repr__": lambda _self: text})()

    @app.task(max_retry=0)
    def enqueues_badly(ctx: TaskContext, text: str) -> None:
        try:
            Task("x", b"", headers={"authorization": text.encode()})  # type: ignore[dict-item]
        except ConfigError as error:
            logging.getLogger("pyasynq.shop").error("refused: %s", error)
        fails.options(headers={"authorization": text}).enqueue(text * 20)

    @app.aggregator("cards")
    def aggregate(group: str, tasks: list[Task]) -> Any:
        return {"cards": [task.payload for task in tasks]}

    @app.on("archived")
    def listen(event: Any) -> None:
        raise RuntimeError("a listener")

    return app


def fail(context: Any, task: Task, error: BaseException) -> None:
    raise RuntimeError("an error handler")


def enqueue_all(url: str) -> None:
    """Store tasks that go wrong in each way, with secrets wherever there may be one."""
    headers = {"authorization": f"{SECRET}-header"}
    text = f"{SECRET}-payload"
    with Client(url) as client:

        def add(task_type: str, payload: object, **options: Any) -> None:
            data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            client.enqueue(Task(task_type, data, headers=headers), max_retry=0, **options)

        for wrong in ({"order": text}, {"order": [text]}, {"order": 1, "more": text}, [text]):
            add("typed", wrong)
        add("typed", text.encode())
        add("nobody-has-it", {"text": text})
        for task_type in ("fails", "returns_too_much", "returns_an_object", "enqueues_badly"):
            add(task_type, {"text": text})
        add("item", text.encode(), group="cards")


def damage(redis: Any) -> None:
    """Leave what is no task, and what a worker that is gone leaves."""
    text = f"{SECRET}-damaged".encode()
    redis.hset("asynq:{default}:t:damaged", mapping={"msg": text, "state": "pending"})
    redis.lpush("asynq:{default}:pending", "damaged")
    message = make_message(id="left", type="left", queue="default", payload=text, retry=0)
    make_active(redis, "left", keys=queue_keys("default"), data=encode(message))


async def test_no_line_reveals_a_secret_whatever_goes_wrong(redis_url, redis_client, kept):
    app = an_app(redis_url)
    enqueue_all(redis_url)
    damage(redis_client)

    async with app.server().running(app.mux):
        await eventually_async(lambda: kept.missing(EXPECTED) == [], within_s=20)
    await app.aclose()

    assert kept.revealing == []


async def test_no_line_reveals_the_password_of_a_url_that_redis_refuses(redis_server, kept):
    name, password = "nobody", f"{SECRET}-password"
    url = redis_server.tcp_url.replace("redis://", f"redis://{name}:{password}@")
    server = Server(url, ServerConfig(**QUICK))
    app = App(url)

    @app.task
    def idle() -> None: ...

    serving = asyncio.create_task(server.serve(app.mux))
    await eventually_async(lambda: serving.done() or not kept.missing(["waits for redis"]))
    serving.cancel()
    await asyncio.wait({serving})

    assert password not in str(Connector.of(url).description)
    assert kept.revealing == []
