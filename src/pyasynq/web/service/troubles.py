"""What is wrong, for one visitor: searches, failures by kind, explanations, findings."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyasynq.admin.attention import attention, suspects
from pyasynq.admin.doctor import Examination
from pyasynq.admin.failures_async import failures
from pyasynq.admin.findings import Found
from pyasynq.admin.health import Health, health
from pyasynq.admin.redaction import HIDDEN, Redactor, redacted_error
from pyasynq.admin.search_async import search
from pyasynq.admin.signatures import FailureReport
from pyasynq.clock import steady_ns, to_datetime
from pyasynq.inspector import AsyncInspector, Finding
from pyasynq.inspector.explain.words import error_text
from pyasynq.task import TaskState
from pyasynq.web.refusal import Refusal
from pyasynq.web.service.examinations import Examinations
from pyasynq.web.service.guard import Guard

OLDEST_ACTIVE = 50  # active tasks of a queue that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What needs a person, and what was looked at.

    Attributes:
        findings: the most urgent first.
        queues, tasks, servers: how many there are.
    """

    findings: Sequence[Finding]
    queues: int
    tasks: int
    servers: int


class Troubles:
    """Looks for what is wrong."""

    def __init__(
        self,
        inspector: AsyncInspector,
        guard: Guard,
        redact: Redactor | None,
        examinations: Examinations | None = None,
    ) -> None:
        self._inspector = inspector
        self._guard = guard
        self._redact = redact
        self._examinations = examinations

    async def search(self, query: str, *, limit: int, scan: int, cursor: str | None) -> Found:
        """Look for tasks that match a filter."""
        self._guard.check()
        return await search(
            self._inspector, query, limit=limit, scan=scan, cursor=cursor, redact=self._redact
        )

    async def failures(self, query: str, *, scan: int, most: int) -> FailureReport:
        """Group the tasks that failed by what went wrong."""
        self._guard.check()
        return await failures(self._inspector, query, scan=scan, most=most, redact=self._redact)

    async def explain(self, queue: str, task_id: str) -> Sequence[Finding]:
        """Tell why a task does not run."""
        self._guard.check()
        found = await self._inspector.tasks.explain(queue, task_id)
        return [_without_secrets(each, self._redact) for each in found]

    async def attention(self) -> Sequence[Finding]:
        """Return what needs a person, the most urgent first."""
        return (await self.survey()).findings

    async def survey(self) -> Survey:
        """Return what needs a person, and what was looked at."""
        self._guard.check()
        inspector = self._inspector
        queues, servers = await asyncio.gather(
            inspector.queues.infos(memory=False), inspector.servers.list()
        )
        names = suspects(queues, servers)
        pages = await asyncio.gather(
            *(
                inspector.tasks.list(name, TaskState.ACTIVE, page_size=OLDEST_ACTIVE)
                for name in names
            )
        )
        now = to_datetime(inspector.clock.redis_now_ns())
        return Survey(
            findings=attention(queues, servers, dict(zip(names, pages, strict=True)), now),
            queues=len(queues),
            tasks=sum(each.size for each in queues),
            servers=len(servers),
        )

    async def examine(self) -> Examination:
        """Let the doctor look at Redis and at samples of all queues.

        Raises:
            Refusal: somebody else lets it look, or it takes too long.
        """
        self._guard.check()
        if self._examinations is None:
            raise Refusal(404, "nobody can examine Redis here")
        return await self._examinations.examine()

    async def health(self, queues: Sequence[str]) -> Health:
        """Tell whether Redis answers and servers are alive.

        Args:
            queues: each must be served.
        """
        self._guard.check()
        await self._inspector.queues.list()  # connects, which takes longer
        began_ns = steady_ns()
        await self._inspector.queues.list()
        latency_s = (steady_ns() - began_ns) / 1e9
        return health(await self._inspector.servers.list(), queues, latency_s=latency_s)


def _without_secrets(finding: Finding, redact: Redactor | None) -> Finding:
    """Return a finding that tells of an error only what may be shown of it."""
    error = finding.evidence.get("error")
    if not isinstance(error, str):
        return finding
    hidden = redacted_error(error, redact)
    if hidden == error:
        return finding
    told, rest = finding.sentence, error_text(error)
    sentence = told.replace(rest, error_text(hidden)) if rest in told else HIDDEN
    return replace(finding, sentence=sentence, evidence={**finding.evidence, "error": hidden})
