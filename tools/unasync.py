"""Writes the sync twins of async sources.

The async text is the source; a short table of replacements makes the twin. What the table cannot
say does not belong into a source with a twin.

`tools/generate.py` writes and checks them.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    "src/pyasynq/broker/runners/runner_async.py",
    "src/pyasynq/broker/runners/enqueuer_async.py",
    "src/pyasynq/client_async.py",
    "src/pyasynq/connection/transport/cluster_async.py",
    *(
        str(path.relative_to(ROOT))
        for path in sorted(ROOT.glob("src/pyasynq/inspector/*_async.py"))
    ),
    *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("tests/*/test_*_async.py"))),
)
TABLE = [
    (r"\basync def\b", "def"),
    (r"\basync with\b", "with"),
    (r"\basync for\b", "for"),
    (r"\bawait ", ""),
    (r"\bimport asyncio\b", "import time"),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\bredis\.asyncio\b", "redis"),
    (r"\baclose\b", "close"),
    (r"disconnect\(nowait=True\)", "disconnect()"),
    (r"\bopen_async\b", "open_sync"),
    (
        r"\bAsync(Runner|Cluster|Link|Enqueuer|Shared|Client|Inspector|Queues|Tasks|RedisDetails)\b",
        r"\1",
    ),
    (r"\b(\w+)_async\b", r"\1"),
    (r"\btransport\.multiplexed\b", "transport.blocking"),
    (r"\brunners\.coalescer\b", "runners.direct"),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\bAsyncIterator\b", "Iterator"),
]


def twin_of(text: str) -> str:
    """Return the sync form of an async text."""
    for pattern, replacement in TABLE:
        text = re.sub(pattern, replacement, text)
    return text


def outputs() -> dict[Path, str]:
    """Return the path and the text of every twin."""
    found = {}
    for source in SOURCES:
        path = ROOT / source
        if path.exists():
            notice = f"# Generated from {path.name} by tools/unasync.py: change that file.\n"
            twin = path.with_name(path.name.replace("_async", ""))
            found[twin] = notice + twin_of(path.read_text("utf-8"))
    return found
