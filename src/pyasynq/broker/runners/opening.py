"""How a server or a scheduler connects to Redis when it starts."""

import asyncio
import contextlib

from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import Clock
from pyasynq.connection.connector import ConnectionSource, Connector
from pyasynq.lifecycle.shutdown import ShutdownBudget


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
