"""What handlers really did: lines in a file, whatever Redis says.

A handler appends a line when it starts and one when it ends. A line is written at once and whole,
so it is there even if its process is killed right after.
"""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    Attributes:
        word: "start" or "end".
        pid: process of the handler.
    """

    word: str
    task_id: str
    pid: int


class Ledger:
    """The file, read by a test; each look reads only what is new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._file = path.open("rb")
        self._rest = b""
        self._entries: list[Entry] = []
        self._counts = {"start": Counter[str](), "end": Counter[str]()}

    def entries(self) -> list[Entry]:
        """Return every line so far."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            word, task_id, pid = line.decode().split()
            self._entries.append(Entry(word, task_id, int(pid)))
            self._counts[word][task_id] += 1
        return self._entries

    @property
    def starts(self) -> Counter[str]:
        """How often handlers of each task have started so far."""
        self.entries()
        return self._counts["start"]

    @property
    def ends(self) -> Counter[str]:
        """How often handlers of each task have ended so far."""
        self.entries()
        return self._counts["end"]

    def ended(self) -> int:
        """Return how many tasks have ended at least once."""
        return len(self.ends)

    def unfinished(self, pid: int) -> set[str]:
        """Return the tasks whose handlers run in a process just now, or ran when it died."""
        found: Counter[str] = Counter()
        for entry in self.entries():
            if entry.pid == pid:
                found[entry.task_id] += 1 if entry.word == "start" else -1
        return set(+found)

    def duplicates(self) -> int:
        """Return how many handlers ended beyond the first of each task."""
        return self.ends.total() - len(self.ends)

    def overlaps(self, *, without: Container[int] = ()) -> list[str]:
        """Return the tasks of which two handlers ran at a time, those of some processes aside."""
        running: Counter[str] = Counter()
        found = []
        for entry in self.entries():
            if entry.pid in without:
                continue
            running[entry.task_id] += 1 if entry.word == "start" else -1
            if running[entry.task_id] > 1:
                found.append(entry.task_id)
        return found

    def close(self) -> None:
        self._file.close()
