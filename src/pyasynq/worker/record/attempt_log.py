"""Attempts that wait to be written to the history of their tasks: bounded, and in batches."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import msgspec

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations.attempts import MOST_ATTEMPTS, StoredAttempt, record_attempts
from pyasynq.clock import Clock, redis_now_s
from pyasynq.options import to_seconds
from pyasynq.wire.attempts import AttemptRecord, encode
from pyasynq.wire.error_text import error_text
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import clean_text
from pyasynq.wire.traceback_text import traceback_text
from pyasynq.worker.floods import Floods
from pyasynq.worker.task_history import TaskHistory

logger = logging.getLogger("pyasynq.recorder")

MOST_WAITING = 10_000
MOST_WAITING_BYTES = 16 * 2**20
MOST_BYTES_PER_CALL = 2**18
OVERHEAD_BYTES = 300  # of a waiting attempt in memory, beside its record
LONGEST_ERROR_BYTES = 4096
TRACEBACKS_PER_S = 20


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """An attempt, and the keys of its queue."""

    keys: QueueKeys
    attempt: StoredAttempt

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, about."""
        return len(self.attempt.data) + len(self.attempt.task_id) + OVERHEAD_BYTES


class AttemptLog:
    """What is to be written; used on the event loop only.

    Args:
        history: the settings.
        clock: knows the time of Redis.
        on_drop: called with the queue of an attempt that is dropped, since too much waits.
    """

    def __init__(
        self, history: TaskHistory, clock: Clock, *, on_drop: Callable[[str], None]
    ) -> None:
        self._history = history
        self._clock = clock
        self._on_drop = on_drop
        self._keep_s = max(1, int(to_seconds(history.keep)))
        self._keep_deleted_s = int(to_seconds(history.keep_deleted))
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._floods = Floods(clock, lines_per_s=TRACEBACKS_PER_S)
        self._has_redact_failed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(
        self,
        keys: QueueKeys,
        task_id: str,
        record: AttemptRecord,
        *,
        at_us: int,
        replaces: bool = False,
    ) -> None:
        """Let *record* wait to be written; if too much waits, the oldest is dropped.

        Args:
            keys: of the queue of the task.
            task_id: the task.
            record: its attempt.
            at_us: names the attempt: its start, or when it was recovered.
            replaces: whether its start may be written already.
        """
        kept_s = self._keep_deleted_s if record.then == "deleted" else self._keep_s
        if not kept_s:
            return
        ends_at_s = redis_now_s(self._clock) + kept_s
        stored = StoredAttempt(
            task_id=task_id,
            at_us=at_us,
            ends_at_s=ends_at_s,
            data=encode(record),
            replaces=replaces,
        )
        self._put(Waiting(keys, stored))

    def texts_of(self, error: BaseException | None, task_type: str) -> tuple[str, str]:
        """Return what may be stored of an error: its text, and its traceback."""
        if error is None:
            return "", ""
        text = clean_text(self._redacted(error_text(error)), LONGEST_ERROR_BYTES)
        size = self._history.traceback_size
        if not size or self._floods.is_flooded((task_type, type(error).__name__), _ignore):
            return text, ""
        return text, _end_of(self._redacted(traceback_text(error)), size)

    def take(self) -> list[Waiting]:
        """Return everything that waits, the oldest first; nothing waits any more."""
        taken = list(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return taken

    def put_back(self, taken: Sequence[Waiting]) -> None:
        """Let what could not be written wait again, before what has come meanwhile."""
        newer = self.take()
        for each in (*taken, *newer):
            self._put(each)

    def calls(
        self, taken: Sequence[Waiting]
    ) -> Iterator[tuple[Sequence[Waiting], Operation[None]]]:
        """Yield the calls that write *taken*, each with what it writes."""
        now_s = redis_now_s(self._clock)
        for keys, some in _batches(taken):
            yield (
                some,
                record_attempts(
                    keys,
                    [each.attempt for each in some],
                    kept=self._history.attempts,
                    most_histories=self._history.tasks,
                    now_s=now_s,
                ),
            )

    def _put(self, waiting: Waiting) -> None:
        self._waiting.append(waiting)
        self._bytes += waiting.size
        while len(self._waiting) > MOST_WAITING or self._bytes > MOST_WAITING_BYTES:
            oldest = self._waiting.popleft()
            self._bytes -= oldest.size
            self._on_drop(oldest.keys.queue)

    def _redacted(self, text: str) -> str:
        redact = self._history.redact
        if redact is None or not text:
            return text
        try:
            shown = redact(text)
            return str.__str__(shown)
        except Exception:
            if not self._has_redact_failed:
                self._has_redact_failed = True
                logger.exception(
                    "redact of the task history failed; errors are kept without their texts then"
                )
            return ""


def _batches(taken: Sequence[Waiting]) -> Iterator[tuple[QueueKeys, Sequence[Waiting]]]:
    """Yield attempts of one queue each, bounded in number and in bytes."""
    by_queue: dict[QueueKeys, list[Waiting]] = {}
    for each in taken:
        by_queue.setdefault(each.keys, []).append(each)
    for keys, some in by_queue.items():
        batch: list[Waiting] = []
        size = 0
        for each in some:
            if batch and (len(batch) >= MOST_ATTEMPTS or size + each.size > MOST_BYTES_PER_CALL):
                yield keys, batch
                batch, size = [], 0
            batch.append(each)
            size += each.size
        yield keys, batch


def _end_of(text: str, size: int) -> str:
    """Return the last *size* bytes of *text*, where an error is told."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= size:
        return data.decode()
    return "…" + data[-max(0, size - 3) :].decode("utf-8", "ignore") if size > 3 else ""  # noqa: PLR2004


def _ignore(count: int) -> None:
    """Sum up nothing: what a flood left out is in the history without its traceback."""
    del count
