"""Likely mistakes of somebody who comes from another task queue, and what each is told to write."""

import re

import pytest

from pyasynq import ServerConfig
from pyasynq.app import App
from pyasynq.control_flow import RetryLater
from pyasynq.errors import ConfigError, PayloadError, ResultNotKeptError, ServerStateError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task

URL = "redis://127.0.0.1:1"
ID = "0b5a4d9e-3f3c-4c53-9f0a-2f0c3f9a8b11"
app = App(URL)


@app.task
def resize(width: int) -> int:
    return width


@app.task("email:welcome")
def welcome(user: int, queue: str = "") -> None: ...


def plain(width: int) -> None: ...


MISTAKES = {
    "an option beside the arguments": (
        lambda: resize.enqueue(1, process_in=5),
        TypeError,
        (
            "resize(): got an unexpected keyword argument 'process_in'; "
            "give options apart, as in .options(process_in=…).enqueue(…)"
        ),
    ),
    "an option of another task queue beside the arguments": (
        lambda: resize.bind(1, countdown=5, retries=3),
        TypeError,
        (
            "resize(): got an unexpected keyword argument 'countdown'; "
            "for options write resize.options(process_in=…, max_retry=…).enqueue(…)"
        ),
    ),
    "delay": (
        lambda: resize.delay(1),
        AttributeError,
        "a task has no attribute 'delay'; write enqueue(…), or `await aenqueue(…)` in async code",
    ),
    "apply_async": (
        lambda: resize.apply_async((1,), countdown=5),
        AttributeError,
        "a task has no attribute 'apply_async'; write options(process_in=…).enqueue(…)",
    ),
    "send": (
        lambda: resize.send(1),
        AttributeError,
        "a task has no attribute 'send'; write enqueue(…), or `await aenqueue(…)` in async code",
    ),
    "enqueue_many of a task": (
        lambda: resize.enqueue_many([1, 2]),
        AttributeError,
        "a task has no attribute 'enqueue_many'; write app.enqueue_many([task.bind(…) for …])",
    ),
    "any other attribute": (
        lambda: resize.nothing,
        AttributeError,
        "a task has no attribute 'nothing'",
    ),
    "an argument is missing": (
        resize.enqueue,
        TypeError,
        "resize(): missing a required argument: 'width'",
    ),
    "an unknown argument": (
        lambda: resize.enqueue(1, colour="red"),
        TypeError,
        "resize(): got an unexpected keyword argument 'colour'",
    ),
    "an option of another task queue": (
        lambda: resize.options(delay=5),
        ConfigError,
        "unknown option 'delay'; did you mean 'process_in'?",
    ),
    "an unknown option": (
        lambda: resize.options(qqq=5),
        ConfigError,
        "unknown option 'qqq'; options are " + ", ".join(EnqueueOptions.__dataclass_fields__),
    ),
    "a misspelt option of a decorator": (
        lambda: app.task(max_retries=3),
        ConfigError,
        "unknown option 'max_retries'; did you mean 'max_retry'?",
    ),
    "the type as an option": (
        lambda: app.task(name="x"),
        ConfigError,
        "unknown option 'name'; the task type comes first, as in @app.task(\"email:welcome\")",
    ),
    "a number as retry_delay of a task": (
        lambda: app.task(retry_delay=5)(plain),
        ConfigError,
        "retry_delay must be callable, not int; write retry.fixed(5)",
    ),
    "a number as retry_delay of an App": (
        lambda: App(URL, retry_delay=5),
        ConfigError,
        "retry_delay must be callable, not int; write retry.fixed(5)",
    ),
    "a name in place of the URL": (
        lambda: App("shop"),
        ConfigError,
        "'shop' is not the URL of a Redis; to name the App write App(name='shop')",
    ),
    "a URL without its beginning": (
        lambda: App("localhost:6379/0"),
        ConfigError,
        "a redis URL begins with redis:, as in redis://localhost:6379/0",
    ),
    "the URL by the name of the flag": (
        lambda: App(redis_url=URL),
        ConfigError,
        (
            "unknown setting 'redis_url'; where Redis is comes first, as in "
            'App("redis://localhost:6379")'
        ),
    ),
    "an option of tasks as a setting": (
        lambda: App(URL, max_retry=3),
        ConfigError,
        (
            "unknown setting 'max_retry'; options of all tasks are "
            "task_defaults=EnqueueOptions(max_retry=…)"
        ),
    ),
    "an option of another task queue as a setting": (
        lambda: App(URL, result_ttl=3),
        ConfigError,
        (
            "unknown setting 'result_ttl'; options of all tasks are "
            "task_defaults=EnqueueOptions(retention=…)"
        ),
    ),
    "one queue as a setting": (
        lambda: App(URL, queue="mail"),
        ConfigError,
        "unknown setting 'queue'; did you mean 'queues'?",
    ),
    "a list of queues": (
        lambda: App(URL, queues=["a", "b"]),
        ConfigError,
        "queues must map at least one name to its priority, not ['a', 'b']",
    ),
    "a task without a type for enqueue_many": (
        lambda: app.enqueue_many([resize(1)]),
        ConfigError,
        (
            "task 0: expected a Task, or a Task and its EnqueueOptions, not int; "
            "a task function makes one from its arguments with bind(...)"
        ),
    ),
    "the harness outside of its block": (
        lambda: app.testing().run_pending(),
        ServerStateError,
        "the harness has a Redis only in its block; write `with app.testing() as harness:` "
        "around it",
    ),
    "the reason of a RetryLater first": (
        lambda: RetryLater("too many"),
        ConfigError,
        (
            "delay of RetryLater must be a timedelta or a number of seconds, not 'too many'; "
            "a reason comes second, as in RetryLater(60, 'too many requests')"
        ),
    ),
    "queue and ID swapped": (
        lambda: app.task_handle(ID, "mail"),
        ConfigError,
        f"'{ID}' is the ID of a task; write task_handle('mail', '{ID}')",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_what_to_write(name):
    act, kind, text = MISTAKES[name]

    with pytest.raises(kind) as caught:
        act()

    assert str(caught.value) == text


def test_what_a_function_does_take_is_no_option():
    assert welcome.bind(1, queue="x").payload == b'{"user":1,"queue":"x"}'
    with pytest.raises(TypeError, match=re.escape("multiple values for argument 'queue'")):
        welcome.bind(1, "x", queue="y")


def test_every_setting_is_known():
    config = ServerConfig()
    settings = {name: getattr(config, name) for name in config.__dataclass_fields__}

    assert App(URL, **settings).config == config


def test_an_order_that_is_returned_is_told_to_be_raised():
    testing = App(URL)

    @testing.task(max_retry=0)
    async def later():
        return RetryLater(3)

    with testing.testing() as harness:
        later.enqueue()
        (handled,) = harness.run_pending()

    assert isinstance(handled.error, PayloadError)
    assert str(handled.error) == "the function returned RetryLater; write `raise RetryLater(…)`"


def test_the_result_of_a_task_that_keeps_none_is_told_at_once():
    with app.testing():
        handle = resize.enqueue(1)

        with pytest.raises(ResultNotKeptError) as caught:
            handle.result()

    assert str(caught.value) == (
        f"the result of task {handle.id!r} is not kept: it has no retention; "
        "write retention=600 to keep it for ten minutes"
    )


async def test_the_result_of_a_task_that_keeps_none_is_told_at_once_in_async_code():
    async with app.testing():
        handle = await resize.aenqueue(1)

        with pytest.raises(ResultNotKeptError, match="write retention=600"):
            await handle.aresult()


def test_a_task_is_enqueued_with_what_the_advice_says():
    with app.testing() as harness:
        resize.options(process_in=5).enqueue(1)
        (stored,) = app.enqueue_many([resize.bind(2)])

        assert stored.error is None
        assert [each.type for each in harness.run_pending()] == ["resize"]
        assert resize.bind(2) == Task("resize", b'{"width":2}')
