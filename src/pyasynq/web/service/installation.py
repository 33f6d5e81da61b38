"""Servers, schedulers and Redis, for one visitor."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyasynq.admin.doctor.facts import InstanceFacts, NodeFacts
from pyasynq.admin.doctor.instance import instance
from pyasynq.admin.doctor.memory import memory
from pyasynq.admin.redaction import Redactor, redacted_option
from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.connection.options import Kind
from pyasynq.errors import PyasynqError
from pyasynq.inspector import AsyncInspector, EnqueueEvent, Finding, SchedulerEntry, ServerInfo
from pyasynq.inspector.finding import most_decisive_first
from pyasynq.options import name_fault
from pyasynq.web.service.guard import Guard


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLocation:
    """Where a queue lies in a cluster.

    Attributes:
        queue: the queue.
        slot: the slot of its keys.
        nodes: host and port of the nodes that hold it, the primary first.
    """

    queue: str
    slot: int
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisReport:
    """What Redis reports about itself.

    Attributes:
        address: host and port; those of the nodes that were named, for a cluster.
        text: what INFO answers; CLUSTER INFO for a cluster.
        nodes: what CLUSTER NODES answers; None if it is not a cluster.
        locations: where queues lie; None if it is not a cluster.
    """

    address: str
    text: str
    nodes: str | None = None
    locations: Sequence[QueueLocation] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisOverview:
    """What a person wants to know about Redis first.

    Attributes:
        kind: what it is connected as.
        address: as in `RedisReport`.
        report: what it reports; None if it refuses to.
        refusal: why; empty if it does not refuse.
        findings: what is wrong with it, as far as its report tells.
    """

    kind: Kind
    address: str
    report: RedisReport | None
    refusal: str = ""
    findings: Sequence[Finding] = ()


class Installation:
    """Looks at servers, schedulers and Redis."""

    def __init__(self, inspector: AsyncInspector, guard: Guard, redact: Redactor | None) -> None:
        self._inspector = inspector
        self._guard = guard
        self._redact = redact

    async def servers(self) -> Sequence[ServerInfo]:
        """Return the servers that are alive, with what they run."""
        self._guard.check()
        return [self._shown(each) for each in await self._inspector.servers.list()]

    async def scheduler_entries(self) -> Sequence[SchedulerEntry]:
        """Return the entries of all schedulers that are alive."""
        self._guard.check()
        entries = await self._inspector.schedulers.entries()
        return [
            replace(
                each,
                payload=self._payload(each.payload),
                options=tuple(redacted_option(text, self._redact) for text in each.options),
            )
            for each in entries
        ]

    async def enqueue_events(
        self, entry_id: str, *, page: int, page_size: int
    ) -> Sequence[EnqueueEvent]:
        """Return what a scheduler entry has enqueued, the latest first."""
        self._guard.check()
        return await self._inspector.schedulers.history(entry_id, page=page, page_size=page_size)

    async def redis(self) -> RedisReport:
        """Return what Redis reports about itself."""
        self._guard.check()
        details, address = self._inspector.redis, self._inspector.address
        if not self._inspector.is_cluster:
            return RedisReport(address=address, text=await details.info_text())
        text, nodes, names = await asyncio.gather(
            details.cluster_info_text(), details.cluster_nodes_text(), self._inspector.queues.list()
        )
        usable = [name for name in names if name_fault("queue", name) is None]
        return RedisReport(
            address=address,
            text=text,
            nodes=nodes,
            locations=[await self._location(name) for name in usable],
        )

    async def redis_overview(self) -> RedisOverview:
        """Return what Redis reports and what follows from it, or why it does not report.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        self._guard.check()
        kind, address = self._inspector.kind, self._inspector.address
        try:
            report = await self.redis()
        except PyasynqError as error:
            if concerns_redis_as_a_whole(error):
                raise
            return RedisOverview(kind=kind, address=address, report=None, refusal=str(error))
        findings = () if self._inspector.is_cluster else findings_of(report, kind)
        return RedisOverview(kind=kind, address=address, report=report, findings=findings)

    async def ping(self) -> None:
        """Ask Redis for anything; everybody may do that, and learns nothing by it.

        Raises:
            RedisUnavailableError: it does not answer.
        """
        await self._inspector.queues.list()

    async def _location(self, queue: str) -> QueueLocation:
        slot, nodes = await asyncio.gather(
            self._inspector.queues.key_slot(queue), self._inspector.queues.nodes(queue)
        )
        return QueueLocation(queue=queue, slot=slot, nodes=tuple(each.address for each in nodes))

    def _shown(self, server: ServerInfo) -> ServerInfo:
        workers = (
            replace(each, payload=self._payload(each.payload)) for each in server.active_workers
        )
        return replace(server, active_workers=tuple(workers))

    def _payload(self, payload: bytes) -> bytes:
        return payload if self._redact is None else self._redact("payload", payload)


def findings_of(report: RedisReport, kind: Kind) -> Sequence[Finding]:
    """Return what INFO tells that is wrong, the most decisive first."""
    node = NodeFacts(address=report.address, info=fields_of(report.text))
    facts = InstanceFacts(kind=kind, description=report.address, nodes=[node])
    return most_decisive_first([*instance(facts), *memory(facts)])


def fields_of(text: str) -> dict[str, str]:
    """Return the fields of INFO or CLUSTER INFO."""
    lines = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, colon, value in lines if colon}
