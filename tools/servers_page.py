"""Writes what tests on other servers counted as tables into the page about connections.

Each table stands between `<!-- table NAME -->` and `<!-- end of table -->`; the text around them is
left alone.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

TABLE = re.compile(r"(<!-- table (\S+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
COUNT_HEADS = ("kind of Redis", "server", "passed", "failed", "not run")
REASON_HEADS = ("kind of Redis", "server", "tests", "not run because")

Record = Mapping[str, Any]


def rendered(page: str, record: Record) -> str:
    """Return the page with both tables as the record has them."""
    return TABLE.sub(lambda found: found[1] + tables(record)[found[2]] + found[3], page)


def tables(record: Record) -> dict[str, str]:
    """Return the tables in Markdown by their names."""
    results: Sequence[Record] = record["results"]
    counts = [
        (
            each["title"],
            each["server"],
            str(each["passed"]),
            str(each["failed"]),
            str(sum(each["not_run"].values())),
        )
        for each in results
    ]
    reasons = [
        (each["title"], each["server"], str(count), reason)
        for each in results
        for reason, count in each["not_run"].items()
    ]
    return {
        "tested-servers": _markdown(COUNT_HEADS, counts),
        "tests-not-run": _markdown(REASON_HEADS, reasons),
    }


def _markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [
        heads,
        ["--:" if head in {"passed", "failed", "not run", "tests"} else "---" for head in heads],
    ]
    lines += rows
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
