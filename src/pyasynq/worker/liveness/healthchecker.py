"""Pings Redis at an interval and calls a function of the user with the result."""

from collections.abc import Callable

from pyasynq.broker.operations.redis_info import PING
from pyasynq.errors import PyasynqError
from pyasynq.functions.returned import finished
from pyasynq.lifecycle.component import Life, every
from pyasynq.options import to_seconds
from pyasynq.worker.resources import ServerResources


class Healthchecker:
    """The ping, at `health_check_interval`.

    Args:
        check: called with None, or with the error of the ping; may be async.
    """

    name = "healthchecker"

    def __init__(
        self, resources: ServerResources, check: Callable[[Exception | None], object]
    ) -> None:
        self._runner = resources.runner
        self._check = check
        self._outage = resources.outage
        self._interval_s = to_seconds(resources.config.health_check_interval)

    async def run(self, life: Life) -> None:
        """Ping at the interval until the stop."""
        await every(self._interval_s, self.ping, life, name=self.name, outage=self._outage)

    async def ping(self) -> None:
        """Ping once, and call the user's function."""
        error: Exception | None = None
        try:
            await self._runner.run(PING, patience_s=0)
        except PyasynqError as trouble:
            error = trouble
        checked = self._check(error)
        if checked is not None:
            await finished(checked)
