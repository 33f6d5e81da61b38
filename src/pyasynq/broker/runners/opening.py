"""How a server or a scheduler connects to Redis when it starts."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyasynq.answers import raise_first
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import redis_info
from pyasynq.broker.runners.redis_errors import wrong_setting
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import Clock
from pyasynq.connection.connector import ConnectionSource, Connector
from pyasynq.connection.transport.wrong_settings import NO_HASH_TAGS
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.wire.keys import QueueKeys

if TYPE_CHECKING:
    from pyasynq.connection.transport.replicated_async import OnAnswer


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


async def opened_with_replicas(
    connector: Connector,
    clock: Clock,
    budget: ShutdownBudget,
    stack: contextlib.AsyncExitStack,
    *,
    queues: Sequence[QueueKeys],
    on_replicas: "OnAnswer",
) -> AsyncRunner | None:
    """Return what runs writes that replicas are to have; None if none are waited for.

    It has connections of its own, so that nothing else waits for replicas. *stack* closes it.

    Args:
        queues: of which it will write keys.
        on_replicas: called with how many replicas have each write.

    Raises:
        ConfigError: the Redis of a queue can wait for no replica.
        RedisUnavailableError: it does not answer.
    """
    if connector.replication is None:
        return None
    runner = AsyncRunner(
        connector.open_async(),
        clock=clock,
        replication=connector.replication,
        on_replicas=on_replicas,
    )
    stack.push_async_callback(budget.close, runner.close)
    raise_first(await runner.run_all([redis_info.exists_any([each.pending]) for each in queues]))
    return runner


async def answers_when_checked(
    runner: AsyncRunner, namespace: str, operations: Sequence[Operation[Any]]
) -> list[Any]:
    """Wait until Redis answers, and check it; return the answers of the same round trip.

    Raises:
        RedisUnavailableError: it does not answer.
        IncompatibleRedisError: it cannot run scripts of ours, or is a proxy that spreads the keys
            of a queue over several servers.
    """
    checks = redis_info.server_checks(namespace)
    pong, *answers = await runner.run_all([redis_info.PING, *checks, *operations])
    servers = answers[: len(checks)]
    raise_first([pong, *servers])
    if len({each for each in servers if each}) > 1:
        raise wrong_setting(NO_HASH_TAGS)
    return answers[len(checks) :]
