"""Finds out in one command for each node whether there is anything to do in any queue.

Most passes over the queues of an idle server find nothing. Redis deletes a key that has lost its
last member, so asking for the keys of all queues at once shows whether a pass makes sense.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import redis_info
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.errors import IncompatibleRedisError, PyasynqError, RedisUnavailableError
from pyasynq.wire.keys import QueueKeys


class QueueProbe:
    """Which queues a pass has to visit.

    Args:
        keys_of: the keys of a queue without which there is nothing to do in it.
        is_cluster: the queues lie in different slots, so that no plain command can ask for all.
    """

    def __init__(
        self,
        runner: AsyncRunner,
        queues: Sequence[QueueKeys],
        keys_of: Callable[[QueueKeys], Iterable[str]],
        *,
        is_cluster: bool,
    ) -> None:
        self._runner = runner
        self._queues = queues
        self._keys = [key for queue in queues for key in keys_of(queue)]
        self._is_cluster = is_cluster
        self._can_ask = True

    async def queues(self) -> Sequence[QueueKeys]:
        """Return all queues; none if no queue has one of the keys.

        In a cluster, they are also all returned if a node cannot be asked: a pass treats each
        queue by itself.

        Raises:
            PyasynqError: Redis, which is not a cluster, cannot be reached, or refuses us.
        """
        if not self._can_ask:
            return self._queues
        answers = await (self._of_nodes() if self._is_cluster else self._of_all())
        faults = [answer for answer in answers if isinstance(answer, PyasynqError)]
        if any(isinstance(fault, IncompatibleRedisError) for fault in faults):
            self._can_ask = False  # missing rights, or a proxy in front of a cluster
        return self._queues if faults or any(answers) else ()

    async def _of_all(self) -> Sequence[Any]:
        answers = await self._runner.run_all([redis_info.exists_any(self._keys)], patience_s=0)
        raise_first(answers, which=concerns_redis_as_a_whole)
        return answers

    async def _of_nodes(self) -> Sequence[Any]:
        try:
            groups = await self._runner.by_node(self._keys)
        except RedisUnavailableError as error:
            return [error]
        operations = [redis_info.exists_any_of_node(keys) for keys in groups]
        return await self._runner.run_all(operations, patience_s=0)
