"""For how long the tasks of an App try to reach Redis; the time-outs of the URL are an hour."""

import pytest

from pyasynq import App
from pyasynq.errors import ConfigError, RedisUnavailableError
from tests.support.greeting import greeting_server


@pytest.fixture
def silent_url():
    with greeting_server() as port:
        yield f"redis://127.0.0.1:{port}/0?connect_timeout=3600&socket_timeout=3600"


async def test_the_patience_of_an_app_holds_for_all_its_tasks(silent_url):
    app = App(silent_url, enqueue_patience=0.2)

    @app.task
    def greet(name: str) -> None: ...

    with pytest.raises(RedisUnavailableError):
        await greet.aenqueue("Ann")
    with pytest.raises(RedisUnavailableError):
        await app.aenqueue_many([greet.bind("Ann")])
    await app.aclose()


def test_the_patience_of_an_app_holds_in_blocking_code(silent_url):
    app = App(silent_url, enqueue_patience=0.2)

    @app.task
    def greet(name: str) -> None: ...

    with pytest.raises(RedisUnavailableError):
        greet.enqueue("Ann")
    with pytest.raises(RedisUnavailableError):
        app.enqueue_many([greet.bind("Ann")])
    app.close()


async def test_the_patience_of_a_call_wins(silent_url):
    app = App(silent_url, enqueue_patience=3600)

    @app.task
    def greet(name: str) -> None: ...

    hurried = greet.options(patience=0.2).options(queue="low")

    with pytest.raises(RedisUnavailableError):
        await hurried.aenqueue("Ann")
    with pytest.raises(RedisUnavailableError):
        await app.aenqueue_many([greet.bind("Ann")], patience=0.2)
    await app.aclose()


def test_the_patience_of_a_call_wins_in_blocking_code(silent_url):
    app = App(silent_url, enqueue_patience=3600)

    @app.task
    def greet(name: str) -> None: ...

    with pytest.raises(RedisUnavailableError):
        greet.options(patience=0.2).enqueue("Ann")
    with pytest.raises(RedisUnavailableError):
        app.enqueue_many([greet.bind("Ann")], patience=0.2)
    app.close()


def test_a_wrong_patience_is_told_where_it_is_given():
    app = App("redis://127.0.0.1:1")

    @app.task
    def greet(name: str) -> None: ...

    with pytest.raises(ConfigError, match="enqueue_patience must be at least 0 s, not -1"):
        App(enqueue_patience=-1)
    with pytest.raises(ConfigError, match="patience must be at least 0 s, not -1"):
        greet.options(patience=-1)
    with pytest.raises(ConfigError, match="patience must be a timedelta or a number of seconds"):
        greet.options(patience="1 s")
