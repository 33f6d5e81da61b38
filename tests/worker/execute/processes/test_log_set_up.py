"""What a child process is told of the logging of its worker, whatever that is."""

import logging

import msgspec
import pytest

from pyasynq.worker.execute.processes.log_set_up import Format, LogSetUp, log_set_up
from pyasynq.worker.log_fields import TaskFields


class Listing(logging.Formatter):
    """One that keeps a list of names as its format, as formatters of JSON do."""

    def __init__(self):
        super().__init__()
        self._fmt, self.datefmt = ["levelname", "message"], 7


@pytest.fixture
def handler(monkeypatch):
    handler = logging.NullHandler()
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    return handler


def test_a_format_that_is_no_text_does_not_keep_processes_from_starting(handler):
    handler.setFormatter(Listing())
    handler.addFilter(TaskFields(placeholder=0))

    told = log_set_up()

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(told), type=LogSetUp) == told
    assert told.lines == Format(format=None, date_format=None, style="%", defaults={})
