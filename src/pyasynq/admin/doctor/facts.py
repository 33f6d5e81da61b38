"""What the doctor's findings are made of: all that was read, at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pyasynq.broker.operations.inspection import QueueStats
from pyasynq.clock import to_datetime
from pyasynq.connection.options import Kind
from pyasynq.inspector.explain.facts import LiveServer
from pyasynq.task import TaskState

SLOTS = 16_384

Range = tuple[int, int, Sequence[tuple[str, str, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """One server of Redis.

    Attributes:
        address: where it is.
        info: what it reports about itself (INFO); empty if it does not.
        save: its setting ``save``; None if it may not be read.
    """

    address: str
    info: Mapping[str, str] = field(default_factory=dict)
    save: str | None = None

    def number(self, name: str) -> int:
        """Return a number that it reports; 0 if it does not."""
        text = self.info.get(name, "")
        return int(text) if text.isdecimal() else 0

    @property
    def version(self) -> tuple[int, ...]:
        """The version of Redis whose commands it has; empty if it does not say."""
        parts = self.info.get("redis_version", "").split(".")[:3]
        return tuple(int(each) for each in parts if each.isdecimal())


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFacts:
    """All that was found out about a Redis.

    Attributes:
        kind: what it is connected as.
        description: where it is, without secrets.
        nodes: its servers; of a cluster its primaries.
        slots: which nodes of a cluster serve which slots; empty if it is not a cluster.
        node_id: the ID of the node that was asked; empty if it is not a cluster.
        cluster: what a node reports about its cluster.
        failed: what could not be done, by name → why.
        commands: what scripts may not call, by command → why; None if this was not tried.
        is_spread: whether keys with one hash tag are on different servers.
        sentinels: how many sentinels watch it; None if not known.
        offset_ns: how far its clock is ahead of that of this machine; None if not known.
        round_trips_ns: how long some answers took.
    """

    kind: Kind = "standalone"
    description: str = ""
    nodes: Sequence[NodeFacts] = ()
    slots: Sequence[Range] = ()
    node_id: str = ""
    cluster: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, str] | None = None
    is_spread: bool = False
    sentinels: int | None = None
    offset_ns: int | None = None
    round_trips_ns: Sequence[int] = ()

    @property
    def is_node_as_single(self) -> bool:
        """Whether it is a node of a cluster that was reached as if it were a single server."""
        modes = {each.info.get("redis_mode") for each in self.nodes}
        return self.kind != "cluster" and "cluster" in modes

    @property
    def is_cluster_whole(self) -> bool:
        """Whether the cluster works, if it is one, and all its slots are served."""
        if self.kind != "cluster":
            return True
        is_up = self.cluster.get("cluster_state", "ok") == "ok"
        return is_up and self.slots_served == SLOTS

    @property
    def has_tasks(self) -> bool:
        """Whether tasks can be looked at: not at one node of a cluster alone, nor at a sentinel."""
        modes = {each.info.get("redis_mode") for each in self.nodes}
        return self.is_cluster_whole and not self.is_node_as_single and "sentinel" not in modes

    @property
    def slots_served(self) -> int:
        """How many slots of a cluster some node serves."""
        return sum(last - first + 1 for first, last, _nodes in self.slots)

    @property
    def is_replica(self) -> bool:
        """Whether it is a replica, which refuses to write."""
        return any(each.info.get("role") == "slave" for each in self.nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledTask:
    """An ID that a queue lists, and its task.

    Attributes:
        damage: why its message cannot be read; empty if it can, None if there is no message.
        score: of the ID; for an active task the end of its lease; None if there is none.
    """

    task_id: str
    damage: str | None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """One queue.

    Attributes:
        name: the queue.
        stats: its counts; None if they cannot be read.
        samples: some of the tasks of each state, those first that come next.
        leases: IDs whose lease is over.
        groups: some of its groups → how many tasks wait in each.
        unlisted: tasks that are in no list, by ID → state; only if keys were scanned.
        locks: unique locks whose task is gone, by lock → ID; only if keys were scanned.
        failed: what could not be read → why.
    """

    name: str
    stats: QueueStats | None = None
    samples: Mapping[TaskState, Sequence[SampledTask]] = field(default_factory=dict)
    leases: Sequence[str] = ()
    groups: Mapping[str, int] = field(default_factory=dict)
    unlisted: Mapping[str, str] = field(default_factory=dict)
    locks: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def sampled(self) -> int:
        """How many tasks were looked at."""
        return sum(map(len, self.samples.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Untagged:
    """A queue whose keys a cluster cannot keep together, since its name spoils their hash tag.

    Attributes:
        name: of the queue.
        is_listed: whether it is in the set of all queues.
        kept: those of its keys that exist.
    """

    name: str
    is_listed: bool = True
    kept: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """All that was read about the data.

    Attributes:
        now_ns: the time of Redis.
        names: of all queues, as they are listed.
        queues: those that were looked at.
        untagged: queues whose name spoils the hash tag of their keys.
        unknown: queues that have keys, but are not listed; only if keys were scanned.
        servers: those that are alive.
        gone: servers, and schedulers, that did not sign off: (what, key, since when in seconds).
        schedulers: keys of those that are alive.
        histories: how many scheduler entries have a history; only if keys were scanned.
        scanned: how many keys were looked at; None if none were to be.
        is_scan_complete: whether these were all.
        failed: what could not be read → why.
    """

    now_ns: int = 0
    names: Sequence[str] = ()
    queues: Sequence[QueueFacts] = ()
    untagged: Sequence[Untagged] = ()
    unknown: Sequence[str] = ()
    servers: Sequence[LiveServer] = ()
    gone: Sequence[tuple[str, str, float]] = ()
    schedulers: Sequence[str] = ()
    histories: int = 0
    scanned: int | None = None
    is_scan_complete: bool = True
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The time of Redis."""
        return to_datetime(self.now_ns)


def primaries(slots: Sequence[Range]) -> list[tuple[str, int]]:
    """Return where the primaries of a cluster are: host and port of each."""
    return sorted({(host, port) for _first, _last, nodes in slots for _id, host, port in nodes[:1]})
