"""Servers, schedulers and Redis, for one visitor."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyasynq.admin.redaction import Redactor
from pyasynq.inspector import AsyncInspector, EnqueueEvent, SchedulerEntry, ServerInfo
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
        return [replace(each, payload=self._payload(each.payload)) for each in entries]

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
