"""Everything that a visitor may look at and do."""

from datetime import datetime

from pyasynq.admin.redaction import Redactor
from pyasynq.clock import to_datetime
from pyasynq.inspector import AsyncInspector
from pyasynq.web.live.live import Live
from pyasynq.web.service.examinations import Examinations
from pyasynq.web.service.exports import ExportService
from pyasynq.web.service.guard import Guard
from pyasynq.web.service.history import History
from pyasynq.web.service.installation import Installation
from pyasynq.web.service.job_board import JobBoard
from pyasynq.web.service.jobs import JobService
from pyasynq.web.service.live import LiveService
from pyasynq.web.service.metrics import MetricsService
from pyasynq.web.service.queue_metrics import QueueMetrics, Scrapes
from pyasynq.web.service.queues import QueueService
from pyasynq.web.service.records import Records
from pyasynq.web.service.schedulers import SchedulerService
from pyasynq.web.service.tasks import GetClient, TaskService
from pyasynq.web.service.troubles import Troubles


class Service:
    """Everything that one visitor may look at and do; each call checks that they may.

    Args:
        inspector: looks at Redis and changes it.
        guard: what they may do.
        redact: hides what must not be shown.
        board: the jobs of this process.
        client: enqueues tasks; None if nobody may.
        live: has what changes, and samples.
        prometheus_url: where Prometheus is; empty if nobody said so.
        examinations: lets the doctor look; None if it may not.
        scrapes: what scrapes share; None if there are none.

    Attributes:
        guard: what they may do.
        queues: queues, their groups and their history.
        tasks: tasks.
        records: single tasks with all that is known around them.
        jobs: what is done to many tasks.
        exports: tasks as files, as many as there are.
        schedulers: what is done to periodic tasks.
        history: what workers have kept: attempts of tasks, and statistics of types.
        installation: servers, schedulers and Redis.
        troubles: what is wrong: searches, failures, explanations.
        live: changes, as they happen.
        metrics: metrics over time.
        queue_metrics: what Prometheus is told.
    """

    def __init__(
        self,
        inspector: AsyncInspector,
        guard: Guard,
        redact: Redactor | None = None,
        board: JobBoard | None = None,
        client: GetClient | None = None,
        *,
        live: Live,
        prometheus_url: str = "",
        examinations: Examinations | None = None,
        scrapes: Scrapes | None = None,
    ) -> None:
        self.guard = guard
        self._clock = inspector.clock
        self.queues: QueueService = QueueService(inspector, guard)
        self.tasks: TaskService = TaskService(inspector, guard, redact, client)
        self.jobs: JobService = JobService(inspector, guard, redact, board or JobBoard())
        self.exports: ExportService = ExportService(inspector, guard, redact)
        self.schedulers: SchedulerService = SchedulerService(inspector, guard, redact)
        self.records: Records = Records(inspector, guard, redact, self.tasks)
        self.history: History = History(inspector, guard, redact)
        self.installation: Installation = Installation(inspector, guard, redact)
        self.troubles: Troubles = Troubles(inspector, guard, redact, examinations)
        self.live: LiveService = LiveService(live, guard)
        self.metrics: MetricsService = MetricsService(live, guard, inspector.clock, prometheus_url)
        self.queue_metrics: QueueMetrics = QueueMetrics(inspector, guard, scrapes)

    @property
    def now(self) -> datetime:
        """The time of Redis, as far as it is known."""
        return to_datetime(self._clock.redis_now_ns())
