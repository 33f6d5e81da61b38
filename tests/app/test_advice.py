"""What is told to write instead: the relatives of the mistakes in test_mistakes.py."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pyasynq import Server, ServerConfig, retry
from pyasynq.app import App
from pyasynq.app.advice import (
    ATTRIBUTES_OF_A_HANDLE,
    ATTRIBUTES_OF_A_TASK,
    ATTRIBUTES_OF_AN_APP,
)
from pyasynq.control_flow import RetryLater
from pyasynq.errors import (
    ConfigError,
    PayloadError,
    QueueNotFoundError,
    ResultNotKeptError,
    ServerStateError,
)
from pyasynq.options import EnqueueOptions
from pyasynq.spelling import EXPLANATIONS, OTHER_WORDS
from pyasynq.task import Task

URL = "redis://127.0.0.1:1"
ID = "0b5a4d9e-3f3c-4c53-9f0a-2f0c3f9a8b11"
app = App(URL, enqueue_patience=0)


@app.task
def resize(width: int) -> int:
    return width


@app.task("email:welcome")
def welcome(user: int, queue: str = "") -> None: ...


@app.task
def anything(value) -> None: ...


def plain(width: int) -> None: ...


@pytest.mark.parametrize(("option", "told"), [("ttl", "expires"), ("failure_ttl", "archive_max")])
def test_an_option_about_time_to_live_is_answered_with_what_rq_means_by_it(option, told):
    with pytest.raises(ConfigError, match=told):
        app.task(**{option: 60})


MISTAKES = {
    "options of other task queues beside the arguments": (
        lambda: resize.bind(1, countdown=5, retries=3),
        TypeError,
        (
            "resize(): got an unexpected keyword argument 'countdown'; "
            "for options write resize.options(process_in=…, max_retry=…).enqueue(…)"
        ),
    ),
    "an option of arq beside the arguments": (
        lambda: resize.bind(1, _defer_by=5),
        TypeError,
        (
            "resize(): got an unexpected keyword argument '_defer_by'; "
            "for options write resize.options(process_in=…).enqueue(…)"
        ),
    ),
    "an option without a counterpart beside the arguments": (
        lambda: resize.bind(1, priority=5),
        TypeError,
        (
            "resize(): got an unexpected keyword argument 'priority'; "
            'queues have priorities, as in App(queues={"critical": 6, "default": 1})'
        ),
    ),
    "any other argument": (
        lambda: resize.enqueue(1, colour="red"),
        TypeError,
        "resize(): got an unexpected keyword argument 'colour'",
    ),
    "any other attribute of a task": (
        lambda: resize.nothing,
        AttributeError,
        "a task has no attribute 'nothing'",
    ),
    "an option of a task as an attribute": (
        lambda: resize.queue,
        AttributeError,
        "a task has no attribute 'queue'; write default_options.queue",
    ),
    "the function of a task": (
        lambda: resize.fn(1),
        AttributeError,
        "a task has no attribute 'fn'; write task(…), which calls its function",
    ),
    "a method of an App elsewhere": (
        lambda: app.on_startup,
        AttributeError,
        "an App has no attribute 'on_startup'; write @app.lifespan",
    ),
    "any other attribute of an App": (
        lambda: app.nothing,
        AttributeError,
        "an App has no attribute 'nothing'",
    ),
    "a method of a handle elsewhere": (
        lambda: app.task_handle("mail", "7").get(),
        AttributeError,
        (
            "a handle has no attribute 'get'; write result(timeout=…), "
            "or `await aresult(…)` in async code"
        ),
    ),
    "any other attribute of a handle": (
        lambda: app.task_handle("mail", "7").nothing,
        AttributeError,
        "a handle has no attribute 'nothing'",
    ),
    "an unknown option": (
        lambda: resize.options(qqq=5),
        ConfigError,
        "unknown option 'qqq'; use one of " + ", ".join(EnqueueOptions.__dataclass_fields__),
    ),
    "an option of the decorator at a call": (
        lambda: resize.options(retry_delay=5),
        ConfigError,
        "unknown option 'retry_delay'; it belongs to the task: @app.task takes it",
    ),
    "an option that is not needed here": (
        lambda: app.task(acks_late=True),
        ConfigError,
        "unknown option 'acks_late'; a task leaves Redis only when it is done",
    ),
    "exceptions to retry for": (
        lambda: app.task(autoretry_for=(OSError,)),
        ConfigError,
        (
            "unknown option 'autoretry_for'; every exception is retried; `raise SkipRetry()` "
            "and is_failure=… decide otherwise"
        ),
    ),
    "a number as retry_delay of an App": (
        lambda: App(URL, retry_delay=5),
        ConfigError,
        "retry_delay must be callable, not int; write retry.fixed(5)",
    ),
    "a list as retry_delay": (
        lambda: app.task(retry_delay=[1, 2])(plain),
        ConfigError,
        "retry_delay must be callable, not list; write retry.schedule([…])",
    ),
    "a function as retry_delay that takes nothing": (
        lambda: app.task(retry_delay=lambda: 5)(plain),
        ConfigError,
        "retry_delay must take 3 arguments (times retried, error, task)",
    ),
    "what makes a retry_delay in its place": (
        lambda: App(URL, retry_delay=retry.exponential),
        ConfigError,
        "retry_delay must be what retry.exponential(…) returns, not retry.exponential itself",
    ),
    "an exception as is_failure": (
        lambda: app.task(is_failure=ValueError)(plain),
        ConfigError,
        "is_failure must be a function; write `lambda error: isinstance(error, ValueError)`",
    ),
    "a name with a hyphen in place of the URL": (
        lambda: App("my-shop"),
        ConfigError,
        "'my-shop' is not the URL of a Redis; to name the App write App(name='my-shop')",
    ),
    "a URL without its beginning": (
        lambda: App("localhost:6379/0"),
        ConfigError,
        ("a redis URL cannot begin with 'localhost'; did you mean redis://localhost:6379/0?"),
    ),
    "something else in place of the URL": (
        lambda: App(("localhost", 6379)),
        ConfigError,
        "the first argument is a URL, ConnectionOptions or a client of redis-py, not tuple",
    ),
    "a part of the URL as a setting": (
        lambda: App(URL, password="secret"),
        ConfigError,
        (
            "unknown setting 'password'; it is a part of the URL, as in "
            'App("redis://user:password@localhost:6379/0")'
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
    "a setting of arq": (
        lambda: App(URL, max_jobs=3),
        ConfigError,
        "unknown setting 'max_jobs'; did you mean 'concurrency'?",
    ),
    "what a decorator does as a setting": (
        lambda: App(URL, on_startup=plain),
        ConfigError,
        (
            "unknown setting 'on_startup'; what happens around the work of a worker is written "
            "with @app.lifespan"
        ),
    ),
    "one queue as a setting": (
        lambda: App(URL, queue="mail"),
        ConfigError,
        "unknown setting 'queue'; did you mean 'queues'?",
    ),
    "a dict as task_defaults": (
        lambda: App(URL, task_defaults={"max_retry": 3}),
        ConfigError,
        "task_defaults must be EnqueueOptions, not dict; write EnqueueOptions(max_retry=…)",
    ),
    "a handle for enqueue_many": (
        lambda: app.enqueue_many([app.task_handle("mail", "7")]),
        ConfigError,
        (
            "task 0: expected a Task, or a Task and its EnqueueOptions, not TaskHandle; "
            "a task function makes one from its arguments with bind(...)"
        ),
    ),
    "a dict for enqueue_many": (
        lambda: app.enqueue_many([{"width": 1}]),
        ConfigError,
        (
            "task 0: expected a Task, or a Task and its EnqueueOptions, not dict; "
            "a task function makes one from its arguments with bind(...)"
        ),
    ),
    "a setting of the server as a limit of a group": (
        lambda: app.aggregator("digest:*", group_max_size=3),
        ConfigError,
        "unknown limit 'group_max_size'; did you mean 'max_size'?",
    ),
    "an App for a server": (
        lambda: asyncio.run(Server(URL).serve(app)),
        ConfigError,
        "a server needs a ServeMux, not App; write app.run()",
    ),
    "a delay that is no number": (
        lambda: RetryLater(float("nan")),
        ConfigError,
        "delay of RetryLater is out of range: nan",
    ),
    "a set without an annotation": (
        lambda: anything.bind({1}),
        PayloadError,
        (
            "$.value: set would arrive as list; annotate the parameter, or pass what JSON has "
            "(text, number, bool, None, list, dict); parameter 'value' of task 'anything'"
        ),
    ),
    "a datetime without an annotation": (
        lambda: anything.bind(datetime(2030, 1, 1, tzinfo=UTC)),
        PayloadError,
        (
            "$.value: datetime would arrive as str; annotate the parameter, or pass what JSON has "
            "(text, number, bool, None, list, dict); parameter 'value' of task 'anything'"
        ),
    ),
    "an object that JSON cannot carry": (
        lambda: anything.bind({"path": [Path("/")]}),
        PayloadError,
        (
            "$.value: PosixPath cannot be written as JSON; use plain values, such as an ID; "
            "parameter 'value' of task 'anything'"
        ),
    ),
    "queue and ID swapped": (
        lambda: app.task_handle(ID, "mail"),
        ConfigError,
        (
            f"'{ID}' is the ID of a task: it looks like you swapped it with the queue; write "
            f"task_handle('mail', '{ID}')"
        ),
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


@pytest.mark.parametrize("ask", [lambda handle: handle.info(), lambda handle: handle.result()])
def test_a_queue_and_an_id_of_ones_own_that_are_swapped_are_told(ask):
    with app.testing():
        resize.options(task_id="user-5", retention=60).enqueue(1)

        with pytest.raises(QueueNotFoundError) as caught:
            ask(app.task_handle("user-5", "default"))

    assert str(caught.value) == (
        "queue 'user-5' does not exist; it looks like queue and ID were swapped, since 'default' "
        "is a queue"
    )


@pytest.mark.parametrize("ask", [lambda handle: handle.ainfo(), lambda handle: handle.aresult()])
async def test_a_queue_and_an_id_that_are_swapped_are_told_in_async_code(ask):
    async with app.testing():
        await resize.options(task_id="user-5", retention=60).aenqueue(1)

        with pytest.raises(QueueNotFoundError, match="since 'default' is a queue"):
            await ask(app.task_handle("user-5", "default"))


def test_a_queue_that_does_not_exist_is_not_called_swapped():
    with app.testing():
        with pytest.raises(QueueNotFoundError, match=r"^queue 'mail' does not exist$"):
            app.task_handle("mail", "user-5").info()
        with pytest.raises(ResultNotKeptError):
            app.task_handle("mail", "user-5").result()


def test_advice_is_only_given_for_names_that_do_not_exist():
    handle = app.task_handle("mail", "7")
    for owner, names in (
        (resize, ATTRIBUTES_OF_A_TASK),
        (app, ATTRIBUTES_OF_AN_APP),
        (handle, ATTRIBUTES_OF_A_HANDLE),
    ):
        assert [each for each in names if hasattr(owner, each)] == []


def test_words_of_others_stand_for_options_and_settings_that_exist():
    known = {*EnqueueOptions.__dataclass_fields__, *ServerConfig.__dataclass_fields__}

    assert set(OTHER_WORDS.values()) <= known
    assert not set(OTHER_WORDS) & known
    assert not set(EXPLANATIONS) & set(EnqueueOptions.__dataclass_fields__)


def test_every_setting_is_known():
    config = ServerConfig()
    settings = {name: getattr(config, name) for name in config.__dataclass_fields__}

    assert App(URL, **settings).config == config


def test_a_harness_runs_nothing_once_its_block_is_left():
    with app.testing() as harness:
        resize.enqueue(1)

    with pytest.raises(ServerStateError, match="the harness has a Redis only in its block"):
        harness.run_pending()


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
