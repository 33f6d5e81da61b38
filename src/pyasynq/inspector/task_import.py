# Generated from task_import_async.py by tools/unasync.py: change that file.
"""Stores tasks again, from the lines that `export` has written."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import transfer
from pyasynq.broker.operations.enqueue import register_queue
from pyasynq.broker.operations.transfer import Answer, Imported, ToImport
from pyasynq.errors import (
    ConfigError,
    DuplicateTaskError,
    EnqueueError,
    ImportLineError,
    IncompatibleRedisError,
    PayloadError,
    TaskIdConflictError,
)
from pyasynq.identifiers import new_task_id
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.imports import (
    Active,
    BadLine,
    ImportResult,
    OnConflict,
    import_faults,
    renamed,
    task_of,
    type_of,
)
from pyasynq.inspector.line_sources import Line, Lines, numbered

STEP = 200  # tasks of one round trip
MOST_BYTES = 1 << 22  # of lines that are imported in one round trip

Numbered = tuple[int, ToImport]


class TaskImport:
    """The method of `inspector.tasks` that stores tasks which were exported."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def import_(
        self,
        lines: Lines,
        *,
        on_conflict: OnConflict = "skip",
        active: Active = "pending",
        queue: str | None = None,
        dry_run: bool = False,
        on_progress: Callable[[ImportResult], object] | None = None,
        on_bad_line: Callable[[BadLine], object] | None = None,
    ) -> ImportResult:
        """Store tasks from lines that `export` has written, each in the state that it had.

        Each task is stored whole or not at all, with its unique lock for the rest of its time. If
        the import is stopped, by an error or by what a callback raises, the lines before are
        stored: run it again with on_conflict="skip", and it goes on.

        Args:
            lines: text or bytes, such as an open file; empty lines do not count.
            on_conflict: what to do if there is a task with the same ID, or another task holds the
                unique lock. "skip": leave the line out. "fail": stop with an error. "new-id": store
                it under a new ID, without the lock; each import then stores all of them again.
            active: what a task becomes that was running: "pending", as the next one in line, or
                "active": a server takes it over when its lease is over.
            queue: where to store them all; each in the queue that it comes from if not given.
            dry_run: count what would happen, and change nothing.
            on_progress: called after each few hundred lines.
            on_bad_line: called with each line that is no task, or that Redis refuses; the others
                are stored. Without it, the first one is an error.

        Returns:
            What became of the lines.

        Raises:
            ConfigError: an argument is wrong.
            ImportLineError: a line is no task, or there is a conflict and it was to be told. All
                lines before it are imported, and none after it.
            RedisUnavailableError: some of the last few hundred lines may be imported.
            IncompatibleRedisError: Redis takes no more, as when its memory is full; the same.
        """
        ConfigError.raise_if(import_faults(on_conflict, active, queue))
        work = _Work(self._calls, on_conflict, on_bad_line, dry_run=dry_run)
        batch: list[Numbered] = []
        size = 0
        for number, line in numbered(lines):
            try:
                task = self._task_of(line, active, queue)
            except PayloadError as error:
                work.store(batch)
                batch, size = [], 0
                work.refuse(number, error)
                continue
            batch.append((number, task))
            size += len(line)
            if len(batch) == STEP or size >= MOST_BYTES:
                work.store(batch)
                batch, size = [], 0
                if on_progress is not None:
                    on_progress(work.result)
        work.store(batch)
        return work.result

    def _task_of(self, line: Line, active: Active, queue: str | None) -> ToImport:
        return task_of(
            line,
            namespace=self._calls.namespace,
            queue=queue,
            active=active,
            now_ns=self._calls.clock.redis_now_ns(),
        )


class _Work:
    """Stores batches of tasks, and counts what became of them."""

    def __init__(
        self,
        calls: Calls,
        on_conflict: OnConflict,
        on_bad_line: Callable[[BadLine], object] | None,
        *,
        dry_run: bool,
    ) -> None:
        self._calls = calls
        self._on_conflict = on_conflict
        self._on_bad_line = on_bad_line
        self._dry_run = dry_run
        self._listed: set[str] = set()
        self.result = ImportResult()

    def store(self, batch: Sequence[Numbered]) -> None:
        """Store tasks, each with the number of its line.

        Raises:
            ImportLineError: see `import_`.
        """
        if not batch:
            return
        if self._on_conflict == "fail":
            # A round trip stores all its tasks: none may come after the one that fails.
            looked = self._answers(batch, only_looks=True)
            free = next((at for at, each in enumerate(looked) if not _is_stored(each)), len(batch))
            self._store(batch[:free])
            if free < len(batch):
                self._settle(batch[free], looked[free])
                self.store(batch[free + 1 :])
        else:
            self._store(batch)

    def _store(self, batch: Sequence[Numbered]) -> None:
        if not batch:
            return
        answers = self._answers(batch, only_looks=self._dry_run)
        if self._on_conflict == "new-id":
            answers = self._under_new_ids(batch, answers)
        for each, answer in zip(batch, answers, strict=True):
            self._settle(each, answer)

    def _under_new_ids(self, batch: Sequence[Numbered], answers: Sequence[Any]) -> Sequence[Any]:
        """Store those under new IDs that had a conflict; return the answers to all."""
        taken = [at for at, each in enumerate(answers) if _is_conflict(each)]
        again = [(batch[at][0], renamed(batch[at][1], new_task_id())) for at in taken]
        if not again:
            return answers
        others = self._answers(again, only_looks=self._dry_run, needs_lock=False)
        found = list(answers)
        for at, answer in zip(taken, others, strict=True):
            found[at] = answer
            self._count(renamed=int(_is_stored(answer)))
        return found

    def _answers(
        self, batch: Sequence[Numbered], *, only_looks: bool, needs_lock: bool = True
    ) -> Sequence[Any]:
        """Return for each task the answer of Redis, or the error."""
        queues = {task.keys.queue for _number, task in batch} - self._listed
        if queues and not only_looks:
            namespace = self._calls.namespace
            listed = [register_queue(each, namespace=namespace) for each in sorted(queues)]
            raise_first(self._calls.run_all(listed))
            self._listed |= queues
        answers = self._calls.run_all(
            [
                transfer.import_task(task, needs_lock=needs_lock, only_looks=only_looks)
                for _number, task in batch
            ]
        )
        raise_first(answers, which=_stops)
        return answers

    def _settle(self, numbered: Numbered, answer: Any) -> None:
        """Count what became of a task, or raise it."""
        number, task = numbered
        if not isinstance(answer, Answer):
            self.refuse(number, answer)
        elif answer.verdict is Imported.STORED:
            self._count(lines=1, imported=1)
        elif self._on_conflict == "fail":
            error = _conflict(task, answer)
            raise ImportLineError(number, str(error)) from error
        else:
            self._count(lines=1, skipped=1)

    def refuse(self, number: int, error: Exception) -> None:
        """Tell that a line is not imported.

        Raises:
            ImportLineError: nobody wants to be told.
        """
        if self._on_bad_line is None:
            raise ImportLineError(number, str(error)) from error
        self._count(lines=1, bad=1)
        self._on_bad_line(BadLine(line=number, reason=str(error)))

    def _count(self, **more: int) -> None:
        counts = {name: getattr(self.result, name) + count for name, count in more.items()}
        self.result = replace(self.result, **counts)


def _stops(error: BaseException) -> bool:
    """Whether no other task can be stored either, as when the memory of Redis is full."""
    return isinstance(error, IncompatibleRedisError) or concerns_redis_as_a_whole(error)


def _is_stored(answer: object) -> bool:
    return isinstance(answer, Answer) and answer.verdict is Imported.STORED


def _is_conflict(answer: object) -> bool:
    return isinstance(answer, Answer) and answer.verdict is not Imported.STORED


def _conflict(task: ToImport, answer: Answer) -> EnqueueError:
    queue = task.keys.queue
    if answer.verdict is Imported.EXISTS:
        return TaskIdConflictError(queue=queue, task_id=task.task_id, state=answer.detail)
    return DuplicateTaskError(queue=queue, task_type=type_of(task), holder_id=answer.detail)
