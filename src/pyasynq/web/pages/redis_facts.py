"""What Redis reports about itself, in figures and tables. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyasynq.web.pages.figures import Figures, name

LONGEST_VALUE = 60
FIELDS_OF_A_NODE = 8  # of a line of CLUSTER NODES, before its slots
LARGEST_TIME_S = 2**36

Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of a cluster, as CLUSTER NODES tells of it.

    Attributes:
        id: how the cluster calls it.
        address: host and port.
        is_primary: whether it serves slots of its own.
        of: the address of its primary; empty if it is one.
        is_well: whether the node that was asked reaches it.
        flags: what the cluster says of it.
        slots: such as "0-5460".
    """

    id: str
    address: str
    is_primary: bool
    of: str
    is_well: bool
    flags: str
    slots: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A replica, as INFO tells of it.

    Attributes:
        address: host and port.
        state: such as "online".
        lag: seconds since it was heard of; empty if that is not told.
    """

    address: str
    state: str
    lag: str


def facts_of(info: Mapping[str, str], figures: Figures) -> Facts:
    """Return what matters most of INFO: keys of texts, and values. What is not told is left out."""
    return [(key, value) for key, value in _facts(info, figures) if value]


def cluster_facts_of(info: Mapping[str, str]) -> Facts:
    """Return what matters most of CLUSTER INFO."""
    wanted = (
        ("cluster_state", "cluster_state"),
        ("slots_assigned", "cluster_slots_assigned"),
        ("slots_ok", "cluster_slots_ok"),
        ("slots_fail", "cluster_slots_fail"),
        ("known_nodes", "cluster_known_nodes"),
        ("primaries", "cluster_size"),
    )
    return [(key, name(info[field], LONGEST_VALUE)) for key, field in wanted if field in info]


def sections_of(text: str) -> Sequence[tuple[str, str]]:
    """Return the sections of INFO with their names; the first may have none."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("#"):
            found.append((line.strip("# "), []))
        elif line.strip():
            if not found:
                found.append(("", []))
            found[-1][1].append(line)
    return [(title, "\n".join(lines)) for title, lines in found if lines]


def replicas_of(info: Mapping[str, str]) -> Sequence[Replica]:
    """Return the replicas that INFO names."""
    names = (each for each in info if each.startswith("slave") and each[5:].isdecimal())
    return [_replica(info[each]) for each in sorted(names, key=lambda each: int(each[5:]))]


def nodes_of(text: str) -> Sequence[Node]:
    """Return the nodes of CLUSTER NODES by their slots; replicas after their primary."""
    lines = [line.split() for line in text.splitlines()]
    known = [fields for fields in lines if len(fields) >= FIELDS_OF_A_NODE]
    addresses = {fields[0]: _address(fields[1]) for fields in known}
    nodes = [(_place(fields, known), _node(fields, addresses)) for fields in known]
    return [node for _place, node in sorted(nodes, key=lambda each: (each[0], each[1].id))]


def _facts(info: Mapping[str, str], figures: Figures) -> Iterator[tuple[str, str]]:
    is_valkey = "valkey_version" in info
    version = info.get("valkey_version") or info.get("redis_version") or ""
    yield "version", name(f"{'Valkey' if is_valkey else 'Redis'} {version}" if version else "")
    yield "mode", name(" · ".join(filter(None, (info.get("redis_mode"), info.get("role")))))
    yield "uptime", _span(info, "uptime_in_seconds", figures)
    yield "used_memory", _size(info, "used_memory", figures)
    yield "peak_memory", _size(info, "used_memory_peak", figures)
    yield "max_memory", _limit(info, figures)
    yield "policy", name(info.get("maxmemory_policy", ""), LONGEST_VALUE)
    yield "fragmentation", name(info.get("mem_fragmentation_ratio", ""), LONGEST_VALUE)
    yield "clients", _number(info, "connected_clients", figures)
    yield "blocked", _number(info, "blocked_clients", figures)
    yield "replicas", _number(info, "connected_slaves", figures)
    yield "last_save", _time(info, "rdb_last_save_time", figures)
    yield "changes", _number(info, "rdb_changes_since_last_save", figures)
    yield (
        "aof",
        {"0": figures.words("redis.off"), "1": figures.words("redis.on")}.get(
            info.get("aof_enabled", ""), ""
        ),
    )
    yield "commands", _number(info, "instantaneous_ops_per_sec", figures)
    yield "evicted", _number(info, "evicted_keys", figures)


def _whole(info: Mapping[str, str], field: str) -> int | None:
    text = info.get(field, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None  # noqa: PLR2004 - 64 bits


def _number(info: Mapping[str, str], field: str, figures: Figures) -> str:
    value = _whole(info, field)
    return "" if value is None else figures.number(value)


def _size(info: Mapping[str, str], field: str, figures: Figures) -> str:
    value = _whole(info, field)
    return "" if value is None else figures.size(value)


def _limit(info: Mapping[str, str], figures: Figures) -> str:
    value = _whole(info, "maxmemory")
    if value is None:
        return ""
    return figures.size(value) if value else figures.words("redis.no_limit")


def _span(info: Mapping[str, str], field: str, figures: Figures) -> str:
    value = _whole(info, field)
    is_known = value is not None and value < LARGEST_TIME_S
    return figures.span(timedelta(seconds=value)) if is_known and value is not None else ""


def _time(info: Mapping[str, str], field: str, figures: Figures) -> str:
    value = _whole(info, field)
    is_known = value is not None and 0 < value < LARGEST_TIME_S
    return figures.moment(datetime.fromtimestamp(value, UTC)) if is_known and value else ""


def _replica(text: str) -> Replica:
    fields = dict(each.split("=", 1) for each in text.split(",") if "=" in each)
    return Replica(
        address=f"{fields.get('ip', '?')}:{fields.get('port', '?')}",
        state=fields.get("state", ""),
        lag=fields.get("lag", ""),
    )


def _address(text: str) -> str:
    """Return host and port of ``host:port@bus,name``."""
    return text.partition(",")[0].partition("@")[0]


def _node(fields: Sequence[str], addresses: Mapping[str, str]) -> Node:
    flags = fields[2].split(",")
    is_failed = not {"fail", "fail?", "noaddr", "handshake"}.isdisjoint(flags)
    return Node(
        id=fields[0],
        address=addresses[fields[0]],
        is_primary="master" in flags,
        of=addresses.get(fields[3], ""),
        is_well=fields[7] == "connected" and not is_failed,
        flags=", ".join(each for each in flags if each not in ("myself", "master", "slave")),
        slots=", ".join(each for each in fields[FIELDS_OF_A_NODE:] if not each.startswith("[")),
    )


def _place(fields: Sequence[str], known: Sequence[Sequence[str]]) -> tuple[int, bool]:
    """Return where a node stands: by the first slot of its primary, which comes first."""
    primary = next((each for each in known if each[0] == fields[3]), fields)
    first = (primary[FIELDS_OF_A_NODE:] or [""])[0].partition("-")[0]
    return int(first) if first.isdecimal() else 1 << 20, primary is not fields
