"""Waits before something is tried again."""

import itertools
from random import Random

from pyasynq.lifecycle.backoff import Backoff


def test_each_wait_is_twice_the_one_before_up_to_the_longest():
    backoff = Backoff(1, 30, jitter=0)

    assert [backoff.next_s() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_success_begins_again_with_the_first_wait():
    backoff = Backoff(1, 30, jitter=0)
    waits = [backoff.next_s() for _ in range(3)]

    backoff.reset()

    assert (waits, backoff.next_s()) == ([1, 2, 4], 1)


def test_waits_are_varied_by_their_share_and_no_more():
    waits = [Backoff(1, 30, jitter=0.5, random=Random(seed)).next_s() for seed in range(100)]

    assert all(0.5 <= wait <= 1.5 for wait in waits)
    assert max(waits) - min(waits) > 0.8


def test_no_wait_is_longer_than_the_longest_with_its_jitter():
    backoff = Backoff(1, 4, jitter=0.5, random=Random(7))

    waits = itertools.islice(iter(backoff.next_s, None), 100)

    assert max(waits) <= 4
