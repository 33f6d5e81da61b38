"""Whether all is well: a pure function of a few reads. Every front end tells the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyasynq.inspector.server_infos import ServerInfo
from pyasynq.shown import shown

SERVES = "active"  # asynq v0.26 internal/base: status of a server that takes tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was found.

    Attributes:
        healthy: whether there are no problems.
        redis: whether Redis answers.
        latency: how long it takes to, in seconds.
        servers: how many are alive and take tasks.
        queues: of those that were asked for, how many servers serve each.
        problems: what is wrong.
    """

    healthy: bool
    redis: bool
    latency: float | None = None
    servers: int | None = None
    queues: Mapping[str, int] | None = None
    problems: Sequence[str]


def health(servers: Sequence[ServerInfo], queues: Sequence[str], *, latency_s: float) -> Health:
    """Judge servers that are alive.

    Args:
        servers: as `inspector.servers.list()` returns them.
        queues: each must be served.
        latency_s: how long Redis took to answer.
    """
    taking = [each for each in servers if each.status == SERVES]
    served = {name: sum(name in each.queues for each in taking) for name in queues}
    problems = [] if taking else ["no server is alive; `pyasynq worker` starts one"]
    problems += [
        f"no server serves queue {shown(name)!r}" for name, count in served.items() if not count
    ]
    return Health(
        healthy=not problems,
        redis=True,
        latency=round(latency_s, 6),
        servers=len(taking),
        queues=served,
        problems=problems,
    )
