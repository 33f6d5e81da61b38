"""Guessing is slowed down, in bounded memory."""

import pytest

from pyasynq.web.access.throttle import Throttle


class Seconds:
    def __init__(self):
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


def test_each_wait_is_twice_as_long_up_to_a_minute(seconds):
    throttle = Throttle(seconds)
    waits = []

    for _ in range(15):
        seconds.now += throttle.wait_s("192.0.2.1")
        throttle.begin("192.0.2.1")
        waits.append(throttle.wait_s("192.0.2.1"))

    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]


def test_a_success_and_a_quarter_of_an_hour_forget_what_was(seconds):
    throttle = Throttle(seconds)
    for address in ("192.0.2.1", "192.0.2.2"):
        for _ in range(9):
            throttle.begin(address)

    throttle.succeeded("192.0.2.1")
    first, second = throttle.wait_s("192.0.2.1"), throttle.wait_s("192.0.2.2")
    seconds.now += 901

    assert (first, second, throttle.wait_s("192.0.2.2")) == (0, 16, 0)


def test_addresses_of_one_network_or_in_another_form_are_one_visitor(seconds):
    throttle = Throttle(seconds)
    for number in range(5):
        throttle.begin(f"2001:db8::{number}")
        throttle.begin("::ffff:192.0.2.1")

    assert throttle.wait_s("2001:db8::ffff") == 1
    assert throttle.wait_s("2001:db8:0:1::1") == 0
    assert throttle.wait_s("192.0.2.1") == 1


def test_only_so_many_addresses_are_remembered(seconds):
    throttle = Throttle(seconds, most=100)

    for number in range(10_000):
        throttle.begin(f"10.0.{number // 256}.{number % 256}")

    assert len(throttle._failed) == 100
