"""Values of any wrong type for what is public: one clear error, and no error of another kind."""

import math
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from pyasynq import (
    App,
    AsyncClient,
    Client,
    ConnectionOptions,
    EnqueueOptions,
    Field,
    Inspector,
    RetryLater,
    ServeMux,
    Server,
    ServerConfig,
    Task,
    retry,
)
from pyasynq.clock import FakeClock
from pyasynq.errors import ConfigError, PyasynqError

URL = "redis://127.0.0.1:1"
GARBAGE = {
    "a number": 5.5,
    "a negative number": -1,
    "an endless number": math.inf,
    "no number": math.nan,
    "text": "x",
    "blank text": " ",
    "half of a character": "\ud800",
    "bytes": b"x",
    "a list": [1],
    "a set": {1},
    "a dict": {1: 2},
    "an object": object(),
    "a boolean": True,
    "an exception": ValueError,
    "what has every attribute": SimpleNamespace(enqueue=1, type="x"),
}


def made(**options) -> Callable[[object], object]:
    def plain(width: int) -> int: ...

    return App(URL).task(**options)(plain)


def of_each_field(kind: type) -> dict[str, Callable]:
    names = kind.__dataclass_fields__
    return {
        f"{kind.__name__}.{name}": lambda each, name=name: kind(**{name: each}) for name in names
    }


def queue_of(given: object) -> None:
    Inspector(URL).queues.info(given)


app = App(URL, enqueue_patience=0)


@app.task
def resize(width: int) -> int: ...


handle = app.task_handle("mail", "7")
PUBLIC: dict[str, Callable[[object], object]] = {
    **of_each_field(EnqueueOptions),
    **of_each_field(ServerConfig),
    **of_each_field(ConnectionOptions),
    "App.name": lambda each: App(URL, name=each),
    "App.queues": lambda each: App(URL, queues=each),
    "App.task_defaults": lambda each: App(URL, task_defaults=each),
    "App.on_invalid_payload": lambda each: App(URL, on_invalid_payload=each),
    "App.on_invalid_result": lambda each: App(URL, on_invalid_result=each),
    "App.clock": lambda each: App(URL, clock=each),
    "App.source": App,
    "App.reconfigure": lambda each: App(URL).reconfigure(each),
    "App.reconfigure queues": lambda each: App(URL).reconfigure(queues=each),
    "App.task": lambda each: App(URL).task(each),
    "App.task of a type": App(URL).task("type"),
    "App.enqueue_many": app.enqueue_many,
    "App.enqueue_many of one": lambda each: app.enqueue_many([each]),
    "App.enqueue_many with options": lambda each: app.enqueue_many([(resize.bind(1), each)]),
    "App.task_handle queue": lambda each: app.task_handle(each, "7"),
    "App.task_handle id": lambda each: app.task_handle("mail", each),
    "App.middleware": app.middleware,
    "App.lifespan": lambda each: App(URL).lifespan(each),
    "App.aggregator": lambda each: App(URL).aggregator(each)(lambda _group, _tasks: None),
    "App.aggregator function": App(URL).aggregator("x"),
    "App.aggregator grace_period": lambda each: App(URL).aggregator("x", grace_period=each)(merge),
    "App.aggregator max_delay": lambda each: App(URL).aggregator("x", max_delay=each)(merge),
    "App.aggregator max_size": lambda each: App(URL).aggregator("x", max_size=each)(merge),
    "App.on": app.on,
    "App.on function": app.on("failed"),
    "task retry_delay": lambda each: made(retry_delay=each),
    "task is_failure": lambda each: made(is_failure=each),
    "task on_invalid_payload": lambda each: made(on_invalid_payload=each),
    "task on_invalid_result": lambda each: made(on_invalid_result=each),
    "task max_deferrals": lambda each: made(max_deferrals=each),
    "task aliases": lambda each: made(aliases=each),
    "task executor": lambda each: made(executor=each),
    "TaskDefinition.bind": resize.bind,
    "TaskDefinition.options": lambda each: resize.options(queue=each),
    "TaskHandle.result": handle.result,
    "TaskHandle.cancel": lambda each: handle.cancel(then=each),
    "Client.source": lambda each: Client(each).enqueue(Task("x")),
    "Client.clock": lambda each: Client(URL, clock=each),
    "Client.enqueue_patience": lambda each: Client(URL, enqueue_patience=each),
    "Client.max_payload_size": lambda each: Client(URL, max_payload_size=each),
    "Client.enqueue": lambda each: Client(URL).enqueue(each),
    "AsyncClient.clock": lambda each: AsyncClient(URL, clock=each),
    "Inspector.source": Inspector,
    "Inspector.clock": lambda each: Inspector(URL, clock=each),
    "Inspector queue": queue_of,
    "Inspector cancel": lambda each: Inspector(URL).tasks.cancel("7", then=each, queue="mail"),
    "Server.config": lambda each: Server(URL, each),
    "Server.clock": lambda each: Server(URL, clock=each),
    "Server.lifespan": lambda each: Server(URL, lifespan=each),
    "ServerConfig.from_env": ServerConfig.from_env,
    "ConnectionOptions.from_url": ConnectionOptions.from_url,
    "ServeMux.handler": lambda each: ServeMux().handler(each)(lambda _ctx, _task: None),
    "ServeMux.add": lambda each: ServeMux().add("x", each),
    "ServeMux.add settings": lambda each: ServeMux().add("x", merge, settings=each),
    "ServeMux.use": lambda each: ServeMux().use(each),
    "Task.type": Task,
    "Task.payload": lambda each: Task("x", each),
    "Task.headers": lambda each: Task("x", headers=each),
    "Task.options": lambda each: Task("x", options=each),
    "EnqueueOptions.merged_over": lambda each: EnqueueOptions(queue="x").merged_over(each),
    "Field": Field,
    "FakeClock.advance": lambda each: FakeClock().advance(each),
    "RetryLater": RetryLater,
    "retry.fixed": retry.fixed,
    "retry.exponential": retry.exponential,
    "retry.exponential factor": lambda each: retry.exponential(1, each),
    "retry.exponential maximum": lambda each: retry.exponential(1, 2, each),
    "retry.exponential jitter": lambda each: retry.exponential(1, 2, 3, each),
    "retry.schedule": retry.schedule,
    "retry.schedule of one": lambda each: retry.schedule([each]),
}
# Text and numbers that these take, so that a call would go on to Redis.
CALLS_REDIS = {("Inspector queue", "text"), ("TaskHandle.result", "a number")}


def merge(_group: str, _tasks: list[Task]) -> None: ...


@pytest.mark.parametrize("name", PUBLIC)
def test_no_value_of_a_wrong_type_raises_an_error_of_another_kind(name):
    for what, value in GARBAGE.items():
        if (name, what) in CALLS_REDIS:
            continue
        try:
            PUBLIC[name](value)
        except PyasynqError as error:
            assert isinstance(error, ConfigError | ValueError), what
            assert str(error), what


async def test_a_server_takes_nothing_but_a_mux():
    for value in GARBAGE.values():
        with pytest.raises(ConfigError, match="a server needs a ServeMux, not"):
            await Server(URL).serve(value)
