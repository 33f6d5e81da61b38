"""Writes what was measured, with all that is needed to judge it, and shows it as a table."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.measure.environments import BUILT
from benchmarks.measure.options import Options

RECORDS = Path(__file__).parents[1] / "records"
QUICK_RECORDS = BUILT / "records"
THOUSAND = 1000
PACKAGES = ("pyasynq", "redis", "hiredis", "msgspec", "protobuf", "uvloop")


def save(
    question: str,
    results: Any,
    *,
    options: Options,
    redis_version: str,
    took_s: float,
    peers: Mapping[str, Any] | None = None,
) -> Path:
    """Write the record of one question; return where.

    Args:
        question: name of the script; the file has it, too.
        results: anything that JSON can hold.
        options: what was asked for.
        redis_version: of the server that was used.
        took_s: how long measuring took.
        peers: the versions of the packages of each peer, or why it could not be installed.
    """
    usual = QUICK_RECORDS if options.is_quick else RECORDS
    path = options.record or usual / f"{question}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "question": question,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "mode": "quick" if options.is_quick else "full",
        "rounds": options.rounds,
        "took_s": round(took_s),
        "machine": machine(),
        "versions": {"python": platform.python_version(), "redis-server": redis_version}
        | {name: found for name in PACKAGES if (found := _version(name))},
        **({"peers": dict(peers)} if peers else {}),
        "results": results,
    }
    path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return path


def machine() -> dict[str, Any]:
    """Return what this machine is, as far as figures depend on it."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return {"processor": model, "cores": os.cpu_count(), "system": platform.system()}


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows as aligned text; numbers to the right, what is missing as a dash."""
    texts = [list(heads)] + [[as_text(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(heads))]
    lines = []
    for row in texts:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_text(cell: object) -> str:
    """Return a figure with three digits or more, what is missing as a dash."""
    if cell is None:
        return "-"
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:,.0f}".replace(",", " ") if abs(cell) >= THOUSAND else f"{cell:.3g}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
