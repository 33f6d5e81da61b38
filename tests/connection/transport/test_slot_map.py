"""What is known of the slots of a cluster: answers of nodes, and which of them are believed."""

import pytest
from redis.exceptions import ConnectionError as NoConnectionError

from pyasynq.connection.transport import slot_map
from pyasynq.connection.transport.slot_map import Redirect, SlotMap

A, B, C = ("10.0.0.1", 7000), ("10.0.0.2", 7000), ("10.0.0.3", 7000)
SEED = ("redis.example.com", 7000)
KEY, SLOT = "asynq:{g}:pending", 7233


def rows(*ranges):
    return [
        [first, last, *([host.encode(), port, b"id", []] for host, port in nodes)]
        for first, last, *nodes in ranges
    ]


@pytest.fixture
def slots():
    slots = SlotMap([SEED])
    slots.take(A, rows((0, 5000, A), (5001, 10_000, B, C)))
    return slots


def test_a_key_belongs_to_the_node_of_its_slot(slots):
    assert slots.owner_of(KEY) == B


def test_a_slot_that_nobody_serves_has_no_node_and_is_asked_for_again(slots, monkeypatch):
    monkeypatch.setattr(slot_map, "PAUSE_S", 0)
    assert not slots.is_due

    assert slots.owner_of("asynq:{e}:pending") is None
    assert slots.is_due


def test_a_slot_that_has_moved_is_known_at_once_and_all_are_asked_for_once(slots, monkeypatch):
    monkeypatch.setattr(slot_map, "PAUSE_S", 0)

    found = slots.redirect(B, f"MOVED {SLOT} 10.0.0.1:7000")

    assert found == Redirect(SLOT, A, is_for_now=False)
    assert slots.owner_of(KEY) == A
    assert slots.is_due
    slots.take(A, rows((0, 10_000, A)))
    assert not slots.is_due


def test_a_slot_that_is_being_moved_stays_where_it_is(slots):
    found = slots.redirect(B, f"ASK {SLOT} 10.0.0.1:7000")

    assert found == Redirect(SLOT, A, is_for_now=True)
    assert slots.owner_of(KEY) == B


@pytest.mark.parametrize(
    ("where", "address"),
    [
        ("::1:7001", ("::1", 7001)),
        ("2001:db8::5:7001", ("2001:db8::5", 7001)),
        ("node-1.example.com:7001", ("node-1.example.com", 7001)),
        (":7001", (B[0], 7001)),
        ("?:7001", (B[0], 7001)),
    ],
)
def test_a_redirection_to_any_kind_of_host_is_understood(slots, where, address):
    assert slots.redirect(B, f"MOVED {SLOT} {where}").address == address


@pytest.mark.parametrize(
    "text", ["MOVED", "MOVED 1", "MOVED x a:1", "MOVED 1 a", "ERR MOVED 1 a:1", "NOSCRIPT", ""]
)
def test_other_answers_are_no_redirection_and_no_reason_to_ask(slots, monkeypatch, text):
    monkeypatch.setattr(slot_map, "PAUSE_S", 0)

    assert slots.redirect(B, text) is None
    assert not slots.is_due


@pytest.mark.parametrize(
    "text",
    [
        "CLUSTERDOWN The cluster is down",
        "MASTERDOWN Link with MASTER is down",
        "READONLY You can't write against a read only replica.",
        "ERR Script attempted to access a non local key in a cluster node",
    ],
)
def test_an_answer_that_shows_that_the_map_may_be_old_is_a_reason_to_ask(slots, monkeypatch, text):
    monkeypatch.setattr(slot_map, "PAUSE_S", 0)

    slots.redirect(B, text)

    assert slots.is_due


def test_the_nodes_are_asked_at_most_once_in_a_while(slots):
    slots.to_ask()
    slots.failed(B)

    assert not slots.is_due


def test_learnt_nodes_are_asked_before_those_that_were_named_and_silent_ones_last(slots):
    slots.failed(A)

    assert slots.to_ask()[2:] == [SEED, A]
    slots.worked(A)
    assert slots.to_ask()[3:] == [SEED]


def test_any_primary_is_one_that_answers_if_there_is_one(slots):
    slots.failed(A)
    assert {slots.any_primary() for _ in range(20)} == {B}

    slots.failed(B)
    assert {slots.any_primary() for _ in range(50)} == {A, B}
    assert {slots.any_primary(but=A) for _ in range(20)} == {B}


@pytest.mark.parametrize("host", [None, b"", b"?"])
def test_a_node_whose_host_is_not_told_has_that_of_the_node_that_was_asked(host):
    slots = SlotMap([SEED])

    slots.take(SEED, [[0, 16_383, [host, 7001, b"id", []]]])

    assert slots.primaries == ((SEED[0], 7001),)


def test_a_node_without_slots_is_not_believed(slots):
    with pytest.raises(NoConnectionError, match="serves any slot"):
        slots.take(A, [])

    assert slots.owner_of(KEY) == B


def test_a_node_that_has_left_is_not_used_any_more(slots):
    slots.take(A, rows((0, 16_383, A)))

    assert [slots.is_used(each) for each in (A, B, C, SEED)] == [True, False, False, False]
