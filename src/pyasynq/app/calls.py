"""The calls of one `enqueue_many`, read in chunks, and what became of each: no I/O.

Whatever the iterable yields is encoded when its chunk is filled, so a large iterable is never held
as a whole, and the first tasks run while the last are still being read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyasynq.broker.new_tasks.payload_size import LARGEST_PAYLOAD_BYTES
from pyasynq.broker.new_tasks.series import StoredTask
from pyasynq.errors import ConfigError, EnqueueError, PayloadError
from pyasynq.payload import PayloadCodec
from pyasynq.task import Task, TaskInfo

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
        codec: makes the payload of a call.
        bind: makes the task of a call that *codec* refuses, or says what is wrong with it.

    Attributes:
        outcomes: for each call that was read, in order, what was stored, or why nothing was; None
            as long as that is not known.

    Raises:
        ConfigError: this is not an iterable of calls.
    """

    def __init__(
        self, calls: Iterable[Any], codec: PayloadCodec, bind: Callable[..., Task]
    ) -> None:
        # Text, bytes and mappings can be iterated, but are never what was meant.
        if isinstance(calls, str | bytes | Mapping) or not isinstance(calls, Iterable):
            raise ConfigError(
                "enqueue_many takes a list or another iterable of arguments, "
                f"not {type(calls).__name__}"
            )
        self.outcomes: list[StoredTask | TaskInfo | NotEnqueued | None] = []
        self._calls = iter(calls)
        self._encode = codec.encode_call
        self._bind = bind
        self._chunk: list[tuple[int, Any]] = []  # the position and the call of each payload

    def chunks(self) -> Iterator[list[bytes | None]]:
        """Yield the payloads to store next; tell `take` what became of them before going on."""
        is_over = False
        while not is_over:
            payloads, is_over = self._fill()
            if payloads:
                yield payloads

    def take(self, results: Sequence[StoredTask | TaskInfo | EnqueueError | None]) -> None:
        """Note what became of the payloads of the last chunk; None for what is not known."""
        outcomes = self.outcomes
        for (position, call), result in zip(self._chunk, results, strict=True):
            if isinstance(result, EnqueueError):
                self._refuse(position, call, result)
            else:
                outcomes[position] = result
        self._chunk = []

    def _fill(self) -> tuple[list[bytes | None], bool]:
        """Read the next chunk; return its payloads, and whether it was the last one."""
        payloads: list[bytes | None] = []
        chunk, outcomes = self._chunk, self.outcomes
        position, size_bytes = len(outcomes), 0
        last = position + MOST_CALLS - 1
        for call in self._read():
            outcomes.append(None)
            try:
                payload = self._payload(call)
            except (TypeError, PayloadError) as error:
                self._refuse(position, call, error)
            else:
                chunk.append((position, call))
                payloads.append(payload)
                size_bytes += len(payload or b"")
            if position >= last or size_bytes >= MOST_BYTES:
                return payloads, False
            position += 1
        return payloads, True

    def _payload(self, call: Any) -> bytes | None:
        """Return the payload of one call.

        Raises:
            TypeError, PayloadError: see `bound`.
        """
        kind = type(call)
        try:
            if kind is dict:
                payload = self._encode((), call)
            elif kind is tuple:
                payload = self._encode(call, {})
            else:
                return bound(call, self._bind).payload
        except TypeError:
            return bound(call, self._bind).payload  # which says more
        if payload is not None and len(payload) > LARGEST_PAYLOAD_BYTES:
            raise _too_large(len(payload))
        return payload

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
                count = count_stored(self.outcomes)
                error.add_note(f"{count} tasks were enqueued before; see enqueue_many")
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
        raise _too_large(size_bytes)
    return task


def count_stored(outcomes: Iterable[StoredTask | TaskInfo | NotEnqueued | None]) -> int:
    """Return how many calls are enqueued."""
    return sum(isinstance(each, StoredTask | TaskInfo) for each in outcomes)


def _too_large(size_bytes: int) -> PayloadError:
    return PayloadError(f"the payload has {size_bytes} bytes, more than {LARGEST_PAYLOAD_BYTES}")


def _hint(call: Any) -> str:
    if isinstance(call, Mapping):
        return "; a mapping names the arguments, so write ({…},) for one that is a mapping itself"
    if type(call) is tuple:
        return "; a tuple holds all arguments, so write (…,) around one that is a tuple itself"
    return "; write a tuple for several arguments, and () for none"
