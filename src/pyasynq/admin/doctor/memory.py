"""Findings about what a Redis may lose: by eviction, without persistence, at a failover."""

from collections.abc import Iterator

from pyasynq.admin.doctor.facts import InstanceFacts, NodeFacts
from pyasynq.inspector.finding import Finding, Severity

NEARLY_FULL = 0.9
LATE_REPLICA_S = 10
WRITES = ("rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status")


def memory(facts: InstanceFacts) -> Iterator[Finding]:
    """Tell for each server what it may lose."""
    for node in facts.nodes:
        if not node.info:
            continue
        yield from _eviction(node)
        yield from _fullness(node)
        yield from _persistence(node)
        yield from _replicas(node)


def _eviction(node: NodeFacts) -> Iterator[Finding]:
    policy = node.info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return
    limit = node.number("maxmemory")
    is_any = policy.startswith("allkeys-")
    severity: Severity = "info" if not limit else "error" if is_any else "warning"
    what = (
        "any key, so tasks in any state are lost without a trace, and IDs without a task stay in "
        "the lists of their queues"
        if is_any
        else "keys that expire, such as the locks of unique tasks, which can then run twice"
    )
    when = "when its memory is full" if limit else "once it has a limit of memory (maxmemory)"
    yield Finding(
        code="eviction",
        severity=severity,
        sentence=f"Redis at {node.address} deletes {what}, {when} (maxmemory-policy {policy}).",
        evidence={"server": node.address, "maxmemory_policy": policy, "maxmemory": limit},
        advice="set maxmemory-policy to noeviction: `redis-cli config set maxmemory-policy "
        "noeviction`, and in its configuration or in the console of its provider",
    )


def _fullness(node: NodeFacts) -> Iterator[Finding]:
    limit, used = node.number("maxmemory"), node.number("used_memory")
    if not limit or used < NEARLY_FULL * limit:
        return
    yield Finding(
        code="memory_nearly_full",
        severity="error" if used >= limit else "warning",
        sentence=(
            f"Redis at {node.address} uses {100 * used // limit} % of its memory; when it is full, "
            "nothing can be enqueued."
        ),
        evidence={"server": node.address, "used_memory": used, "maxmemory": limit},
        advice="raise maxmemory, delete archived and completed tasks, or shorten retentions",
    )


def _persistence(node: NodeFacts) -> Iterator[Finding]:
    broken = [name for name in WRITES if node.info.get(name, "ok") != "ok"]
    if broken:
        yield Finding(
            code="saving_fails",
            severity="error",
            sentence=f"Redis at {node.address} cannot save its data, and soon refuses every write.",
            evidence={"server": node.address, **{name: node.info[name] for name in broken}},
            advice="look into the log of Redis; most often its disk is full, or it lacks the "
            "memory to fork",
        )
    has_log = node.info.get("aof_enabled", "1") != "0"
    if not has_log and node.save == "":
        yield Finding(
            code="persistence_off",
            severity="warning",
            sentence=f"Redis at {node.address} saves nothing: a restart loses every task.",
            evidence={"server": node.address, "aof_enabled": False, "save": node.save},
            advice="turn on the append-only file: `redis-cli config set appendonly yes`, and in "
            "its configuration",
        )


def _replicas(node: NodeFacts) -> Iterator[Finding]:
    for number in range(node.number("connected_slaves")):
        text = node.info.get(f"slave{number}", "")
        fields = dict(each.split("=", 1) for each in text.split(",") if "=" in each)
        lag = fields.get("lag", "0")
        lag_s = int(lag) if lag.lstrip("-").isdecimal() else 0
        state = fields.get("state", "online")
        if state == "online" and 0 <= lag_s <= LATE_REPLICA_S:
            continue
        where = f"{fields.get('ip', '?')}:{fields.get('port', '?')}"
        yield Finding(
            code="replica_lags",
            severity="warning",
            sentence=(
                f"Replica {where} of {node.address} is behind ({state}, silent for {lag_s} s): "
                "what it has not got is lost if it becomes the master."
            ),
            evidence={
                "server": node.address,
                "replica": where,
                "state": state,
                "lag_s": lag_s,
            },
            advice="look at the network and the load of the replica; min-replicas-to-write and "
            "min-replicas-max-lag let Redis refuse writes that no replica takes",
        )
