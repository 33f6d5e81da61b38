"""Ctrl-C during long work."""

import signal

import pytest

from pyasynq.cli.interrupts import asked_to_stop, until_signal


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)  # to this thread: another one would tell it a moment later


def test_the_first_ctrl_c_asks_and_the_second_one_ends():
    with pytest.raises(KeyboardInterrupt), asked_to_stop() as is_asked:
        was_asked = is_asked()
        press_ctrl_c()
        is_asked_now = is_asked()
        press_ctrl_c()

    assert (was_asked, is_asked_now) == (False, True)


def test_afterwards_ctrl_c_means_what_it_meant_before():
    before = signal.getsignal(signal.SIGINT)

    with asked_to_stop():
        pass

    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_serves_until_a_signal_gives_both_back(number):
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]

    with until_signal() as stopped:
        was_stopped = stopped.is_set()
        signal.raise_signal(number)
        is_stopped = stopped.wait(5)

    assert (was_stopped, is_stopped) == (False, True)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
