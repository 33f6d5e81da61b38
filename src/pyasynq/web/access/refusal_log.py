"""Writes down who was refused, so that whoever tries passwords or rights can be seen."""

import logging
from collections import OrderedDict
from collections.abc import Callable

from pyasynq.shown import shown

QUIET_S = 60.0  # for an address, after a line of it
MOST_ADDRESSES = 1000

logger = logging.getLogger("pyasynq.web")


class RefusalLog:
    """A line for an address at most once a minute; what is not told is counted in the next one.

    Args:
        monotonic: returns seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._told: OrderedDict[str, tuple[float, int]] = OrderedDict()  # when, and how many since

    def add(self, *, name: str, address: str, asked: str, reason: str) -> None:
        """Write down that somebody was refused.

        Args:
            name: who has logged in; empty for nobody.
            address: where the request comes from.
            asked: its method and path.
            reason: why.
        """
        now_s = self._monotonic()
        told_s, untold = self._told.get(address, (now_s - QUIET_S, 0))
        if now_s - told_s < QUIET_S:
            self._keep(address, told_s, untold + 1)
            return
        self._keep(address, now_s, 0)
        more = f" (and {untold} more from there)" if untold else ""
        who = f"{shown(name) or 'somebody'} from {shown(address) or 'nowhere'}"
        logger.warning("%s was refused %s: %s%s", who, shown(asked, 200), shown(reason), more)

    def _keep(self, address: str, told_s: float, untold: int) -> None:
        self._told[address] = (told_s, untold)
        self._told.move_to_end(address)
        while len(self._told) > MOST_ADDRESSES:
            self._told.popitem(last=False)
