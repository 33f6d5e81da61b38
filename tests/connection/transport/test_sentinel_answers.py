"""What follows from the answers and the events of sentinels."""

import pytest
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.exceptions import ConnectionError as NoConnectionError

from pyasynq.connection.transport.sentinel_answers import (
    MOVED,
    PROMOTED,
    Answer,
    Move,
    answer_of,
    master_of,
    read_event,
    role_fault,
)

A, B = ("10.0.0.1", 6379), ("10.0.0.2", 6379)


def make_answer(address=A, *, epoch=1, is_down=False, names=("main",), sentinel="s:1"):
    return Answer(
        sentinel=sentinel, address=address, epoch=epoch, is_down=is_down, names=names, error=None
    )


def make_failure(error, sentinel="s:1"):
    return Answer(sentinel=sentinel, error=error)


def why(*answers):
    with pytest.raises(NoConnectionError) as caught:
        master_of(answers, "main")
    return str(caught.value)


def test_the_newest_answer_counts_however_many_are_older():
    assert master_of([make_answer(A), make_answer(A), make_answer(B, epoch=2)], "main") == B


def test_among_answers_of_one_age_most_sentinels_count():
    assert master_of([make_answer(A), make_answer(B), make_answer(B)], "main") == B


def test_a_master_that_one_sentinel_cannot_reach_is_used_while_another_one_can():
    assert master_of([make_answer(A, is_down=True), make_answer(A)], "main") == A


def test_an_older_answer_is_not_used_because_the_newest_master_is_down():
    text = why(make_answer(A, is_down=True, epoch=2), make_answer(B))

    assert text == "no master 'main' (it is down, as they see it)"


def test_sentinels_that_do_not_answer_are_named_with_their_reasons():
    text = why(
        make_failure(OSError("Connection refused"), "a:1"),
        make_failure(TimeoutError("it does not answer"), "b:2"),
        make_answer(is_down=True),
    )

    assert text == (
        "no master 'main' (a:1: Connection refused; b:2: it does not answer; "
        "it is down, as they see it)"
    )


def test_a_master_that_nobody_knows_is_named_with_those_that_they_know():
    text = why(make_answer(None, names=("b", "a")), make_failure(OSError("refused")))

    assert text == "the sentinels know no master of this name: 'main'; they know 'a', 'b'"


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (AuthenticationError("WRONGPASS no"), "a sentinel refuses the user or the password"),
        (AuthenticationError("Authentication required."), "a sentinel refuses the user or the"),
        (
            AuthenticationError("AUTH <password> called without any password configured"),
            "a sentinel has no password",
        ),
        (NoPermissionError("no permissions"), "a sentinel does not permit this user"),
    ],
)
def test_a_wrong_setting_is_told_although_other_sentinels_are_away(error, fault):
    text = why(make_failure(OSError("refused"), "a:1"), make_failure(error, "b:2"))

    assert text.startswith(fault)
    assert "b:2" in text


def test_a_wrong_setting_of_one_sentinel_does_not_matter_while_another_one_answers():
    answers = [make_failure(AuthenticationError("WRONGPASS no")), make_answer(A)]

    assert master_of(answers, "main") == A


def state(**changes):
    known = {"ip": "10.0.0.1", "port": 6379, "config-epoch": 7, "is_sdown": False}
    return {"main": {**known, **changes}}


def test_an_answer_has_the_address_and_the_epoch():
    answer = answer_of("s:1", "main", masters=state(), address=(b"10.0.0.1", 6379))

    assert (answer.address, answer.epoch, answer.is_useful) == (A, 7, True)


def test_a_master_that_is_down_is_not_useful_but_the_one_that_follows_it_is():
    down = state(is_sdown=True)

    assert not answer_of("s:1", "main", masters=down, address=(b"10.0.0.1", 6379)).is_useful
    assert answer_of("s:1", "main", masters=down, address=(b"10.0.0.2", 6379)).is_useful


def test_a_sentinel_that_only_tells_the_address_is_useful():
    answer = answer_of("s:1", "main", masters={}, address=(b"10.0.0.1", 6379))

    assert master_of([answer], "main") == A


def test_a_switch_is_read():
    event = read_event(MOVED, b"main 10.0.0.1 6379 10.0.0.2 6379", "main")

    assert event == Move(old=A, new=B, is_done=True)


def test_a_promotion_is_read():
    payload = b"slave 10.0.0.2:6379 10.0.0.2 6379 @ main 10.0.0.1 6379"

    assert read_event(PROMOTED, payload, "main") == Move(old=A, new=B, is_done=False)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"other 10.0.0.1 6379 10.0.0.2 6379",
        b"main 10.0.0.1 6379 10.0.0.2",
        b"main 10.0.0.1 6379 10.0.0.2 x",
        b"main 10.0.0.1 6379 10.0.0.2 6379 more",
        b"\xff\xfe \xff",
    ],
)
@pytest.mark.parametrize("channel", [MOVED, PROMOTED])
def test_an_event_about_something_else_says_nothing(channel, payload):
    assert read_event(channel, payload, "main") is None


def test_only_a_server_that_says_so_is_no_master():
    fault = role_fault([[b"slave", b"10.0.0.1", 6379, b"connected", 1]], B)

    assert fault == "10.0.0.2:6379 is to be the master, but is still a slave"
    assert role_fault([[b"master", 0, []]], B) is None
    assert role_fault([NoPermissionError("no permissions")], B) is None
    assert role_fault([[]], B) is None
