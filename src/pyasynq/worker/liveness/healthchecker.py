"""Pings Redis at an interval and tells the user's function how it went."""

from collections.abc import Callable
from inspect import isawaitable

from pyasynq.broker.operations.redis_info import PING
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.component import Life, every


class Healthchecker:
    """The ping, at an interval.

    Args:
        check: called with None, or with the error of the ping; may be async.
    """

    name = "healthchecker"

    def __init__(
        self,
        runner: AsyncRunner,
        check: Callable[[Exception | None], object],
        *,
        interval_s: float,
    ) -> None:
        self._runner = runner
        self._check = check
        self._interval_s = interval_s

    async def run(self, life: Life) -> None:
        """Ping at the interval until the stop."""
        await every(self._interval_s, self.ping, life, name=self.name)

    async def ping(self) -> None:
        """Ping once and tell."""
        error: Exception | None = None
        try:
            await self._runner.run(PING, patience_s=0)
        except PyasynqError as trouble:
            error = trouble
        told = self._check(error)
        if isawaitable(told):
            await told
