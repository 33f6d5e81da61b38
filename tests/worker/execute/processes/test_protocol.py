"""What a handler raises in a process comes out of it unchanged."""

from pyasynq.control_flow import RetryLater
from pyasynq.worker.execute.processes.protocol import exception_of, raised


def test_a_delay_of_any_length_comes_out_of_a_process_unchanged():
    error = RetryLater(86_399_999_999_999.5)

    assert exception_of(raised(error)).delay == error.delay


def test_a_reason_comes_out_of_a_process_unchanged():
    error = ValueError("outside")
    error.__cause__ = RetryLater(5, "locked")

    assert exception_of(raised(RetryLater(5, "too many requests"))).reason == "too many requests"
    assert exception_of(raised(error)).__cause__.reason == "locked"


def test_no_reason_stays_no_reason_on_the_way_out_of_a_process():
    error = exception_of(raised(RetryLater(5)))

    assert (error.reason, str(error)) == ("", "retry in 5 s")
