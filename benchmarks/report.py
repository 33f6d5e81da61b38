"""Writes the recorded figures as tables into the pages about performance and the comparison.

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
    compare,
    crash,
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
COMPARISON = ROOT / "docs" / "explain" / "comparison.md"
PAGES = (PAGE, COMPARISON)
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
        compare,
        crash,
        ceiling,
        interpreters,
    )
}
COMPARED_HEADS = (
    "queue",
    *(f"{case.name}, tasks/s" for case in compare.CASES[:-1]),
    "pick-up when idle, ms",
    "RSS MB",
    "running tasks of a killed worker run again after s",
)
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
    if name == "compared" and {"compare", "crash"} <= records.keys():
        return _markdown(COMPARED_HEADS, _compared(records))
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


def _compared(records: Records) -> Iterable[tuple[object, ...]]:
    """Return a row for each queue: what it does in each case, and after a crash."""
    cases = {case: _medians(group) for case, group in records["compare"]["results"].items()}
    (crashed,) = [_medians(group) for group in records["crash"]["results"].values()]
    *rates, idle_case = [cases[case.name] for case in compare.CASES]
    for name in rates[0]:
        run = crashed.get(name, {})
        yield (
            name,
            *(case[name].get("tasks_per_s") for case in rates),
            idle_case[name].get("p50_ms"),
            rates[0][name].get("rss_mb"),
            run.get("running_s") or f"not within {as_text(run.get('limit_s'))}",
        )


def _medians(group: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the figures of each side by its name."""
    return {side["name"]: side["median"] for side in group}


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
    parser.add_argument(
        "--page", type=Path, action="append", help="file with tables; may be given again"
    )
    given = parser.parse_args()
    for page in given.page or PAGES:
        try:
            text = rendered(page.read_text("utf-8"), read(given.records))
        except UnknownTableError as error:
            parser.error(str(error))
        page.write_text(text, "utf-8")
        print(page)


if __name__ == "__main__":
    main()
