"""What a child does when its worker says this or that, in an order that seldom happens."""

import os
import signal

import pytest

from pyasynq.worker.execute.processes.protocol import (
    Cancel,
    Raised,
    Reported,
    Returned,
    WriteResult,
    Written,
)
from tests.support.child_by_hand import child_by_hand
from tests.support.process_handlers import (
    fork_and_return,
    give_up_a_write,
    own_pid,
    payload_of,
    progress,
    report_twice,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def child():
    with child_by_hand() as child:
        yield child


def test_a_cancellation_may_come_before_the_call_that_it_is_for(child, tmp_path):
    goal = tmp_path / "goal"
    goal.touch()
    child.calls.send(child.next_call(progress, str(goal).encode()))
    written = child.channel.receive()
    assert isinstance(written, WriteResult)
    child.channel.send(Cancel(2), Written(written.number))  # in this order
    assert child.calls.receive() == Returned(None)

    child.calls.send(child.next_call(progress, str(goal).encode()))
    answer = child.calls.receive()

    assert isinstance(answer, Raised)
    assert answer.name == "CancelledError"


def test_a_cancellation_that_comes_too_late_is_not_for_the_next_call(child):
    for number in range(1, 20):
        child.calls.send(child.next_call(own_pid))
        child.channel.send(Cancel(number - 1))
        assert isinstance(child.calls.receive(), Returned)


def test_signals_while_it_waits_for_a_call_leave_a_child_as_it_is(child):
    child.calls.send(child.next_call(own_pid))
    pid = child.calls.receive().result
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTSTP, signal.SIGWINCH):
        os.kill(int(pid), number)

    child.calls.send(child.next_call(own_pid))

    assert child.calls.receive() == Returned(pid)


def test_a_call_that_comes_in_pieces_waits_for_its_end(child):
    payload = os.urandom(3_000_000)

    child.calls.send(child.next_call(payload_of, payload))  # more than a socket holds at once

    assert child.calls.receive() == Returned(payload)


def test_calls_that_come_in_one_piece_are_answered_one_after_the_other(child):
    child.calls.send(child.next_call(payload_of, b"1"), child.next_call(payload_of, b"2"))

    assert [child.calls.receive(), child.calls.receive()] == [Returned(b"1"), Returned(b"2")]


def test_only_the_process_that_was_called_answers_if_the_handler_forks(child):
    child.calls.send(child.next_call(fork_and_return))
    assert child.calls.receive() == Returned(b"forked")  # its copy has ended by now

    child.calls.send(child.next_call(payload_of, b"next"))

    assert child.calls.receive() == Returned(b"next")


def test_the_answer_to_a_result_that_was_given_up_is_not_that_to_the_next_one(child):
    child.calls.send(child.next_call(give_up_a_write))
    first, second = child.channel.receive(), child.channel.receive()
    assert isinstance(first, WriteResult)
    assert isinstance(second, WriteResult)
    assert (first.result, second.result) == (b"first", b"second")

    child.channel.send(Written(first.number, "too late"), Written(second.number))

    assert child.calls.receive() == Returned(b"second was stored")


def test_the_last_report_of_a_handler_comes_before_its_answer_on_the_same_socket(child):
    call = child.next_call(report_twice)
    child.calls.send(call)
    first, write = child.channel.receive(), child.channel.receive()
    child.channel.send(Written(write.number))

    assert first == Reported(number=call.number, done=1, total=2, note="")
    assert child.calls.receive() == Reported(number=call.number, done=2, total=2, note="")
    assert child.calls.receive() == Returned(None)
