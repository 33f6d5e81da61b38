"""One connection carries the commands of many callers, and its loss concerns those who wait."""

import asyncio

import pytest
from redis.asyncio import Connection, ConnectionPool

from pyasynq.connection.transport.multiplexed import MultiplexedConnection
from pyasynq.connection.transport.replies import Refusal, Trouble
from tests.support.chaos_proxy import ChaosProxy
from tests.support.ports import free_port


@pytest.fixture
async def link(redis_server):
    link = MultiplexedConnection(ConnectionPool.from_url(redis_server.url))
    yield link
    await link.close()


async def test_each_caller_gets_the_replies_to_its_own_commands(link):
    async def ask(number: int) -> bool:
        texts = [f"{number}:{i}".encode() for i in range(number % 5 + 1)]
        return await link.exchange([("ECHO", text) for text in texts]) == texts

    assert all(await asyncio.gather(*[ask(number) for number in range(500)]))


async def test_all_callers_share_one_connection(link, redis_client):
    before = redis_client.info("stats")["total_connections_received"]
    await asyncio.gather(*[link.exchange([("PING",)]) for _ in range(50)])

    assert redis_client.info("stats")["total_connections_received"] == before + 1


async def test_an_error_of_the_server_is_the_reply_to_its_command(link):
    first, second, third = await link.exchange([("ECHO", "1"), ("NO-SUCH",), ("ECHO", "3")])

    assert (first, third) == (b"1", b"3")
    assert isinstance(second, Refusal)
    assert str(second).startswith("ERR unknown command")


async def test_an_error_inside_a_reply_is_part_of_it(link):
    await link.exchange([("MULTI",), ("SET", "text", "a"), ("LPUSH", "text", "b")])
    ((done, refused),) = await link.exchange([("EXEC",)])

    assert done == b"OK"
    assert str(refused).startswith("WRONGTYPE")


async def test_a_reply_of_many_packets_arrives_whole(link):
    large = b"x" * 3_000_000
    assert await link.exchange([("ECHO", large), ("ECHO", "small")]) == [large, b"small"]


async def test_text_that_was_no_utf8_goes_back_as_the_same_bytes(link):
    text = b"\xff\xfe".decode("utf-8", "surrogateescape")
    assert await link.exchange([("ECHO", text)]) == [b"\xff\xfe"]


async def test_cancelled_callers_take_no_reply_away_from_others(redis_server):
    with ChaosProxy(redis_server.port) as proxy:
        link = MultiplexedConnection(ConnectionPool.from_url(proxy.url))
        await link.exchange([("PING",)])
        proxy.hold_answers()
        calls = [
            asyncio.ensure_future(link.exchange([("ECHO", str(number)), ("PING",)]))
            for number in range(20)
        ]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        proxy.release_answers()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        await link.close()

    assert [type(answer) for answer in answers[::2]] == [asyncio.CancelledError] * 10
    assert answers[1::2] == [[str(number).encode(), b"PONG"] for number in range(1, 20, 2)]


async def test_after_a_loss_all_who_wait_learn_that_their_commands_may_have_run(redis_server):
    with ChaosProxy(redis_server.port) as proxy:
        link = MultiplexedConnection(ConnectionPool.from_url(proxy.url))
        await link.exchange([("PING",)])
        proxy.hold_answers()
        calls = [asyncio.ensure_future(link.exchange([("PING",)] * 2)) for _ in range(3)]
        await asyncio.sleep(0)
        proxy.cut()
        lost = [reply for answers in await asyncio.gather(*calls) for reply in answers]
        proxy.release_answers()
        back = await link.exchange([("ECHO", "back")])
        await link.close()

    assert len(lost) == 6
    assert all(isinstance(reply, Trouble) and reply.was_sent for reply in lost)
    assert back == [b"back"]


async def test_what_could_not_be_sent_has_not_run(redis_server):
    with ChaosProxy(redis_server.port) as proxy:
        link = MultiplexedConnection(ConnectionPool.from_url(proxy.url))
        proxy.refuse()
        (reply,) = await link.exchange([("PING",)])
        await link.close()

    assert isinstance(reply, Trouble)
    assert not reply.was_sent


async def test_a_server_that_falls_silent_is_given_up(redis_server):
    with ChaosProxy(redis_server.port) as proxy:
        link = MultiplexedConnection(ConnectionPool.from_url(proxy.url, socket_timeout=0.2))
        await link.exchange([("PING",)])
        proxy.hold_answers()
        (reply,) = await link.exchange([("PING",)])
        proxy.release_answers()
        await link.close()

    assert isinstance(reply, Trouble)
    assert str(reply) == "no answer within 0.2 s"


async def test_a_connection_that_the_server_closed_is_replaced(link, redis_client):
    (number,) = await link.exchange([("CLIENT", "ID")])
    redis_client.client_kill_filter(_id=number)

    answers = [(await link.exchange([("CLIENT", "ID")]))[0] for _ in range(2)]

    assert isinstance(answers[1], int)
    assert answers[1] != number


async def test_a_server_that_speaks_something_else_is_given_up():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    port = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    pool = ConnectionPool(connection_class=QuietConnection, host="127.0.0.1", port=port)
    link = MultiplexedConnection(pool)
    (reply,) = await link.exchange([("PING",)])
    await link.close()
    server.close()
    await server.wait_closed()

    assert isinstance(reply, Trouble)
    assert reply.was_sent


class QuietConnection(Connection):
    """A connection that sends nothing by itself."""

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """Send no greeting."""
        self._parser.on_connect(self)


async def test_closing_is_safe_to_repeat(link):
    await link.exchange([("PING",)])
    await link.close()
    await link.close()
