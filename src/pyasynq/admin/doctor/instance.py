"""Findings about what a Redis is, how old it is, and how quickly it answers."""

from collections.abc import Iterator
from statistics import median

from pyasynq.admin.doctor.facts import SLOTS, InstanceFacts, NodeFacts, primaries
from pyasynq.clock import NANOSECONDS
from pyasynq.inspector.explain.words import between
from pyasynq.inspector.finding import Finding
from pyasynq.shown import span

OLDEST = (5, 0)
LATE_OFFSET_NS = NANOSECONDS
SLOW_NS = 50_000_000
LOST_BEFORE = (
    # Version → what older ones lack.
    (
        (6, 0),
        "users with rights of their own (ACL), and announcements of new tasks to idle workers",
    ),
    ((6, 0, 6), "quick searches of long lists (LPOS)"),
    ((6, 2), "blocking waits of idle workers (BLMOVE)"),
    ((7, 0), "rights that tell reading a key from writing it"),
)


def instance(facts: InstanceFacts) -> Iterator[Finding]:
    """Tell what the Redis is, and what is wrong with reaching it like that."""
    yield from _kind(facts)
    yield from _proxy(facts)
    yield from _cluster(facts)
    for node in facts.nodes[:1]:
        yield from _version(node)
    yield from _clock(facts)
    yield from _speed(facts)


def _kind(facts: InstanceFacts) -> Iterator[Finding]:
    node = facts.nodes[0] if facts.nodes else NodeFacts(address=facts.description)
    if facts.is_node_as_single:
        yield _node_as_single(facts)
    if node.info.get("redis_mode") == "sentinel":
        yield Finding(
            code="sentinel_as_server",
            severity="error",
            sentence=f"{facts.description} is a sentinel, which holds no data.",
            evidence={"redis_mode": "sentinel"},
            advice="connect to the master that it watches: redis-sentinel://HOST:PORT/0?master=NAME",
        )
    if facts.is_replica and not facts.is_node_as_single:
        master = f"{node.info.get('master_host', '?')}:{node.info.get('master_port', '?')}"
        yield Finding(
            code="replica",
            severity="error",
            sentence=(
                f"{facts.description} is a replica of {master}, and refuses to write: nothing can "
                "be enqueued or run here."
            ),
            evidence={
                "master": master,
                "master_link_status": node.info.get("master_link_status"),
            },
            advice=f"connect to {master}, or by redis-sentinel:// if sentinels choose the master",
        )
    if facts.sentinels and facts.kind not in ("sentinel", "cluster"):
        yield Finding(
            code="sentinel_bypassed",
            severity="warning",
            sentence=(
                "Sentinels watch this server, but it is reached without them: after a failover "
                "programs go on writing to the old master, and these writes are lost."
            ),
            evidence={"sentinels": facts.sentinels},
            advice="connect to the sentinels: redis-sentinel://HOST:PORT/0?master=NAME",
        )


def _node_as_single(facts: InstanceFacts) -> Finding:
    addresses = [f"{host}:{port}" for host, port in primaries(facts.slots)]
    here = sum(
        last - first + 1
        for first, last, nodes in facts.slots
        if nodes and nodes[0][0] == facts.node_id
    )
    url = f"redis-cluster://{','.join(addresses[:3])}"
    return Finding(
        code="cluster_node_as_single",
        severity="error",
        sentence=(
            f"{facts.description} is one node of a Redis Cluster, but is reached as if it were a "
            f"single server: it serves {here:,} of {SLOTS:,} slots, and refuses every queue whose "
            "slot another node serves."
        ),
        evidence={"slots_here": here, "primaries": addresses, "node": facts.node_id},
        advice=f"use the URL {url} (with user and password, if there are any); programs in Go "
        "connect with RedisClusterClientOpt",
    )


def _proxy(facts: InstanceFacts) -> Iterator[Finding]:
    why = facts.failed.get("INFO", "")
    closes_on = sorted(name for name, each in facts.failed.items() if "closed" in each.lower())
    if "permit" in why:
        yield Finding(
            code="info_refused",
            severity="info",
            sentence=(
                "This user may not read what Redis reports about itself, so its version, memory "
                "and replicas are not known."
            ),
            evidence={"error": why},
            advice="give the user +info",
        )
    elif why or closes_on:
        hides = "what is behind it, its version and its memory are not known"
        yield Finding(
            code="proxy",
            severity="warning",
            sentence=(
                f"What answers at {facts.description} is a proxy, or a service that hides its "
                f"Redis: {hides if why else f'it closes the connection on {closes_on[0]}'}."
            ),
            evidence={"error": why, "closes_on": closes_on, "refused": sorted(facts.failed)},
            advice="let programs connect to Redis itself, if they can; see what else is refused",
        )


def _cluster(facts: InstanceFacts) -> Iterator[Finding]:
    state = facts.cluster.get("cluster_state", "ok")
    served = facts.slots_served
    if not facts.is_cluster_whole:
        yield Finding(
            code="cluster_incomplete",
            severity="error",
            sentence=(
                f"The cluster serves {served:,} of {SLOTS:,} slots (state {state!r}): queues in "
                "the other slots cannot be used, or none at all."
            ),
            evidence={"cluster_state": state, "slots": served},
            advice="bring back the nodes that are missing, or give their slots to others: "
            "`redis-cli --cluster fix HOST:PORT`",
        )


def _version(node: NodeFacts) -> Iterator[Finding]:
    version = node.version
    lost = [what for since, what in LOST_BEFORE if version and version < since]
    if not lost:
        return
    text = node.info.get("redis_version", "")
    is_too_old = version < OLDEST
    severity = "error" if is_too_old else "warning" if version < (6, 2) else "info"
    yield Finding(
        code="version_too_old" if is_too_old else "version_old",
        severity=severity,  # type: ignore[arg-type]  # one of the three
        sentence=f"Redis {text} lacks {'; '.join(lost)}.",
        evidence={"version": text, "lacks": lost},
        advice="upgrade to Redis 7 or newer, or to Valkey" if severity != "info" else "",
    )


def _clock(facts: InstanceFacts) -> Iterator[Finding]:
    offset_ns = facts.offset_ns
    if offset_ns is None or abs(offset_ns) < LATE_OFFSET_NS:
        return
    where = "ahead of" if offset_ns < 0 else "behind"
    yield Finding(
        code="clock_offset",
        severity="warning",
        sentence=(
            f"The clock of this machine is {span(between(0, abs(offset_ns)))} {where} that of "
            "Redis, by which tasks become due."
        ),
        evidence={"redis_ahead_s": offset_ns / NANOSECONDS},
        advice="set the clocks by NTP; programs that schedule by their own clock, as in Go, are "
        "wrong by as much",
    )


def _speed(facts: InstanceFacts) -> Iterator[Finding]:
    if not facts.round_trips_ns:
        return
    usual_ns = median(facts.round_trips_ns)
    evidence = {
        "usual_ms": round(usual_ns / 1e6, 3),
        "longest_ms": round(max(facts.round_trips_ns) / 1e6, 3),
    }
    if usual_ns > SLOW_NS:
        yield Finding(
            code="slow_answers",
            severity="warning",
            sentence=(
                f"Redis answers in {usual_ns / 1e6:.0f} ms, which each call of a worker or a "
                "producer waits for."
            ),
            evidence=evidence,
            advice="run workers near Redis: in the same data centre, with no tunnel between",
        )
    info = facts.nodes[0].info if facts.nodes else {}
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version") or info.get("redis_version") or "of unknown version"
    kind: str = facts.kind
    if kind == "cluster":
        kind = f"a cluster of {len(facts.nodes)} primar{'y' if len(facts.nodes) == 1 else 'ies'}"
    elif facts.is_node_as_single:
        kind = "a node of a cluster"
    elif facts.is_replica:
        kind = "a replica"
    yield Finding(
        code="instance",
        severity="info",
        sentence=f"{name} {version} ({kind}) answers in {usual_ns / 1e6:.2g} ms.",
        evidence={
            "kind": facts.kind,
            "version": version,
            "mode": info.get("redis_mode"),
            "role": info.get("role"),
            **evidence,
        },
    )
