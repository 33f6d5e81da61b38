"""Everything that a visitor may look at and do."""

from datetime import datetime

from pyasynq.admin.redaction import Redactor
from pyasynq.clock import to_datetime
from pyasynq.inspector import AsyncInspector
from pyasynq.web.service.guard import Guard
from pyasynq.web.service.installation import Installation
from pyasynq.web.service.queues import QueueService
from pyasynq.web.service.tasks import TaskService
from pyasynq.web.service.troubles import Troubles


class Service:
    """Everything that one visitor may look at and do; each call checks that they may.

    Attributes:
        guard: what they may do.
        queues: queues, their groups and their history.
        tasks: tasks.
        installation: servers, schedulers and Redis.
        troubles: what is wrong: searches, failures, explanations.
    """

    def __init__(
        self, inspector: AsyncInspector, guard: Guard, redact: Redactor | None = None
    ) -> None:
        self.guard = guard
        self._clock = inspector.clock
        self.queues = QueueService(inspector, guard)
        self.tasks = TaskService(inspector, guard, redact)
        self.installation = Installation(inspector, guard, redact)
        self.troubles = Troubles(inspector, guard, redact)

    @property
    def now(self) -> datetime:
        """The time of Redis, as far as it is known."""
        return to_datetime(self._clock.redis_now_ns())
