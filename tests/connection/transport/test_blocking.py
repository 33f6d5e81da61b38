"""Blocking callers share idle connections, never one that is in use or has something unread."""

import os
import socket
import threading

import pytest
from redis import ConnectionPool

from pyasynq.connection.transport.blocking import BlockingConnections
from pyasynq.connection.transport.replies import Refusal, Trouble
from tests.support.chaos_proxy import ChaosProxy


@pytest.fixture
def link(redis_server):
    link = BlockingConnections(ConnectionPool.from_url(redis_server.url))
    yield link
    link.close()


def test_replies_come_in_the_order_of_the_commands(link):
    first, second, third = link.exchange([("ECHO", "1"), ("NO-SUCH",), ("ECHO", b"3")])

    assert (first, third) == (b"1", b"3")
    assert isinstance(second, Refusal)


def test_a_reply_of_many_packets_arrives_whole(link):
    large = b"x" * 3_000_000
    assert link.exchange([("ECHO", large), ("ECHO", "small")]) == [large, b"small"]


def test_calls_one_after_another_use_one_connection(link):
    assert len({link.exchange([("CLIENT", "ID")])[0] for _ in range(20)}) == 1


def test_threads_never_read_each_others_replies(link):
    wrong: list[object] = []

    def ask(number: int) -> None:
        for i in range(100):
            text = f"{number}:{i}".encode()
            if link.exchange([("ECHO", text)]) != [text]:
                wrong.append(text)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_forked_process_makes_a_connection_of_its_own(link):
    (mine,) = link.exchange([("CLIENT", "ID")])
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        (theirs,) = link.exchange([("CLIENT", "ID")])
        os.write(sending, str(theirs).encode())
        os._exit(0)
    os.close(sending)
    os.waitpid(child, 0)
    theirs = int(os.read(receiving, 100))
    os.close(receiving)

    assert theirs != mine
    assert link.exchange([("CLIENT", "ID")]) == [mine]


def test_a_connection_that_the_server_closed_is_replaced_unseen(link, redis_client):
    (number,) = link.exchange([("CLIENT", "ID")])
    redis_client.client_kill_filter(_id=number)

    (another,) = link.exchange([("CLIENT", "ID")])
    assert isinstance(another, int)
    assert another != number


def test_a_connection_that_its_pool_closed_is_replaced_unseen(redis_server):
    pool = ConnectionPool.from_url(redis_server.url)
    link = BlockingConnections(pool)
    (first,) = link.exchange([("CLIENT", "ID")])

    pool.disconnect()
    strangers = socket.socketpair()  # they get the file number of the socket that was closed
    (second,) = link.exchange([("CLIENT", "ID")])

    for stranger in strangers:
        stranger.close()
    link.close()
    assert isinstance(second, int)
    assert second != first


def test_a_loss_says_that_the_commands_may_have_run(redis_server):
    with ChaosProxy(redis_server.port) as proxy:
        link = BlockingConnections(ConnectionPool.from_url(proxy.url))
        link.exchange([("PING",)])
        proxy.cut_after = b"ECHO"
        replies = link.exchange([("ECHO", "lost"), ("PING",)])
        back = link.exchange([("ECHO", "back")])
        link.close()

    assert all(isinstance(reply, Trouble) and reply.was_sent for reply in replies)
    assert len(replies) == 2
    assert back == [b"back"]


def test_what_could_not_be_sent_has_not_run(redis_server):
    with ChaosProxy(redis_server.port) as proxy:
        link = BlockingConnections(ConnectionPool.from_url(proxy.url))
        proxy.refuse()
        (reply,) = link.exchange([("PING",)])

    assert isinstance(reply, Trouble)
    assert not reply.was_sent


def test_the_late_answer_of_a_silent_server_is_read_by_nobody(redis_server):
    with ChaosProxy(redis_server.port) as proxy:
        link = BlockingConnections(ConnectionPool.from_url(proxy.url, socket_timeout=0.2))
        link.exchange([("PING",)])
        proxy.hold_answers()
        (reply,) = link.exchange([("ECHO", "late")])
        proxy.release_answers()

        assert isinstance(reply, Trouble)
        assert str(reply) == "timed out"
        assert link.exchange([("ECHO", "next")]) == [b"next"]
        link.close()
