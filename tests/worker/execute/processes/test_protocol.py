"""What a handler raises in a process comes out of it unchanged."""

from pyasynq.control_flow import RetryLater
from pyasynq.worker.execute.processes.protocol import exception_of, raised


def test_a_delay_of_any_length_comes_out_of_a_process_unchanged():
    error = RetryLater(86_399_999_999_999.5)

    assert exception_of(raised(error)).delay == error.delay
