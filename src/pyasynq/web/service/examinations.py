"""Lets the doctor look at Redis, for one visitor at a time."""

import asyncio

from pyasynq.admin.doctor import AsyncDoctor, Examination
from pyasynq.connection.connector import Connector
from pyasynq.web.refusal import Refusal

LONGEST_S = 30.0
BUSY = "Redis is being examined for somebody else; try again in a moment"
TOO_LONG = f"the examination took longer than {LONGEST_S:.0f} s; `pyasynq doctor` has no such limit"


class Examinations:
    """One examination of Redis at a time; shared by all visitors of one web UI.

    Args:
        connector: where Redis is; it stays open.
        longest_s: after which an examination is given up.
    """

    def __init__(self, connector: Connector, *, longest_s: float = LONGEST_S) -> None:
        self._connector = connector
        self._longest_s = longest_s
        self._is_taken = False

    async def examine(self) -> Examination:
        """Look at Redis, at what it permits, and at samples of all queues; see `AsyncDoctor`.

        Raises:
            Refusal: somebody else has asked for it, or it takes too long.
            RedisUnavailableError: Redis does not answer.
        """
        if self._is_taken:
            raise Refusal(429, BUSY, headers={"Retry-After": "2"}, key="busy")
        self._is_taken = True
        try:
            async with asyncio.timeout(self._longest_s), AsyncDoctor(self._connector) as doctor:
                return await doctor.examine()
        except TimeoutError:
            raise Refusal(504, TOO_LONG, key="too_long") from None
        finally:
            self._is_taken = False
