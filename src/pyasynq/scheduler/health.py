"""How a scheduler is: what it knows of itself, as one check."""

from pyasynq.clock import Clock
from pyasynq.lifecycle.health import Condition, Health
from pyasynq.lifecycle.outage import Outage

NOT_STARTED = "the scheduler has not started"
WAITING = "the scheduler waits for redis; its log tells why"
STOPPING = "the scheduler shuts down"


class SchedulerCondition:
    """Judges a scheduler whenever somebody asks; any thread may.

    Args:
        outage: what its components tell when Redis is away.
    """

    def __init__(self, clock: Clock, outage: Outage) -> None:
        self._condition = Condition("scheduler", clock, fault=NOT_STARTED)
        self._outage = outage

    def health(self, *, is_started: bool, is_stopping: bool) -> Health:
        """Return the check.

        Args:
            is_started: whether every part has started.
            is_stopping: whether the scheduler was told to end, or has ended.
        """
        if is_stopping:
            self._condition.fails(STOPPING)
        elif not is_started:
            self._condition.fails(NOT_STARTED)
        elif self._outage.is_on:
            self._condition.fails(WAITING)
        else:
            self._condition.passes()
        return Health(checks=(self._condition.check,))
