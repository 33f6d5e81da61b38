# Generated from queue_reader_async.py by tools/unasync.py: change that file.
"""Reads what is measured of queues, and lives through a Redis that is away."""

import logging
from collections.abc import Collection, Sequence

from pyasynq.errors import PyasynqError
from pyasynq.inspector import Inspector, ServerInfo
from pyasynq.measurements.reading import Reading
from pyasynq.metrics.queue_readings import REDIS_IS_AWAY, queue_readings

logger = logging.getLogger("pyasynq.metrics")


class QueueReader:
    """Reads queues in a number of round trips that hardly grows with theirs.

    Args:
        queues: names of those that are wanted; all if there are none.
    """

    def __init__(self, queues: Collection[str] = ()) -> None:
        self._queues = frozenset(queues)
        self._is_away = False

    def read(self, inspector: Inspector) -> Sequence[Reading]:
        """Return what is known; that Redis is away, if it is, which is logged once."""
        try:
            infos = inspector.queues.infos(only=self._queues or None)
        except PyasynqError as error:
            if not self._is_away:
                logger.warning("queues cannot be read: %s", error)
            self._is_away = True
            return REDIS_IS_AWAY
        if self._is_away:
            logger.info("queues can be read again")
        self._is_away = False
        return queue_readings(infos, _servers(inspector))


def _servers(inspector: Inspector) -> Sequence[ServerInfo] | None:
    try:
        return inspector.servers.list()
    except PyasynqError as error:
        logger.debug("servers cannot be read: %s", error)
        return None
