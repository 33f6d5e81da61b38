"""Servers that are alive, and what they run."""

from collections.abc import Sequence

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import servers
from pyasynq.clock import redis_now_s
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.inspector.server_infos import ServerInfo, server_info
from pyasynq.wire.handled import NOTHING_KNOWN, Handled
from pyasynq.wire.records import ServerRecord, WorkerRecord


class AsyncServers:
    """The servers of one Redis, in Python and in Go; made by `AsyncInspector`."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def list(self) -> Sequence[ServerInfo]:
        """Return the servers that are alive, sorted by host and process, with what they run.

        A server that has not shown itself for ten seconds is left out, and so is one whose record
        cannot be read.
        """
        now_s, namespace = redis_now_s(self._calls.clock), self._calls.namespace
        indexes = await self._calls.run_all(
            [
                servers.list_live("servers", namespace=namespace, now_s=now_s),
                servers.list_live("workers", namespace=namespace, now_s=now_s),
            ]
        )
        raise_first(indexes)
        server_keys, worker_keys = indexes
        records = await self._calls.run_all([servers.read_server(key) for key in server_keys])
        handled = await self._calls.run_all(
            [servers.read_handled(key, namespace=namespace) for key in server_keys]
        )
        workers = await self._calls.run_all([servers.read_workers(key) for key in worker_keys])
        raise_first([*records, *handled, *workers], which=concerns_redis_as_a_whole)
        by_server: dict[str, list[WorkerRecord]] = {}
        for some in workers:
            for worker in some if isinstance(some, list) else ():
                by_server.setdefault(worker.server_id, []).append(worker)
        found = [
            server_info(
                record,
                by_server.get(record.server_id, ()),
                what if isinstance(what, Handled) else NOTHING_KNOWN,
            )
            for record, what in zip(records, handled, strict=True)
            if isinstance(record, ServerRecord)
        ]
        return sorted(found, key=lambda each: (each.host, each.pid, each.id))
