"""The calls of one `enqueue_many`, read in chunks, and what became of each: no I/O.

Whatever the iterable yields is bound when its chunk is filled, so a large iterable is never held as
a whole, and the first tasks run while the last are still being read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyasynq.broker.new_tasks.payload_size import LARGEST_PAYLOAD_BYTES
from pyasynq.errors import ConfigError, PayloadError
from pyasynq.task import EnqueueResult, Task, TaskInfo

MOST_CALLS = 1000  # of one chunk
MOST_BYTES = 4 << 20  # of its payloads; one larger payload is a chunk of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEnqueued:
    """A call that `enqueue_many` has not stored.

    Attributes:
        position: of the call in the iterable, from 0.
        arguments: as they were given.
        error: why: a TypeError or PayloadError for arguments that do not fit, an EnqueueError for
            a task that Redis refused.
    """

    position: int
    arguments: Any
    error: Exception


class Calls:
    """The calls of one `enqueue_many`.

    Args:
        calls: what the user gave; see `TaskDefinition.enqueue_many`.
        bind: makes the task of a call.

    Attributes:
        outcomes: for each call that was read, in order, its stored task, or why there is none;
            None as long as that is not known.

    Raises:
        ConfigError: this is not an iterable of calls.
    """

    def __init__(self, calls: Iterable[Any], bind: Callable[..., Task]) -> None:
        # Text, bytes and mappings can be iterated, but are never what was meant.
        if isinstance(calls, str | bytes | Mapping) or not isinstance(calls, Iterable):
            raise ConfigError(
                "enqueue_many takes a list or another iterable of arguments, "
                f"not {type(calls).__name__}"
            )
        self.outcomes: list[TaskInfo | NotEnqueued | None] = []
        self._calls = iter(calls)
        self._bind = bind
        self._chunk: list[tuple[int, Any, Task]] = []  # the position and the call of each task

    def chunks(self) -> Iterator[list[Task]]:
        """Yield the tasks to store next; tell `take` what became of them before going on."""
        while self._fill():
            if self._chunk:
                yield [task for _position, _call, task in self._chunk]

    def take(self, results: Sequence[EnqueueResult | None]) -> None:
        """Note what became of the tasks of the last chunk; None for what is not known."""
        for (position, call, _task), result in zip(self._chunk, results, strict=True):
            if result is not None and result.error is not None:
                self._refuse(position, call, result.error)
            else:
                self.outcomes[position] = None if result is None else result.info
        self._chunk = []

    def _fill(self) -> bool:
        """Read the next chunk; return whether there was anything to read."""
        first, size_bytes = len(self.outcomes), 0
        for call in self._read():
            position = len(self.outcomes)
            self.outcomes.append(None)
            try:
                task = bound(call, self._bind)
            except (TypeError, PayloadError) as error:
                self._refuse(position, call, error)
            else:
                self._chunk.append((position, call, task))
                size_bytes += len(task.payload or b"")
            if len(self.outcomes) - first >= MOST_CALLS or size_bytes >= MOST_BYTES:
                break
        return len(self.outcomes) > first

    def _refuse(self, position: int, call: Any, error: Exception) -> None:
        refused = NotEnqueued(position=position, arguments=call, error=error)
        self.outcomes[position] = refused

    def _read(self) -> Iterator[Any]:
        """Yield what the user's iterable yields; an exception of it tells what was done before."""
        while True:
            try:
                call = next(self._calls)
            except StopIteration:
                return
            except Exception as error:
                stored = sum(isinstance(each, TaskInfo) for each in self.outcomes)
                error.add_note(f"{stored} tasks were enqueued before; see enqueue_many")
                raise
            yield call


def bound(call: Any, bind: Callable[..., Task]) -> Task:
    """Return the task of one call: a tuple, a mapping, or the only argument.

    Raises:
        TypeError: an argument is missing or unknown.
        PayloadError: an argument does not fit.
    """
    if isinstance(call, Task):
        raise TypeError("this is a task, not its arguments; App.enqueue_many takes tasks")
    try:
        if type(call) is tuple:  # a named tuple is an argument
            task = bind(*call)
        else:
            task = bind(**call) if isinstance(call, Mapping) else bind(call)
    except TypeError as error:
        raise TypeError(f"{error}{_hint(call)}") from None
    size_bytes = len(task.payload or b"")
    if size_bytes > LARGEST_PAYLOAD_BYTES:
        raise PayloadError(f"the payload has {size_bytes} bytes, more than {LARGEST_PAYLOAD_BYTES}")
    return task


def _hint(call: Any) -> str:
    if isinstance(call, Mapping):
        return "; a mapping names the arguments, so write ({…},) for one that is a mapping itself"
    if type(call) is tuple:
        return "; a tuple holds all arguments, so write (…,) around one that is a tuple itself"
    return "; write a tuple for several arguments, and () for none"
