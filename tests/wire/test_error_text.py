"""The stored text of an exception: its type, message and source line; always valid UTF-8."""

import asyncio
import re

import pytest

from pyasynq.errors import HandlerNotFoundError, PayloadError
from pyasynq.wire.error_text import LONGEST_ERROR_BYTES, error_text, keep_text
from pyasynq.worker.attempt.outcome import error_of
from pyasynq.worker.attempt.running_task import Ending
from pyasynq.worker.execute.processes.protocol import exception_of, raised
from tests.support.odd_errors import Clueless, Frozen, Interrupting, Odd, Unspeakable


def caught(act) -> BaseException:
    try:
        act()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def raising(error: BaseException):
    def act():
        raise error

    return act


def undecodable():
    b"\xff".decode()


ENDLESS = type("Endless" * 2_000, (Exception,), {})
AT = r" \[tests/wire/test_error_text\.py:\d+\]"
KINDS = {
    "ordinary": (raising(ValueError("bad size")), f"ValueError: bad size{AT}"),
    "no message": (raising(KeyError()), f"KeyError{AT}"),
    "exit": (raising(SystemExit(3)), f"SystemExit: 3{AT}"),
    "no text": (raising(Unspeakable()), rf"Unspeakable: \(its message cannot be read\){AT}"),
    "interrupts": (raising(Interrupting()), rf"Interrupting: \(its message cannot be read\){AT}"),
    "no attributes": (raising(Clueless("far")), f"Clueless: far{AT}"),
    "frozen": (raising(Frozen("cold")), f"Frozen: cold{AT}"),
    "odd text": (raising(Odd()), f"Odd: odd{AT}"),
    "surrogates": (raising(ValueError("a\ud800b")), rf"ValueError: a\\ud800b{AT}"),
    "zero byte": (raising(ValueError("a\0b")), f"ValueError: a\0b{AT}"),
    "lines": (raising(ValueError("a\nb")), f"ValueError: a\nb{AT}"),
    "undecodable": (undecodable, f"UnicodeDecodeError: 'utf-8' codec can't decode .*{AT}"),
    "long": (raising(ValueError("é" * 1_000_000)), f"ValueError: é+…{AT}"),
    "long name": (raising(ENDLESS("x")), f"(Endless)+E?n?d?l?e?s?…{AT}"),
    "group": (
        raising(ExceptionGroup("two", [ValueError("first"), KeyError("second")])),
        rf"ExceptionGroup: two \(2 sub-exceptions\){AT}: ValueError: first",
    ),
    "group in a group": (
        raising(ExceptionGroup("o" * 9_000, [ExceptionGroup("i", [Unspeakable()])])),
        rf"ExceptionGroup: o+…{AT}: Unspeakable: \(its message cannot be read\)",
    ),
}


@pytest.mark.parametrize(("act", "text"), KINDS.values(), ids=KINDS)
def test_it_names_the_type_the_message_and_the_source_line(act, text):
    stored = error_text(caught(act))

    assert re.fullmatch(text, stored, re.DOTALL), stored
    assert len(stored.encode("utf-8", "strict")) <= LONGEST_ERROR_BYTES


@pytest.mark.parametrize("act", [act for act, _text in KINDS.values()], ids=KINDS)
def test_it_comes_unchanged_out_of_a_process_of_its_own(act):
    error = caught(act)

    assert error_text(exception_of(raised(error))) == error_text(error)


def test_the_source_line_is_where_it_was_raised_and_not_where_it_passed():
    def deep():
        raise ValueError("bad")

    line = deep.__code__.co_firstlineno + 1

    assert error_text(caught(deep)) == f"ValueError: bad [tests/wire/test_error_text.py:{line}]"


def test_a_source_line_that_no_file_has_is_cut_and_cleaned():
    code = compile("raise ValueError('bad')", "\ud800" + "x" * 9_000, "exec")

    stored = error_text(caught(lambda: exec(code)))

    assert stored.startswith("ValueError: bad [\\ud800xxx")
    assert len(stored) < 300


def test_an_end_of_iteration_is_named_although_python_replaces_it():
    async def handler():
        raise StopIteration("end")

    stored = error_text(caught(lambda: asyncio.run(handler())))

    assert re.fullmatch(f"StopIteration: end{AT}", stored)


def test_a_group_of_a_task_group_names_what_failed_in_it():
    async def fail():
        raise ValueError("bad")

    async def handler():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())

    stored = error_text(caught(lambda: asyncio.run(handler())))

    assert re.search(rf"\(1 sub-exception\) \[.*\]: ValueError: bad{AT}", stored)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HandlerNotFoundError("email"), 'handler not found for task "email"'),
        (error_of(Ending.TIMED_OUT), "context deadline exceeded"),
        (error_of(Ending.CANCELLED), "context canceled"),
        (error_of(Ending.LEASE_LOST), "asynq: task lease expired"),
    ],
)
def test_errors_that_go_has_texts_for_have_these_texts(error, text):
    assert error_text(caught(raising(error))) == text


def test_a_text_made_elsewhere_is_kept_on_any_exception():
    error = Frozen("cold")

    keep_text(error, "made elsewhere")

    assert error_text(error) == "made elsewhere"


def test_the_value_of_a_payload_is_not_in_the_text():
    error = PayloadError("expected int, got str", path="$.a")
    error.task_type, error.parameter, error.value = "f", "a", "'secret'"

    assert str(error) == "$.a: expected int, got str ('secret'); parameter 'a' of task 'f'"
    assert error_text(error) == "$.a: expected int, got str; parameter 'a' of task 'f'"
