"""What a server asks Redis first when it starts."""

from collections.abc import Iterable

from pyasynq.broker.operations.redis_info import memory_info, memory_info_of
from pyasynq.broker.runners.opening import answers_when_checked
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.connection.connector import Connector
from pyasynq.wire.keys import queue_keys


async def ask_for_memory(
    runner: AsyncRunner, connector: Connector, queues: Iterable[str]
) -> list[dict[str, str]]:
    """Wait until Redis answers; return what it tells in the same round trip of its memory.

    Raises:
        RedisUnavailableError: it does not answer.
        IncompatibleRedisError: it cannot run scripts of ours.
    """
    operations = [memory_info()]
    if connector.is_cluster:
        keys = [queue_keys(queue, connector.namespace) for queue in queues]
        operations = [memory_info_of(each) for each in keys]
    answers = await answers_when_checked(runner, connector.namespace, operations)
    return [each for each in answers if isinstance(each, dict)]
