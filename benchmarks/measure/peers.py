"""The other Python queues that a benchmark can measure, each in an environment of its own."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure.environments import BUILT, ROOT, InstallError, environment
from benchmarks.measure.interpreters import Version
from benchmarks.measure.program import Program

ROLES = frozenset({"fill", "drain", "enqueue", "produce", "pick_up", "idle", "linger"})
BLOCKING = frozenset({"single"})
AWAITED = frozenset({"awaited", "concurrent"})
BULK = frozenset({"bulk", "typed bulk"})
THREADS, PROCESSES = frozenset({"thread"}), frozenset({"process"})
REDIS, HIREDIS, UVLOOP = "redis==8.1.0", "hiredis==3.5.0", "uvloop==0.23.0"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A queue and how to measure it.

    Attributes:
        requirements: what is installed for it, pinned.
        pace: which share of the usual number of tasks it gets, so that it ends in time.
        forms: in which it enqueues.
        plain: where it can run plain functions that are measured: "thread", "process".
        least: the lowest version of Python that it runs on; any that pyasynq does if None.
    """

    requirements: tuple[str, ...]
    pace: float
    forms: frozenset[str]
    plain: frozenset[str] = frozenset()
    least: Version | None = None


PEERS: Mapping[str, Peer] = {
    "ardiq": Peer(
        requirements=("ardiq==1.2.0", "msgpack==1.2.4"),
        pace=0.4,
        forms=AWAITED | BULK,
        plain=THREADS | PROCESSES,
        least=(3, 12),
    ),
    "taskiq": Peer(
        requirements=("taskiq==0.13.0", "taskiq-redis==1.2.4", REDIS, HIREDIS, UVLOOP),
        pace=0.2,
        forms=AWAITED,
    ),
    "huey": Peer(
        requirements=("huey==3.5.4", REDIS, HIREDIS),
        pace=0.2,
        forms=BLOCKING,
        plain=THREADS,
    ),
    "arq": Peer(
        requirements=("arq==0.28.0", "redis==5.3.1", HIREDIS),
        pace=0.1,
        forms=AWAITED,
    ),
    "dramatiq": Peer(
        requirements=("dramatiq[redis]==2.2.1", REDIS, HIREDIS),
        pace=0.1,
        forms=BLOCKING,
        plain=THREADS,
    ),
    "saq": Peer(
        requirements=("saq[redis]==0.26.4", "redis==7.4.1", "typing-extensions==4.16.0", HIREDIS),
        pace=0.1,
        forms=AWAITED,
    ),
    "streaq": Peer(
        requirements=("streaq==7.2.0", "coredis==6.9.0", "anyio==4.16.0", HIREDIS, UVLOOP),
        pace=0.1,
        forms=AWAITED | BULK,
        plain=THREADS,
        least=(3, 12),
    ),
    "celery": Peer(
        requirements=("celery[redis]==5.7.0", REDIS, HIREDIS),
        pace=0.05,
        forms=BLOCKING,
        plain=THREADS | PROCESSES,
    ),
    "rq": Peer(
        requirements=("rq==3.0.0", REDIS, HIREDIS),
        pace=0.02,
        forms=BLOCKING | {"bulk"},
    ),
}


@dataclass(frozen=True)
class Installed:
    """The peers that were asked for.

    Attributes:
        programs: those that can be measured.
        record: of each, `versions` of its packages, or the `failure` to install it.
    """

    programs: list[Program] = field(default_factory=list)
    record: dict[str, dict[str, Any]] = field(default_factory=dict)

    def report(self) -> None:
        """Print which peers could not be installed."""
        for name, each in self.record.items():
            if "failure" in each:
                print(f"{name} was not measured, it could not be installed: {each['failure']}")


def installed(
    names: Sequence[str], *, peers: Mapping[str, Peer] = PEERS, inside: Path = BUILT
) -> Installed:
    """Install the peers of these names where that has not been done; note those that fail."""
    found = Installed()
    for name in names:
        peer = peers[name]
        try:
            made = environment(name, peer.requirements, inside=inside, least=peer.least)
        except InstallError as error:
            print(f"{name} cannot be installed: {error}", file=sys.stderr)
            found.record[name] = {"failure": str(error)}
            continue
        found.record[name] = {"versions": made.versions}
        found.programs.append(
            Program(
                name,
                (str(made.python), "-m", f"benchmarks.programs.peers.{name}"),
                ROLES,
                pace=peer.pace,
                environment=(("PYTHONPATH", str(ROOT)),),
                forms=peer.forms,
                plain=peer.plain,
            )
        )
    return found
