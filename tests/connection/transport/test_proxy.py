"""What is sent through a proxy that closes the connection on anything else."""

import pytest

from pyasynq.connection.transport.proxy import Proxy, merged
from pyasynq.connection.transport.replies import Refusal
from pyasynq.connection.transport.wrong_settings import NO_HASH_TAGS


@pytest.mark.parametrize(
    "command",
    [
        ("BLMOVE", "a", "a", "RIGHT", "RIGHT", 5),
        ("CLIENT", "TRACKING", "ON"),
        ("CLUSTER", "SLOTS"),
        ("HELLO", 3),
        ("PUBLISH", "asynq:cancel", "id"),
    ],
)
def test_what_no_key_can_route_is_refused_without_being_sent(command):
    sent, refused = Proxy("asynq").sort([("GET", "a"), command])

    assert sent == [("GET", "a")]
    assert list(refused) == [1]
    assert str(refused[1]).startswith(f"ERR unknown command '{command[0]}'")


@pytest.mark.parametrize(
    ("command", "key", "rest"),
    [
        (("TIME",), "work:queues", ()),
        (("INFO", "memory"), "work:queues", ("memory",)),
        (("MEMORY", "USAGE", "work:{a}:t:1"), "work:{a}:t:1", ()),
    ],
)
def test_what_a_server_tells_of_itself_is_asked_by_a_script_with_a_key(command, key, rest):
    (sent,), refused = Proxy("work").sort([command])

    assert (sent[0], *sent[2:]) == ("EVAL", 1, key, *rest)
    assert not refused


def test_refusals_take_their_places_among_the_replies():
    refused = {0: Refusal("a"), 2: Refusal("c"), 3: Refusal("d")}

    assert merged([b"b", b"e"], refused) == [refused[0], b"b", refused[2], refused[3], b"e"]


def test_two_servers_that_have_keys_of_one_queue_are_a_fault():
    proxy = Proxy("asynq")

    assert proxy.check([b"one", b"two", b"one"]) == NO_HASH_TAGS
    assert not proxy.is_checked


@pytest.mark.parametrize("answers", [[b"one", b"one"], [Refusal("NOPERM"), Refusal("NOPERM")]])
def test_one_server_or_no_answer_is_no_fault(answers):
    proxy = Proxy("asynq")

    assert proxy.check(answers) is None
    assert proxy.is_checked
