"""The trace and the span in which the caller runs."""

import subprocess
import sys

import pytest
from opentelemetry import context, trace

from pyasynq.tracing import Trace, current_trace

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
