"""How a server is: what it knows of itself, and what its parts have found."""

from pyasynq.clock import Clock
from pyasynq.lifecycle.health import Condition, Health
from pyasynq.worker.assembly import Parts

NOT_STARTED = "it has not started"
CONNECTS = "it has not started: it connects to redis"
IN_LIFESPAN = "it has not started: its lifespan goes on"
QUIET = "it was told to fetch nothing more"
STOPPING = "it shuts down"


class ServerConditions:
    """What a server notes of itself.

    Attributes:
        fetching: whether nobody has told it to fetch nothing more, or to shut down.
        started: whether every part has started.
    """

    def __init__(self, clock: Clock) -> None:
        self.fetching: Condition = Condition("fetching", clock)
        self.started: Condition = Condition("started", clock, fault=NOT_STARTED)

    def health(self, parts: Parts | None) -> Health:
        """Return all checks; those of *parts* only if there are any yet."""
        own = (self.fetching.check, self.started.check)
        if parts is None:
            return Health(checks=own)
        return Health(
            checks=(
                *own,
                parts.watchdog.loop,
                parts.heartbeater.redis,
                parts.heartbeater.heartbeat,
                parts.subscriber.subscribed,
                parts.watchdog.slots,
            )
        )
