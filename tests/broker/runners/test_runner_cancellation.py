"""A cancelled caller of the asynchronous runner leaves no answer for the next one."""

import asyncio

import pytest

from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async


def echo(text: str) -> Operation[str]:
    return Operation("ECHO", (), (text,), bytes.decode, Repeat.SAFE)


async def test_the_answer_of_a_cancelled_call_is_read_by_nobody(redis_server, redis_client):
    with ChaosProxy(redis_server.port) as proxy:
        connector = Connector.of(proxy.url)
        runner = AsyncRunner(connector.open_async(), clock=SystemClock())
        await runner.run(echo("first"))
        proxy.hold_answers()
        redis_client.config_resetstat()
        call = asyncio.create_task(runner.run(echo("second")))
        await eventually_async(lambda: "cmdstat_echo" in redis_client.info("commandstats"))

        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        proxy.release_answers()

        assert await runner.run(echo("third")) == "third"
        await runner.close()


async def test_a_cancelled_wait_for_redis_ends_at_once():
    with ChaosProxy(0) as proxy:
        proxy.refuse()
        runner = AsyncRunner(Connector.of(proxy.url).open_async(), clock=SystemClock())
        call = asyncio.create_task(runner.run(echo("never"), patience_s=None))
        await asyncio.sleep(0)
        call.cancel()

        with pytest.raises(asyncio.CancelledError):
            await call
        await runner.close()
