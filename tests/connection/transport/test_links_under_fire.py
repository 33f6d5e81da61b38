"""Servers that are slow, silent, wrong or gone in the middle, and callers that go away.

Both kinds of link run the same tests where possible.
"""

import asyncio
import contextlib
import gc
import logging
import random
import socket
import threading
import time
import warnings
from typing import Any

import pytest
import redis

from pyasynq.connection.connector import Connector
from pyasynq.connection.transport.blocking import BlockingConnections
from pyasynq.connection.transport.multiplexed import MultiplexedConnection
from pyasynq.connection.transport.replies import Refusal, Trouble
from pyasynq.errors import ConfigError
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async
from tests.support.rogue_server import BUFFER_BYTES, Peer, RogueServer


class Asking:
    """Sends commands over a link of either kind."""

    def __init__(self, link: MultiplexedConnection | BlockingConnections) -> None:
        self.link = link

    async def __call__(self, *commands: Any) -> list[Any]:
        if isinstance(self.link, MultiplexedConnection):
            return await self.link.exchange(commands)
        return await asyncio.to_thread(self.link.exchange, commands)

    def socket(self) -> socket.socket:
        if isinstance(self.link, MultiplexedConnection):
            return self.link._connection._writer.get_extra_info("socket")
        return self.link._idle[0].connection._sock


@contextlib.asynccontextmanager
async def asking(kind: str, source: Any, *, timeout_s: float | None = None):
    connector = Connector.of(source)
    if kind == "async":
        link = MultiplexedConnection(
            connector.open_async(socket_timeout_s=timeout_s).connection_pool
        )
        yield Asking(link)
        await link.close()
    else:
        blocking = BlockingConnections(
            connector.open_sync(socket_timeout_s=timeout_s).connection_pool
        )
        yield Asking(blocking)
        blocking.close()


both = pytest.mark.parametrize("kind", ["async", "blocking"])


@both
async def test_replies_that_come_byte_by_byte_arrive_whole(kind):
    def script(peer: Peer) -> None:
        peer.read(3)
        for byte in b"$2\r\nab\r\n-ERR no\r\n*2\r\n:1\r\n$-1\r\n":
            peer.send(bytes([byte]))
        peer.read()

    with RogueServer(script) as server:
        async with asking(kind, server.url) as ask:
            text, refused, both_of_them = await ask(("A",), ("B",), ("C",))

    assert (text, str(refused), both_of_them) == (b"ab", "ERR no", [1, None])


@both
@pytest.mark.parametrize("rest", [b"", b"$5\r\nhe", b"*2\r\n:1\r\n"])
async def test_a_cut_in_the_middle_of_a_pipeline_keeps_the_replies_before_it(kind, rest):
    def script(peer: Peer) -> None:
        peer.read(3)
        peer.send(b"+ONE\r\n" + rest)

    with RogueServer(script) as server:
        async with asking(kind, server.url) as ask:
            first, second, third = await ask(("A",), ("B",), ("C",))

    assert first == b"ONE"
    assert all(isinstance(lost, Trouble) and lost.was_sent for lost in (second, third))


@both
@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400\r\n\r\n", b"\0\xff\r\n", b"$-7\r\n", b":one\r\n"]
)
async def test_what_is_not_a_reply_ends_the_connection_and_the_next_one_works(kind, garbage):
    def spoil(peer: Peer) -> None:
        peer.read()
        peer.send(garbage)
        peer.read()

    def answer(peer: Peer) -> None:
        peer.read()
        peer.send(b"+FINE\r\n")
        peer.read()

    with RogueServer(spoil, answer) as server:
        async with asking(kind, server.url) as ask:
            (lost,) = await ask(("A",))
            back = await ask(("B",))

    assert isinstance(lost, Trouble)
    assert lost.was_sent
    assert back == [b"FINE"]


@both
async def test_a_reply_that_nobody_asked_for_is_nobodys(kind):
    def talk(peer: Peer) -> None:
        peer.read()
        peer.send(b"+ONE\r\n+UNASKED\r\n")
        peer.read()

    def answer(peer: Peer) -> None:
        peer.read()
        peer.send(b"+TWO\r\n")
        peer.read()

    with RogueServer(talk, answer) as server:
        async with asking(kind, server.url) as ask:
            replies = await ask(("A",)), await ask(("B",))

    assert replies == ([b"ONE"], [b"TWO"])


@both
async def test_a_half_reply_that_nobody_asked_for_is_nobodys(kind):
    is_asked = threading.Event()

    def talk(peer: Peer) -> None:
        peer.read()
        peer.send(b"+ONE\r\n+UNAS")
        is_asked.wait(0.2)
        peer.send(b"KED\r\n")
        peer.read()

    def answer(peer: Peer) -> None:
        peer.read()
        peer.send(b"+TWO\r\n")
        peer.read()

    with RogueServer(talk, answer) as server:
        async with asking(kind, server.url) as ask:
            first = await ask(("A",))
            second = await ask(("B",))
            is_asked.set()

    assert (first, second) == ([b"ONE"], [b"TWO"])


@both
async def test_a_large_request_may_take_longer_than_an_answer(kind):
    def read_slowly(peer: Peer) -> None:
        peer.read()
        peer.send(b"+READY\r\n")
        end, left = time.monotonic() + 3 * 0.5, 32_000_000
        while left > 0 and (data := peer.channel.recv(BUFFER_BYTES)):
            left -= len(data)
            if time.monotonic() < end:
                time.sleep(0.01)
        peer.send(b"+READ\r\n")
        peer.channel.recv(BUFFER_BYTES)

    with RogueServer(read_slowly) as server:
        async with asking(kind, server.url, timeout_s=0.5) as ask:
            await ask(("ARE", "YOU", "READY"))
            # What lies in the buffers of the system is on its way for all the link knows.
            ask.socket().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            replies = await ask(("SET", "key", b"x" * 32_000_000))

    assert replies == [b"READ"]


@both
async def test_a_server_that_reads_nothing_is_given_up(kind):
    is_over = threading.Event()

    with RogueServer(lambda _peer: is_over.wait()) as server:
        async with asking(kind, server.url, timeout_s=0.2) as ask:
            (lost,) = await ask(("SET", "key", b"x" * 16_000_000))
        is_over.set()

    assert isinstance(lost, Trouble)
    assert lost.was_sent


@both
async def test_no_commands_have_no_replies(kind, redis_url):
    async with asking(kind, redis_url) as ask:
        assert await ask() == []
        assert await ask(("ECHO", "x")) == [b"x"]


@both
async def test_the_link_speaks_resp2_whatever_a_users_client_does(kind, redis_server, redis_url):
    theirs = redis.Redis(unix_socket_path=redis_server.socket, protocol=3)
    async with asking(kind, theirs) as ask:
        (found,) = await ask(("CLIENT", "INFO"))
    theirs.close()

    assert b"resp=2" in found


async def test_who_waits_on_a_replica_still_gets_the_reply_while_others_go_on_elsewhere():
    has_moved = threading.Event()

    def demoted(peer: Peer) -> None:
        peer.read(2)
        peer.send(b"-READONLY You can't write against a read only replica.\r\n")
        has_moved.wait()
        peer.send(b"+LATE\r\n")
        peer.channel.recv(1)

    def promoted(peer: Peer) -> None:
        peer.read()
        has_moved.set()
        peer.send(b"+NEW\r\n")
        peer.read()

    with RogueServer(demoted, promoted) as server:
        async with asking("async", server.url) as ask:
            refused = asyncio.ensure_future(ask(("A",)))
            late = asyncio.ensure_future(ask(("B",)))
            (refusal,) = await refused
            replies = await ask(("C",)), await late

    assert isinstance(refusal, Refusal)
    assert replies == ([b"NEW"], [b"LATE"])


async def test_callers_that_go_away_and_connections_that_are_cut_mix_up_no_replies(
    redis_server, redis_client, caplog
):
    """Every reply is the caller's own, and each loss is reported as one; nothing is left behind."""
    chance, wrong, right = random.Random(1), [], []

    with ChaosProxy(redis_server.port) as proxy:
        async with asking("async", proxy.url) as ask:

            async def echo(number: int) -> None:
                texts = [f"{number}:{i}".encode() for i in range(3)]
                for text, reply in zip(
                    texts, await ask(*[("ECHO", text) for text in texts]), strict=True
                ):
                    if not isinstance(reply, Trouble):
                        (right if reply == text else wrong).append(reply)

            with caplog.at_level(logging.WARNING):
                for _ in range(60):
                    calls = [asyncio.ensure_future(echo(number)) for number in range(40)]
                    for _ in range(chance.randrange(12)):
                        await asyncio.sleep(0)
                    for call in calls:
                        if chance.random() < 0.6:
                            call.cancel()
                    if chance.random() < 0.3:
                        proxy.cut()
                    await asyncio.gather(*calls, return_exceptions=True)
            back = await ask(("ECHO", "back"))
    others = [each for each in redis_client.client_list() if each["cmd"] == "echo"]

    assert (wrong, back, others) == ([], [b"back"], [])
    assert len(right) > 1000
    assert caplog.messages == []


async def test_a_caller_that_goes_away_while_the_link_connects_leaves_nothing_behind(
    redis_server, redis_client
):
    def count() -> int:
        return len([each for each in redis_client.client_list() if each["name"] == "pyasynq"])

    with ChaosProxy(redis_server.port) as proxy:
        proxy.hold_answers()
        async with asking("async", proxy.url) as ask:
            first = asyncio.ensure_future(ask(("PING",)))
            second = asyncio.ensure_future(ask(("ECHO", "second")))
            await eventually_async(lambda: count() == 1)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            proxy.release_answers()
            assert await second == [b"second"]
            await eventually_async(lambda: count() == 1)


def test_a_loop_may_take_over_from_one_that_is_closed(redis_url):
    link = MultiplexedConnection(Connector.of(redis_url).open_async().connection_pool)

    async def ask(text: str) -> list[Any]:
        return await link.exchange([("ECHO", text)])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the loop leaves its connection open
        answers = [asyncio.run(ask("first")), asyncio.run(ask("second"))]
        asyncio.run(link.close())
        gc.collect()

    assert answers == [[b"first"], [b"second"]]


async def test_a_loop_that_is_still_open_shares_its_link_with_no_other(redis_url):
    async with asking("async", redis_url) as ask:
        await ask(("PING",))

        def elsewhere() -> list[Any]:
            return asyncio.run(ask(("ECHO", "elsewhere")))

        with pytest.raises(ConfigError, match="a client for each event loop"):
            await asyncio.to_thread(elsewhere)

        assert await ask(("ECHO", "here")) == [b"here"]
