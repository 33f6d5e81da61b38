"""Tracebacks as the log shows them."""

import pytest

from pyasynq.payload import PayloadCodec
from pyasynq.wire.traceback_text import traceback_text


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
@pytest.mark.parametrize("is_whole", [True, False])
def test_the_value_of_a_payload_is_not_in_it(error_of, is_whole):
    text = traceback_text(error_of(refused()), is_whole=is_whole)

    assert "$.number: expected int, got str; parameter 'number' of task 't'" in text
    assert "sesame" not in text.replace('encode("open sesame")', "")
