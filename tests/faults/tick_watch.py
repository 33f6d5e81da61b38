"""Sees each tick of periodic tasks as Redis stores it."""

import threading
from collections import defaultdict

import redis

from pyasynq.wire.keys import queue_keys


class TickWatch:
    """Reads what Redis executes on the records of the ticks of a queue, in a thread.

    Attributes:
        stored: by the ID of an entry, (tick, ID of its task) for each task that was stored.
    """

    def __init__(self, client: redis.Redis, queue: str) -> None:
        self.stored: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._prefix = queue_keys(queue).tick("")
        self._at: dict[str, int] = {}
        self._monitor = client.monitor()
        self._monitor.__enter__()
        self._ends = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def count(self, entry_id: str) -> int:
        return len(self.stored[entry_id])

    def ticks(self, entry_id: str) -> list[int]:
        return [tick for tick, _task in self.stored[entry_id]]

    def close(self) -> None:
        self._ends = True
        self._monitor.connection.disconnect()
        self._thread.join()

    def _read(self) -> None:
        try:
            while True:
                words = self._monitor.next_command()["command"].split()
                if words[0] == "HSET" and words[1].startswith(self._prefix):
                    self._note(words[1].removeprefix(self._prefix), words[2], words[3])
        except (redis.RedisError, OSError, ValueError, AttributeError):
            if not self._ends:
                raise

    def _note(self, entry_id: str, field: str, value: str) -> None:
        """Take in what the script stores: first the tick, then its task."""
        if field == "at":
            self._at[entry_id] = int(value)
        elif field == "task":
            self.stored[entry_id].append((self._at[entry_id], value))
