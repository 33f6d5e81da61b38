"""Tracebacks as the log shows them."""

import asyncio
import json
import re

import pytest

import pyasynq.errors
from pyasynq.payload import PayloadCodec
from pyasynq.wire.traceback_text import traceback_text
from pyasynq.worker.config import ServerConfig


class Context: ...


def refused() -> ValueError:
    def handle(number: int): ...

    with pytest.raises(ValueError, match="sesame") as caught:
        PayloadCodec(handle, Context, task_type="t").encode("open sesame")
    return caught.value


def as_it_is(error: ValueError) -> BaseException:
    return error


def as_cause(error: ValueError) -> BaseException:
    failed = RuntimeError("failed")
    failed.__cause__ = error
    return failed


def as_context(error: ValueError) -> BaseException:
    failed = RuntimeError("failed")
    failed.__context__ = error
    return failed


def in_group(error: ValueError) -> BaseException:
    return ExceptionGroup("several", [OSError(), as_cause(error)])


@pytest.mark.parametrize("error_of", [as_it_is, as_cause, as_context, in_group])
def test_the_value_of_a_payload_is_not_in_it(error_of):
    text = traceback_text(error_of(refused()))

    assert "$.number: expected int, got str; parameter 'number' of task 't'" in text
    assert "sesame" not in text.replace('encode("open sesame")', "")


def caught(act) -> BaseException:
    with pytest.raises(Exception) as raised:
        act()
    return raised.value


def test_frames_of_what_runs_handlers_are_left_out_of_causes_and_groups_too():
    async def handler():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    async def fail():
        try:
            json.loads("{")
        except ValueError as error:
            raise RuntimeError("cannot read") from error

    text = traceback_text(caught(lambda: asyncio.run(handler())))

    files = set(re.findall(r'File "([^"]+)"', text))
    assert __file__ in files
    assert json.decoder.__file__ in files
    assert not [file for file in files if "asyncio" in file]


def test_an_error_of_pyasynq_needs_no_frames():
    error = caught(lambda: ServerConfig(concurrency=0))

    assert "worker/config.py" not in traceback_text(error)
    assert traceback_text(error).endswith(
        "concurrency must be a whole number from 1 to 100000, not 0"
    )


def test_a_bug_of_pyasynq_keeps_its_frames():
    """Seen from a server's own asyncio task, where no frame of a user is around it."""
    code = compile("async def step(): raise KeyError('bug')", pyasynq.errors.__file__, "exec")
    names: dict = {}
    exec(code, names)

    async def run():
        step = asyncio.create_task(names["step"]())
        await asyncio.wait({step})
        return step.exception()

    assert f'File "{pyasynq.errors.__file__}"' in traceback_text(asyncio.run(run()))
