"""Writes the recorded figures as tables into the page about performance.

Each table stands between `<!-- table NAME -->` and `<!-- end of table -->`; the text around them is
left alone.
"""

import argparse
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import (
    ceiling,
    drain,
    enqueue,
    idle,
    interpreters,
    latency,
    memory,
    observability,
    processes,
    scale,
    startup,
    threads,
    web_pages,
)
from benchmarks.measure import goal, goals
from benchmarks.measure.environments import ROOT
from benchmarks.measure.peers import PEERS
from benchmarks.measure.record import RECORDS, as_text

PAGE = ROOT / "docs" / "explain" / "performance.md"
TABLE = re.compile(r"(<!-- table (\S+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
QUESTIONS = {
    each.QUESTION.name: each.QUESTION
    for each in (
        drain,
        threads,
        processes,
        enqueue,
        latency,
        idle,
        scale,
        memory,
        observability,
        startup,
        web_pages,
        ceiling,
        interpreters,
    )
}
RECORD_HEADS = ("question", "mode", "rounds", "measured at", "machine", "Python", "Redis")
PEER_HEADS = ("queue", "version", "Python", "not measured because")

Records = Mapping[str, Mapping[str, Any]]


class UnknownTableError(Exception):
    """The page asks for a table that no record fills; the text names it."""


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the records of a folder by their question."""
    paths = sorted(folder.glob("*.json"))
    return {path.stem: json.loads(path.read_text("utf-8")) for path in paths}


def rendered(page: str, records: Records) -> str:
    """Return the page with every table as the records have it.

    Raises:
        UnknownTableError: there is no such table, or no record for it.
    """
    return TABLE.sub(lambda found: found[1] + table(found[2], records) + found[3], page)


def table(name: str, records: Records) -> str:
    """Return one table of the page, in Markdown.

    Raises:
        UnknownTableError: there is no such table, or no record for it.
    """
    if name == "goals":
        results = {question: record["results"] for question, record in records.items()}
        return _markdown(goal.HEADS, goals.rows(results))
    if name == "records":
        return _markdown(RECORD_HEADS, [_about(record) for record in records.values()])
    if name == "peers":
        return _markdown(PEER_HEADS, _peers(records))
    if name not in QUESTIONS or name not in records:
        raise UnknownTableError(f"{name}: no such record; run `make bench` first")
    question = QUESTIONS[name]
    return _markdown(question.all_heads, question.rows(records[name]["results"]))


def _about(record: Mapping[str, Any]) -> tuple[object, ...]:
    machine, versions = record["machine"], record["versions"]
    return (
        record["question"],
        record["mode"],
        record["rounds"],
        record["measured_at"].replace("+00:00", "Z"),
        f"{machine['cores']} × {machine['processor']}, {machine['system']}",
        versions["python"],
        versions["redis-server"],
    )


def _peers(records: Records) -> Iterable[tuple[object, ...]]:
    """Return the version of each peer from the records, or why it was not measured."""
    for name in PEERS:
        known = [
            record["peers"][name] for record in records.values() if name in record.get("peers", {})
        ]
        if known:
            failure = known[-1].get("failure", "-").splitlines()[-1]
            versions = known[-1].get("versions", {})
            yield (name, versions.get(name, "-"), versions.get("python", "-"), failure)


def _markdown(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    found = list(rows)
    columns = zip(*found, strict=True)
    are_texts = [any(isinstance(cell, str) for cell in column) for column in columns]
    lines: list[Sequence[str]] = [heads, ["---" if each else "--:" for each in are_texts]]
    lines += [[as_text(cell).replace("|", "\\|") for cell in row] for row in found]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Read the command line and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=Path, default=RECORDS, help="folder of the records")
    parser.add_argument("--page", type=Path, default=PAGE, help="file to write the tables into")
    given = parser.parse_args()
    try:
        text = rendered(given.page.read_text("utf-8"), read(given.records))
    except UnknownTableError as error:
        parser.error(str(error))
    given.page.write_text(text, "utf-8")
    print(given.page)


if __name__ == "__main__":
    main()
