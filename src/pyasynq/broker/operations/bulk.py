"""Many new tasks as few operations: pure rules, no I/O.

Tasks of one queue and one state are stored together, in their order, at most 250 tasks and about
1 MiB at a time, so that no script blocks Redis for long. Of tasks that share an ID or a unique lock
the first one must win, so a task whose rival is in another chunk is stored in a later round trip:
within one, an operation that has to be repeated would come after the others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec

from pyasynq.broker.new_tasks.prepare import PreparedTask, info_of
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations.enqueue import Outcomes, store
from pyasynq.errors import (
    ConfigError,
    EnqueueError,
    NotReplicatedError,
    PayloadError,
    PyasynqError,
    RedisUnavailableError,
)
from pyasynq.options import EnqueueOptions
from pyasynq.task import EnqueueResult, ResultDraft, Task, TaskInfo, TaskState
from pyasynq.wire.keys import QueueKeys

MOST_BYTES = 1 << 20
TASKS_PER_SCRIPT = 250  # 1.1 ms of Redis, and 3 in a bad hour; 500 cost no less per task


Kind = tuple[str, TaskState]
"""Queue and state of a task."""


class Chunk(msgspec.Struct):
    """Tasks that one operation stores.

    Attributes:
        items: tasks of one queue and one state.
        positions: the position of each among all tasks of the call.
        size_bytes: of all their messages.
        turn: chunks of one turn can be stored in any order, those of the next one come after them.
    """

    items: list[PreparedTask] = msgspec.field(default_factory=list)
    positions: list[int] = msgspec.field(default_factory=list)
    size_bytes: int = 0
    turn: int = 0

    @property
    def keys(self) -> QueueKeys:
        """Keys of the queue of the tasks."""
        return self.items[0].keys

    def add(self, item: PreparedTask, position: int) -> bool:
        """Add *item* if it fits, and return whether it did; a larger task gets its own chunk."""
        items, size_bytes = self.items, self.size_bytes + len(item.encoded)
        if items and (len(items) >= TASKS_PER_SCRIPT or size_bytes > MOST_BYTES):
            return False
        items.append(item)
        self.positions.append(position)
        self.size_bytes = size_bytes
        return True

    def operation(self, now_ns: int) -> Operation[Outcomes]:
        """Return the operation that stores the tasks."""
        return store(self.items, now_ns=now_ns)


_ID, _LOCK = attrgetter("id"), attrgetter("unique_key")


def prepared_all(
    tasks: Iterable[Task | tuple[Task, EnqueueOptions]],
    prepare_one: Callable[[Task, EnqueueOptions], PreparedTask],
) -> list[PreparedTask]:
    """Prepare every task.

    Raises:
        ConfigError: this is not an iterable of tasks; or it names every task that is wrong, by
            its position, counted from 0.
    """
    # Text, bytes and mappings can be iterated, but are never what was meant.
    if isinstance(tasks, str | bytes | Mapping) or not isinstance(tasks, Iterable):
        raise ConfigError(
            f"enqueue_many takes a list or another iterable of tasks, not {type(tasks).__name__}"
        )
    items: list[PreparedTask] = []
    faults: list[str] = []
    for position, given in enumerate(tasks):
        try:
            items.append(prepare_one(*_with_options(given)))
        except (ConfigError, PayloadError) as error:
            faults.append(f"task {position}: {error}")
    ConfigError.raise_if(faults)
    return items


def results_of(
    items: Sequence[PreparedTask], outcomes: Sequence[PyasynqError | None], *, now: datetime
) -> list[EnqueueResult]:
    """Return the results of `enqueue_many`.

    Raises:
        RedisUnavailableError: some tasks were not stored, or it is unknown whether they were.
        PyasynqError: none was stored.
    """
    results: list[EnqueueResult | None] = []
    trouble: PyasynqError | None = None
    for item, outcome in zip(items, outcomes, strict=True):
        if outcome is None:
            results.append(_stored(info_of(item, now=now)))
        elif isinstance(outcome, EnqueueError):
            results.append(EnqueueResult(error=outcome))
        else:
            results.append(None)
            is_stored = isinstance(trouble, NotReplicatedError)
            trouble = outcome if trouble is None or is_stored else trouble
    if trouble is not None:
        error = _incomplete(trouble, results)
        if any(isinstance(outcome, NotReplicatedError) for outcome in outcomes):
            vars(error)["may_have_happened"] = True
        raise error
    return [each for each in results if each is not None]


def refusals_of(
    items: Sequence[PreparedTask], outcomes: Sequence[PyasynqError | None], *, now: datetime
) -> list[EnqueueError | None]:
    """Return for each task why Redis refused it, None if it was stored.

    Raises:
        RedisUnavailableError, PyasynqError: see `results_of`.
    """
    refusals = [each if isinstance(each, EnqueueError) else None for each in outcomes]
    if refusals != list(outcomes):
        results_of(items, outcomes, now=now)  # which raises
    return refusals


def chunked(items: Sequence[PreparedTask]) -> list[Chunk]:
    """Return *items* in chunks, by their turns, and in the order of their first tasks."""
    if not _have_rivals(items):
        return _chunks_of(enumerate(items), turn=0)
    by_turn: dict[int, list[tuple[int, PreparedTask]]] = {}
    for position, turn in enumerate(_turns(items)):
        by_turn.setdefault(turn, []).append((position, items[position]))
    chunks = (_chunks_of(by_turn[turn], turn=turn) for turn in sorted(by_turn))
    return list(chain.from_iterable(chunks))


def round_trips(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    """Yield chunks that go together in one round trip: of one turn, about 1 MiB or one chunk."""
    together: list[Chunk] = []
    size_bytes = 0
    for chunk in chunks:
        is_full = size_bytes + chunk.size_bytes > MOST_BYTES
        if together and (is_full or chunk.turn != together[0].turn):
            yield together
            together, size_bytes = [], 0
        together.append(chunk)
        size_bytes += chunk.size_bytes
    if together:
        yield together


def _chunks_of(items: Iterable[tuple[int, PreparedTask]], *, turn: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    current: dict[Kind, Chunk] = {}
    for position, item in items:
        kind = item.keys.queue, item.state
        chunk = current.get(kind)
        if chunk is None or not chunk.add(item, position):
            chunk = current[kind] = Chunk(turn=turn)
            chunk.add(item, position)
            chunks.append(chunk)
    return chunks


def _have_rivals(items: Sequence[PreparedTask]) -> bool:
    """Return whether two tasks may share an ID or a lock."""
    locks = list(filter(None, map(_LOCK, items)))
    return len(set(map(_ID, items))) < len(items) or len(set(locks)) < len(locks)


def _turns(items: Iterable[PreparedTask]) -> Iterator[int]:
    """Yield the turn of each task.

    It is the turn of the last task of its queue and state, so that these keep their order, or that
    after the last rival of another state.
    """
    latest: dict[Kind, int] = {}
    rivals: dict[tuple[str, str], tuple[Kind, int]] = {}
    for item in items:
        kind = item.keys.queue, item.state
        turn = latest.get(kind, 0)
        names = [(item.keys.queue, item.id)]
        if item.unique_ttl_s:
            names.append(("", item.unique_key))
        for name in names:
            other_kind, other_turn = rivals.get(name, (kind, 0))
            turn = max(turn, other_turn + (other_kind != kind))
        latest[kind] = turn
        rivals |= dict.fromkeys(names, (kind, turn))
        yield turn


def spread(
    chunks: Sequence[Chunk], answers: Sequence[Any], outcomes: list[PyasynqError | None]
) -> None:
    """Write the answers to chunks, or their errors, into *outcomes*, one item per task."""
    for chunk, answer in zip(chunks, answers, strict=True):
        each = outcomes_of(answer, len(chunk.items))
        for position, outcome in zip(chunk.positions, each, strict=True):
            outcomes[position] = outcome


def outcomes_of(answer: Any, count: int) -> Sequence[PyasynqError | None]:
    """Return what became of each of *count* tasks that were stored together.

    Args:
        answer: to the operation that stored them, or its error.
    """
    if isinstance(answer, NotReplicatedError):  # but what was refused needs no replica
        return [answer if refusal is None else refusal for refusal in answer.answer]
    if isinstance(answer, PyasynqError):
        return [answer] * count
    stored: Sequence[PyasynqError | None] = answer
    return stored


def _with_options(given: object) -> tuple[Task, EnqueueOptions]:
    match given:
        case Task():
            return given, given.options
        case (Task() as task, EnqueueOptions() as options):
            return task, options.merged_over(task.options)
        case _:
            parts = given if isinstance(given, tuple) else [given]
            kinds = " and ".join(type(each).__name__ for each in parts[:3]) or "an empty tuple"
            raise ConfigError(
                f"expected a Task, or a Task and its EnqueueOptions, not {kinds}; "
                f"{_advice_on(given)}"
            )


def _advice_on(given: object) -> str:
    """Return what to write instead of *given*, which is no task."""
    match given:
        case (Task(), Mapping() as options):
            return f"write EnqueueOptions({', '.join(f'{each}=…' for each in options)})"
        case _:
            return "a task function makes one from its arguments with bind(...)"


def _stored(info: TaskInfo) -> EnqueueResult:
    result = ResultDraft()
    result.info, result.error = info, None
    result.__class__ = EnqueueResult
    stored: EnqueueResult = result
    return stored


def _incomplete(trouble: PyasynqError, results: Sequence[EnqueueResult | None]) -> PyasynqError:
    """Return the error for the tasks without a result; it carries the results of the others."""
    if not isinstance(trouble, RedisUnavailableError):
        if not any(results):
            return trouble
        trouble = RedisUnavailableError(str(trouble))
    if isinstance(trouble, NotReplicatedError):
        stored = copy(trouble)
        stored.results = tuple(results)
        return stored
    lost = sum(each is None for each in results)
    whole = RedisUnavailableError(
        f"{lost} of {len(results)} tasks have no answer: {trouble}",
        may_have_happened=trouble.may_have_happened,
        results=tuple(results),
    )
    whole.__cause__ = trouble
    return whole
