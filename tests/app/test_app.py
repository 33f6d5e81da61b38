"""`App` itself: its settings, middlewares, lifespan and handles, without any Redis."""

from contextlib import asynccontextmanager

import pytest

from pyasynq.app import App
from pyasynq.app.keywords import TaskKeywords
from pyasynq.app.server_keywords import ServerKeywords
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError
from pyasynq.options import OptionKeywords
from pyasynq.worker.config import ServerConfig


def make_app(**settings):
    return App("redis://127.0.0.1:1", **settings)


def test_server_settings_are_taken_by_keyword():
    app = make_app(queues={"a": 2}, concurrency=3, strict_priority=True)

    assert app.config == ServerConfig(queues={"a": 2}, concurrency=3, strict_priority=True)


def test_every_fault_of_an_app_is_named_at_once():
    with pytest.raises(ConfigError) as caught:
        App(
            "http://somewhere",
            name=" ",
            queues={},
            task_defaults={"queue": "a"},
            on_invalid_payload="drop",
            on_invalid_result="retry",
        )

    assert [fault.split(" ")[0] for fault in caught.value.faults] == [
        "name",
        "on_invalid_payload",
        "on_invalid_result",
        "task_defaults",
        "queues",
        "a",  # URL has another form
    ]


def test_an_unknown_setting_names_the_one_that_is_meant():
    with pytest.raises(ConfigError) as caught:
        make_app(concurrenc=3)

    assert str(caught.value) == "unknown setting 'concurrenc'; did you mean 'concurrency'?"


def test_the_password_is_not_in_the_repr():
    app = App("redis://user:secret@127.0.0.1:1", name="shop")

    assert repr(app) == "<App 'shop' with 0 task types>"


def test_keywords_of_the_app_are_the_settings_of_the_server():
    settings = ServerConfig.__dataclass_fields__.keys() - {"queues"}

    assert ServerKeywords.__annotations__.keys() == settings


def test_keywords_of_a_task_are_the_options_and_its_own():
    own = TaskKeywords.__annotations__.keys() - OptionKeywords.__annotations__.keys()

    assert own == {
        "retry_delay",
        "is_failure",
        "on_invalid_payload",
        "on_invalid_result",
        "max_deferrals",
        "aliases",
        "executor",
    }


def test_an_app_can_be_reconfigured():
    app = make_app(concurrency=3)

    app.reconfigure("redis://127.0.0.1:2", queues={"b": 1}, strict_priority=True)

    assert app.config == ServerConfig(concurrency=3, queues={"b": 1}, strict_priority=True)
    assert app._clients.source == ConnectionOptions(hosts=(("127.0.0.1", 2),))


def test_a_wrong_reconfiguration_changes_nothing():
    app = make_app(concurrency=3)

    with pytest.raises(ConfigError) as caught:
        app.reconfigure("redis://127.0.0.1:x", concurrency=4, shutdown=1, queues={})

    assert [fault.split(" ")[:2] for fault in caught.value.faults] == [
        ["unknown", "setting"],
        ["queues", "must"],
        ["port", "must"],
    ]
    assert app.config.concurrency == 3


def test_middlewares_are_in_the_mux_in_their_order():
    app = make_app()

    @app.middleware
    async def outer(ctx, call_next):
        return await call_next(ctx)

    @app.middleware
    async def inner(ctx, call_next):
        return await call_next(ctx)

    assert app.mux.middlewares == [outer, inner]


def test_a_middleware_that_cannot_be_called_is_refused():
    with pytest.raises(ConfigError, match="a middleware must be a function, not 3"):
        make_app().middleware(3)


def test_a_second_lifespan_is_refused():
    app = make_app()

    @app.lifespan
    async def first():
        yield

    with pytest.raises(ConfigError, match="already has a lifespan"):

        @app.lifespan
        @asynccontextmanager
        async def second():
            yield


def test_a_lifespan_that_cannot_be_called_is_refused():
    with pytest.raises(ConfigError, match="a lifespan must be a function, not 3"):
        make_app().lifespan(3)


def test_a_handle_of_a_known_task_needs_no_redis():
    handle = make_app().task_handle("mail", "a")

    assert (handle.queue, handle.id) == ("mail", "a")


def test_a_handle_of_a_blank_name_is_refused():
    with pytest.raises(ConfigError, match="queue must not be blank; task_id must not be blank"):
        make_app().task_handle("", " ")


def test_two_handles_of_one_task_are_equal():
    app = make_app()

    assert app.task_handle("mail", "a") == app.task_handle("mail", "a")


def test_closing_an_app_that_was_never_used_does_nothing():
    app = make_app()

    app.close()
    app.close()


async def test_an_app_that_was_never_used_can_be_closed_on_a_loop():
    await make_app().aclose()
