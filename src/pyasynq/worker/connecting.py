"""How a server connects to Redis when it starts, and what it asks there first."""

import asyncio
import contextlib
from collections.abc import Iterable

from pyasynq.answers import raise_first
from pyasynq.broker.operations.redis_info import PING, memory_info, memory_info_of
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import Clock
from pyasynq.connection.connector import ConnectionSource, Connector
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.wire.keys import queue_keys


async def opened(
    source: ConnectionSource,
    clock: Clock,
    budget: ShutdownBudget,
    stack: contextlib.AsyncExitStack,
) -> tuple[Connector, AsyncRunner]:
    """Return what opens connections, and a runner of its own; *stack* closes both.

    Raises:
        ConfigError: *source* is wrong.
    """
    connector = await asyncio.to_thread(Connector.of, source)
    stack.callback(connector.close)
    runner = AsyncRunner(connector.open_async(), clock=clock)
    stack.push_async_callback(budget.close, runner.close)
    return connector, runner


async def ask_for_memory(
    runner: AsyncRunner, connector: Connector, queues: Iterable[str]
) -> list[dict[str, str]]:
    """Wait until Redis answers; return what it tells in the same round trip of its memory.

    Raises:
        RedisUnavailableError: it does not answer.
    """
    operations = [memory_info()]
    if connector.is_cluster:
        keys = [queue_keys(queue, connector.namespace) for queue in queues]
        operations = [memory_info_of(each) for each in keys]
    answers = await runner.run_all([PING, *operations])
    raise_first(answers[:1])
    return [each for each in answers[1:] if isinstance(each, dict)]
