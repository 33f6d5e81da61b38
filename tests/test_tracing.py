"""The trace and the span in which the caller runs."""

import subprocess
import sys

import pytest
from opentelemetry import context, trace

from pyasynq import tracing
from pyasynq.tracing import NoSpan, Trace, add_companion, chosen, current_trace

TRACE_ID, SPAN_ID = 0x0AF7651916CD43DD8448EB211C80319C, 0x00F067AA0BA902B7


@pytest.fixture
def entered():
    """Return a function that makes a span of these IDs the current one, until the test ends."""
    tokens = []

    def enter(trace_id, span_id):
        found = trace.SpanContext(trace_id, span_id, is_remote=False)
        span = trace.NonRecordingSpan(found)
        tokens.append(context.attach(trace.set_span_in_context(span)))

    yield enter
    for token in reversed(tokens):
        context.detach(token)


def test_the_current_trace_is_told_in_hexadecimal_digits_with_leading_zeros(entered):
    entered(TRACE_ID, SPAN_ID)

    assert current_trace() == Trace("0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7")


def test_outside_of_every_span_there_is_no_trace():
    assert current_trace() is None


def test_a_span_without_valid_ids_is_no_trace(entered):
    entered(0, 0)

    assert current_trace() is None


def test_a_span_of_a_class_that_fails_is_no_trace():
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(None)))

    try:
        assert current_trace() is None
    finally:
        context.detach(token)


def test_asking_for_the_trace_does_not_import_opentelemetry():
    code = (
        "import sys; from pyasynq.tracing import current_trace; "
        "print(current_trace(), 'opentelemetry' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "None False\n"


class Telling:
    """A tracing whose spans carry these headers, and that notes what becomes of them."""

    def __init__(self, notes, **headers):
        self.notes, self.headers = notes, headers

    def enqueue(self, **facts):
        return self

    def enter(self):
        self.notes.append(f"enter {self.headers['who']}")
        return lambda: self.notes.append(f"leave {self.headers['who']}")

    def end(self, ended):
        self.notes.append(f"end {self.headers['who']}")


@pytest.fixture
def notes(monkeypatch):
    monkeypatch.setattr(tracing, "_companions", [])
    return []


def test_a_companion_is_told_besides_the_tracing_that_is_given(notes):
    own = Telling(notes, who="own", baggage="a=1", traceparent="x")
    add_companion(Telling(notes, who="companion", baggage="b=2", other="y"))

    span = chosen(own).enqueue(task_type="a", queue="", body_size=0, address="")
    span.enter()()
    span.end(None)

    assert notes == [
        *("enter own", "enter companion", "leave companion", "leave own"),
        *("end own", "end companion"),
    ]
    assert span.headers == {"who": "own", "baggage": "a=1,b=2", "traceparent": "x", "other": "y"}


def test_a_companion_alone_is_the_tracing(notes):
    alone = Telling(notes, who="alone")
    add_companion(alone)

    assert chosen(None) is alone


def test_without_a_companion_the_tracing_is_that_which_is_given(notes):
    own = NoSpan()

    assert (chosen(own), chosen(None)) == (own, None)
