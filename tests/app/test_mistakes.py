"""Twenty-five likely mistakes of somebody who comes from another task queue, and what each is told.

The table has them in order: what is written, and what is told, be it by an exception, a warning or
the log of a worker. Each runs against a real App and a real Redis.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from pyasynq import App, Client, RetryLater, Task

URL = "redis://127.0.0.1:1"


class Desk:
    """An application and the Redis of a test, for a mistake to be made with."""

    def __init__(self, redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
        self.app = App(redis_url, queues={"critical": 6, "default": 3})
        self.resize = self.app.task(resize)
        self._redis_url = redis_url
        self._caplog = caplog

    def in_async_code(self, act: Callable[[], object]) -> object:
        async def main() -> object:
            return act()

        return asyncio.run(main())

    def log_of_a_start(self) -> str:
        """Return what a worker warns of when it starts."""

        async def main() -> None:
            async with self.app.server().running(self.app.mux):
                pass

        asyncio.run(main())
        return self._lines()[0]

    def log_of_one(self, task_type: str, payload: bytes | None = None) -> str:
        """Return what a worker says about one task that somebody else has enqueued."""
        with self.app.testing() as harness, Client(harness.url) as client:
            client.enqueue(Task(task_type, payload), task_id="5f0c2a1b", max_retry=0)
            harness.run_pending()
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        return [
            f"{each.levelname} {each.name}: {each.getMessage()}"
            for each in self._caplog.records
            if each.levelno >= logging.WARNING
        ]

    def task(self, function: Callable, *args, **options) -> Callable:
        return self.app.task(*args, **options)(function)

    def run_later(self) -> None:
        @self.app.task(max_retry=0)
        async def later():
            return RetryLater(3)

        with self.app.testing() as harness:
            later.enqueue()
            (handled,) = harness.run_pending()
        raise handled.error


def resize(width: int) -> int:
    return width


def rename(order_id: int, note: str = "") -> None: ...


def thumbnail(path: Path) -> None: ...


def read(*paths: str) -> None: ...


def scoped() -> Callable:
    def inner() -> None: ...

    return inner


def twice(desk: Desk) -> None:
    for _ in range(2):

        @desk.app.task("report")
        def report() -> None: ...


MISTAKES = [
    (
        "1: an option beside the arguments",
        lambda on: on.resize.enqueue(1, process_in=5),
        (
            "TypeError: resize(): got an unexpected keyword argument 'process_in'; "
            "for options write "
            "resize.options(process_in=…).enqueue(…)"
        ),
    ),
    (
        "2: the method of another task queue",
        lambda on: on.resize.delay(1),
        (
            "AttributeError: a task has no attribute 'delay'; write enqueue(…), or "
            "`await aenqueue(…)` in async code"
        ),
    ),
    (
        "2: apply_async",
        lambda on: on.resize.apply_async((1,), countdown=5),
        (
            "AttributeError: a task has no attribute 'apply_async'; write "
            "options(process_in=…).enqueue(…)"
        ),
    ),
    (
        "2: send",
        lambda on: on.resize.send(1),
        (
            "AttributeError: a task has no attribute 'send'; write enqueue(…), or "
            "`await aenqueue(…)` in async code"
        ),
    ),
    (
        "3: an argument of another type",
        lambda on: on.resize.enqueue("1"),
        "PayloadError: $.width: expected int, got str ('1'); parameter 'width' of task 'resize'",
    ),
    (
        "4: an argument is missing",
        lambda on: on.resize.enqueue(),
        "TypeError: resize(): missing a required argument: 'width'",
    ),
    (
        "4: an argument is unknown",
        lambda on: on.resize.enqueue(1, widths=2),
        "TypeError: resize(): got an unexpected keyword argument 'widths'; did you mean 'width'?",
    ),
    (
        "5: a blocking enqueue in async code",
        lambda on: on.in_async_code(lambda: on.resize.enqueue(1)),
        "RuntimeWarning: enqueue of task 'resize' blocks the event loop; use `await aenqueue(...)`",
    ),
    (
        "6: a blocking result in async code",
        lambda on: on.in_async_code(on.app.task_handle("default", "5f0c2a1b").result),
        "ServerStateError: result() would block the event loop; use `await aresult(...)`",
    ),
    (
        "7: the result of a task that keeps none",
        lambda on: on.resize.options(task_id="5f0c2a1b").enqueue(1).result(),
        (
            "ResultNotKeptError: the result of task '5f0c2a1b' is not kept: it has no retention; "
            "write retention=600 to keep it for ten minutes"
        ),
    ),
    (
        "8: a time without a time zone",
        lambda on: on.resize.options(process_at=datetime(2030, 1, 1)),
        (
            "ConfigError: process_at has no time zone: 2030-01-01T00:00:00; use an "
            "aware datetime, such as in UTC"
        ),
    ),
    (
        "9: an option of another task queue",
        lambda on: on.resize.options(countdown=5),
        "ConfigError: unknown option 'countdown'; did you mean 'process_in'?",
    ),
    (
        "10: an option of another task queue in a decorator",
        lambda on: on.app.task(max_retries=3),
        "ConfigError: unknown option 'max_retries'; did you mean 'max_retry'?",
    ),
    (
        "11: the type as an option",
        lambda on: on.app.task(name="email:welcome"),
        (
            "ConfigError: unknown option 'name'; the task type comes first, as in "
            '@app.task("email:welcome")'
        ),
    ),
    (
        "12: a number as retry_delay",
        lambda on: on.task(rename, retry_delay=5),
        "ConfigError: retry_delay must be callable, not int; write retry.fixed(5)",
    ),
    (
        "13: a name in place of the URL",
        lambda _on: App("shop"),
        "ConfigError: 'shop' is not the URL of a Redis; to name the App write App(name='shop')",
    ),
    (
        "14: the URL by the name of the flag",
        lambda _on: App(redis_url=URL),
        (
            "ConfigError: unknown setting 'redis_url'; where Redis is comes first, as in "
            'App("redis://localhost:6379")'
        ),
    ),
    (
        "15: an option of tasks as a setting",
        lambda _on: App(URL, max_retry=3),
        (
            "ConfigError: unknown setting 'max_retry'; options of all tasks are "
            "task_defaults=EnqueueOptions(max_retry=…)"
        ),
    ),
    (
        "16: queues without priorities",
        lambda _on: App(URL, queues=["a", "b"]),
        "ConfigError: queues must map at least one name to its priority, not ['a', 'b']",
    ),
    (
        "17: a queue that is misspelt",
        lambda on: (on.task(rename, queue="critica"), on.log_of_a_start())[1],
        (
            "WARNING pyasynq.server: task 'rename' goes to queue 'critica', which "
            "this worker does not "
            "serve; did you mean 'critical'?"
        ),
    ),
    (
        "18: a task whose module the worker has not imported",
        lambda on: on.log_of_one("gone"),
        (
            "ERROR pyasynq.task: gone[5f0c2a1b] failed, attempt 1 of 1, archived: "
            "handler not found "
            'for task "gone"; does the worker import the module that registers it?'
        ),
    ),
    (
        "19: a parameter that was renamed",
        lambda on: (on.task(rename), on.log_of_one("rename", b'{"order":7}'))[1],
        (
            "WARNING pyasynq.task: the payload of a task of type 'rename' has 'order', which its "
            "function does not take: it is left out, and logged once; for a "
            "parameter that was renamed "
            "write Annotated[…, Field('order')]\n"
            "ERROR pyasynq.task: rename[5f0c2a1b] failed, attempt 1 of 1, archived: "
            "$.order_id: missing; the payload has 'order', which 'rename' does not take"
        ),
    ),
    (
        "20: two functions of one name",
        twice,
        (
            "ConfigError: task type 'report' is registered twice: at {file}:{line} "
            "and at {file}:{line}"
        ),
    ),
    (
        "21: a parameter that JSON cannot carry",
        lambda on: on.task(thumbnail),
        (
            "ConfigError: parameter 'path' of 'thumbnail' cannot be in a payload: "
            "JSON cannot carry "
            "Path; use plain types, bytes, or a model"
        ),
    ),
    (
        "21: a parameter without a name",
        lambda on: on.task(read),
        "ConfigError: parameter *paths of 'read' has no name in the payload; give it one",
    ),
    (
        "22: a call in place of a task",
        lambda on: on.app.enqueue_many([on.resize(1)]),
        (
            "ConfigError: task 0: expected a Task, or a Task and its "
            "EnqueueOptions, not int; a task "
            "function makes one from its arguments with bind(...)"
        ),
    ),
    (
        "23: a nested function in a process of its own",
        lambda on: (on.task(scoped(), executor="process"), on.app.mux),
        (
            "ConfigError: 'scoped.<locals>.inner' cannot run in a process of its "
            "own: a new process can "
            "only find functions at the top level of a module"
        ),
    ),
    (
        "24: the harness outside of its block",
        lambda on: on.app.testing().run_pending(),
        (
            "ServerStateError: the harness has a Redis only in its block; write "
            "`with app.testing() as harness:` around it"
        ),
    ),
    (
        "25: a RetryLater that is returned",
        lambda on: on.run_later(),
        "PayloadError: the function returned RetryLater; write `raise RetryLater(…)`",
    ),
    (
        "25: the reason of a RetryLater first",
        lambda _on: RetryLater("too many"),
        (
            "ConfigError: delay of RetryLater must be a timedelta or a number of seconds, not "
            "'too many'; a reason comes second, as in RetryLater(60, 'too many requests')"
        ),
    ),
]


@pytest.mark.parametrize(
    ("mistake", "told"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
)
def test_a_mistake_is_told_with_what_to_write(mistake, told, redis_url, caplog):
    desk = Desk(redis_url, caplog)

    try:
        heard = mistake(desk)
    except (Exception, Warning) as error:
        heard = f"{type(error).__name__}: {error}"
    desk.app.close()

    assert re.sub(rf"{re.escape(__file__)}:\d+", "{file}:{line}", str(heard)) == told


def test_all_twenty_five_are_in_the_table():
    numbers = [int(name.partition(":")[0]) for name, _mistake, _told in MISTAKES]

    assert list(dict.fromkeys(numbers)) == list(range(1, 26))
