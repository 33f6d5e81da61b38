"""Opens the Redis of a test, and ties it to the clock that it goes by."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyasynq.app.harness.clock import HarnessClock
from pyasynq.app.harness.enqueue_log import EnqueueLog
from pyasynq.app.harness.enqueued import DecodeArguments, EnqueuedTasks
from pyasynq.app.harness.expiry import Expiry
from pyasynq.app.harness.on_demand import HarnessRedis
from pyasynq.app.harness.places import private_place
from pyasynq.broker.runners.runner import Runner
from pyasynq.connection.connector import Connector
from pyasynq.tracing import chosen
from pyasynq.worker.config import ServerConfig

if TYPE_CHECKING:
    from pyasynq.app.harness.due_ticks import DueTicks
    from pyasynq.scheduler.entry import Entry


def opened_redis(
    stack: contextlib.ExitStack,
    clock: HarnessClock,
    *,
    config: ServerConfig,
    decode: DecodeArguments,
    periodic: "Sequence[Entry]",
) -> HarnessRedis:
    """Return an empty Redis that goes by *clock* until *stack* closes.

    Args:
        periodic: what is enqueued when the clock comes to its ticks.

    Raises:
        ConfigError, RedisUnavailableError: see `private_place`.
    """
    place = stack.enter_context(private_place())
    client = place.open()
    stack.callback(client.close)
    runner = Runner(Connector.of(place.url).open_sync(), clock=clock)
    stack.callback(runner.close)
    expiry = Expiry(place, client, runner, clock, config)
    tasks = EnqueuedTasks(client, runner, clock, expiry, decode, namespace=place.namespace)
    redis = HarnessRedis(
        url=place.url,
        namespace=place.namespace,
        clock=clock,
        client=client,
        runner=runner,
        expiry=expiry,
        tasks=tasks,
        log=EnqueueLog(tasks, clock),
    )
    ticks = _ticks(redis, config, periodic) if periodic else None
    stack.enter_context(clock.followed_by(expiry, redis.log, ticks))
    return redis


def _ticks(redis: HarnessRedis, config: ServerConfig, periodic: "Sequence[Entry]") -> "DueTicks":
    from pyasynq.app.harness.due_ticks import DueTicks  # noqa: PLC0415 - few Apps need it

    tracing = chosen(config.tracing)
    return DueTicks(periodic, redis.runner, redis.clock, redis.namespace, tracing)
