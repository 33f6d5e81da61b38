"""What Redis reports about itself."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static
from typing_extensions import override

from pyasynq.tui.parts.cells import cell, one_line, size_text
from pyasynq.tui.parts.colours import Colours
from pyasynq.tui.parts.layout import Column
from pyasynq.tui.parts.rows_table import Row, RowsTable
from pyasynq.tui.rows_view import RowsView

COLUMNS = (Column(heading="Field"), Column(heading="Value", flexible=True))
LABEL, VALUE = 17, 20  # columns of the summary


class RedisView(RowsView[Mapping[str, str]]):
    """The most important fields, and all of them in a table."""

    tab = "Redis"

    @override
    def above(self) -> Iterable[Widget]:
        yield Static(id="facts")

    @override
    def rows(self) -> Iterable[Widget]:
        yield RowsTable()

    @override
    async def read(self) -> Mapping[str, str]:
        redis = self.session.inspector.redis
        info = await redis.info()
        if info.get("cluster_enabled") == "1":
            return info | await redis.cluster_info()
        return info

    @override
    def draw(self, data: Mapping[str, str], now: datetime) -> None:
        colours = self.session.colours
        self.query_one("#facts", Static).update(_in_two_columns(facts(data), colours))
        self.table.show(
            COLUMNS,
            [
                Row(name, (cell(name, colours.dim), cell(value)), value)
                for name, value in sorted(data.items())
            ],
        )
        self.show_rows(has_rows=True, title="", what_to_do="")
        self.entitle("Redis", self.session.inspector.description)


def facts(info: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what matters most of INFO, and of CLUSTER INFO."""
    limit = _number(info, "maxmemory")
    found = [
        ("Version", info.get("redis_version", "-")),
        ("Memory", size_text(_number(info, "used_memory"))),
        ("Mode", f"{info.get('redis_mode', '-')}, {info.get('role', '-')}"),
        ("Peak memory", size_text(_number(info, "used_memory_peak"))),
        ("Up for", f"{info.get('uptime_in_days', '-')} days"),
        ("Memory limit", size_text(limit) if limit else "none"),
        ("Clients", info.get("connected_clients", "-")),
        ("When it is full", info.get("maxmemory_policy", "-")),
        ("Blocked clients", info.get("blocked_clients", "-")),
        ("Evicted keys", info.get("evicted_keys", "-")),
        ("Commands / s", info.get("instantaneous_ops_per_sec", "-")),
        ("Persistence", _persistence(info)),
    ]
    if "cluster_state" in info:
        found += [
            ("Cluster", info["cluster_state"]),
            ("Known nodes", info.get("cluster_known_nodes", "-")),
        ]
    return found


def _number(info: Mapping[str, str], name: str) -> int:
    """Return a field as a number; 0 if it is none: not every provider tells all of them."""
    text = info.get(name, "")
    return int(text) if text.isdecimal() else 0


def _persistence(info: Mapping[str, str]) -> str:
    if info.get("aof_enabled") == "1":
        return f"AOF, {info.get('aof_last_write_status', '-')}"
    return f"RDB, {info.get('rdb_last_bgsave_status', '-')}"


def _in_two_columns(pairs: list[tuple[str, str]], colours: Colours) -> Text:
    text = Text()
    for at, (name, value) in enumerate(pairs):
        text.append(f"{name:<{LABEL}}", colours.dim)
        shown_value = one_line(value, VALUE)
        is_bad = name == "Evicted keys" and value not in ("0", "-")
        text.append(f"{shown_value:<{VALUE}}", colours.bad if is_bad else "")
        text.append("\n" if at % 2 else "  ")
    text.rstrip()
    return text
