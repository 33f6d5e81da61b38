"""Finds out in one command whether there is anything to do in any queue.

Most passes over the queues of an idle server find nothing. Redis deletes a key that has lost its
last member, so one EXISTS over the keys of all queues shows whether a pass makes sense.
"""

from collections.abc import Callable, Iterable, Sequence

from pyasynq.broker.operations import redis_info
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.errors import PyasynqError, concerns_redis_as_a_whole
from pyasynq.wire.keys import QueueKeys


class QueueProbe:
    """Which queues a pass has to visit.

    Args:
        keys_of: the keys of a queue without which there is nothing to do in it.
        is_cluster: the queues lie in different slots, so that no command can ask for all.
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
        self._can_ask = not is_cluster

    async def queues(self) -> Sequence[QueueKeys]:
        """Return all queues; none if no queue has one of the keys.

        Raises:
            PyasynqError: Redis cannot be reached, or refuses us.
        """
        if not self._can_ask:
            return self._queues
        try:
            is_any = await self._runner.run(redis_info.exists_any(self._keys), patience_s=0)
        except PyasynqError as error:
            if concerns_redis_as_a_whole(error):
                raise
            self._can_ask = False  # missing rights, or a proxy in front of a cluster
            return self._queues
        return self._queues if is_any else ()
