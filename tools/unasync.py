"""Writes the sync twins of async sources.

The async text is the source: every file named ``*_async.py``. A short table of replacements makes
its twin. Where the two sides differ in more than words, each has a module of its own, and the table
names the pair. What the table cannot express does not belong in a source with a twin.

`tools/generate.py` writes and checks them.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    *sorted(ROOT.glob("src/pyasynq/**/*_async.py")),
    *sorted(ROOT.glob("tests/**/test_*_async.py")),
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
    (r"\b(\w+)_async\b", r"\1"),
    (r"\btransport\.multiplexed\b", "transport.blocking"),
    (r"\bMultiplexedConnection\b", "BlockingConnections"),
    (r"\brunners\.coalescer\b", "runners.direct"),
    (r"\bCoalescer\b", "DirectStore"),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\bAsync([A-Z]\w+)\b", r"\1"),
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
        notice = f"# Generated from {source.name} by tools/unasync.py: change that file.\n"
        twin = source.with_name(source.name.replace("_async", ""))
        found[twin] = notice + twin_of(source.read_text("utf-8"))
    return found
