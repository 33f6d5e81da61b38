"""Snapshots: what all queues hold and who is alive, for whoever looks again and again."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import inspection, snapshots
from pyasynq.clock import redis_now_s
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.inspector.snapshot import (
    MOST_QUEUES,
    Count,
    LiveProcess,
    QueueCounts,
    Snapshot,
    counting,
    live_scheduler,
    live_server,
)
from pyasynq.wire.keys import QueueKeys, keys_of_listed

AT_ONCE = 200  # queues in a round trip, so that an event loop is never held up for long


class AsyncSnapshots:
    """All queues, servers and schedulers of one Redis at once; made by `AsyncInspector`."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def take(self) -> Snapshot:
        """Return what all queues hold and who is alive, in two to four round trips.

        Each queue costs nine commands, none of which takes longer for a longer queue, and one or
        two more if tasks wait or are in groups. No script is run, no memory is measured, and
        nothing is written.

        Raises:
            RedisUnavailableError: Redis did not answer.
        """
        names, servers, schedulers = await self._listed()
        now_ns = self._calls.clock.redis_now_ns()
        known = {queue: keys_of_listed(queue, self._calls.namespace) for queue in names}
        queues: dict[str, QueueCounts] = {}
        usable = [keys for keys in known.values() if keys][:MOST_QUEUES]
        for first in range(0, len(usable), AT_ONCE):
            queues |= await self._counted(usable[first : first + AT_ONCE])
        return Snapshot(at_ns=now_ns, queues=queues, servers=servers, schedulers=schedulers)

    async def _listed(
        self,
    ) -> tuple[Sequence[str], Mapping[str, LiveProcess], Mapping[str, LiveProcess]]:
        """Return the names of all queues, and the servers and schedulers that are alive."""
        namespace, now_s = self._calls.namespace, redis_now_s(self._calls.clock)
        answers = await self._calls.run_all_measured(
            [
                inspection.list_queues(namespace),
                snapshots.live_until("servers", namespace=namespace, now_s=now_s),
                snapshots.live_until("schedulers", namespace=namespace, now_s=now_s),
            ]
        )
        raise_first(answers)
        names, servers, schedulers = answers
        records = await self._asked(
            [
                *map(snapshots.record_of_server, servers),
                *map(snapshots.records_of_entries, schedulers),
            ]
        )
        return (
            names,
            {
                key: live_server(servers[key], record)
                for key, record in zip(servers, records, strict=False)
            },
            {
                key: live_scheduler(schedulers[key], record)
                for key, record in zip(schedulers, records[len(servers) :], strict=True)
            },
        )

    async def _counted(self, queues: Sequence[QueueKeys]) -> dict[str, QueueCounts]:
        """Return what some queues hold."""
        asked = [counting(keys) for keys in queues]
        answers = iter(await self._asked([each for some in asked for each in some]))
        counts = [
            Count(keys, [next(answers) for _ in some])
            for keys, some in zip(queues, asked, strict=True)
        ]
        answers = iter(await self._asked([each for count in counts for each in count.details()]))
        for count in counts:
            count.note_details(answers)
        answers = iter(await self._asked([each for count in counts for each in count.members()]))
        for count in counts:
            count.note_members(answers)
        return {keys.queue: count.result() for keys, count in zip(queues, counts, strict=True)}

    async def _asked(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Run operations in one round trip, if there are any; an error of one is its answer."""
        answers = await self._calls.run_all(operations) if operations else []
        raise_first(answers, which=concerns_redis_as_a_whole)
        return answers
