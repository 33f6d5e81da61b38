# Generated from task_export_async.py by tools/unasync.py: change that file.
"""Tasks as lines of text that hold everything, as `import_` reads them."""

from collections.abc import Callable, Iterator, Sequence

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import groups as group_operations
from pyasynq.broker.operations import inspection, queue_control, transfer
from pyasynq.broker.operations.task_lists import Container, container
from pyasynq.broker.operations.transfer import StoredHash
from pyasynq.errors import ConfigError, PayloadError, PyasynqError, TaskNotFoundError
from pyasynq.inspector import exports, walks
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.pages import DamagedTask
from pyasynq.inspector.walks import Place
from pyasynq.options import name_fault
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys

STEP = 200  # tasks of one round trip
MOST_SETS = 10_000  # aggregation sets of a queue that are looked at
REMEMBERED = 2000  # IDs by which an export recognises a task that comes twice

OnDamaged = Callable[[DamagedTask], object]


class TaskExport:
    """The method of `inspector.tasks` that writes tasks as text."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def export(
        self,
        queue: str | None = None,
        *,
        state: TaskState | str | None = None,
        group: str | None = None,
        task_id: str | None = None,
        on_damaged: OnDamaged | None = None,
    ) -> Iterator[str]:
        """Yield tasks as lines of JSON that hold everything, a few hundred in a round trip.

        A line is what `import_` reads, and ends with a line break. The memory that this takes does
        not grow with the number of tasks. Others may change the queue meanwhile: a task that stays
        where it is, is never left out, and one that moves on while it is read may come twice or,
        if it goes back, not at all; pause the queue for a picture of one moment.

        Args:
            queue: the queue; all queues if not given.
            state: the state, also as text such as "pending"; every state if not given.
            group: the tasks that wait in this group of the queue.
            task_id: this task of the queue alone.
            on_damaged: called with each task that is gone or cannot be read. One whose hash is
                there is nevertheless exported, with the bytes that it has.

        Raises:
            ConfigError: an argument is wrong, or a group or an ID is given without a queue.
            QueueNotFoundError: there is no such queue.
            TaskNotFoundError: the queue has no such task.
        """
        states = _selected(queue, state, group, task_id)
        tell = on_damaged or _ignore
        if queue is not None and task_id is not None:
            for line in self._export_one(queue, task_id, tell):
                yield line
            return
        for name in self._queues(queue, states, tell):
            for each in states:
                for where in self._containers(name, each, group):
                    for line in self._export_all(name, where, tell):
                        yield line

    def _queues(
        self, queue: str | None, states: Sequence[TaskState], tell: OnDamaged
    ) -> Sequence[str]:
        """Return the queues to export, and tell which of all cannot be."""
        if queue is not None:
            self._calls.check_known(self._calls.keys_of(queue).queue)
            return [queue]
        usable = self._calls.usable_queues()
        for name in self._calls.run(inspection.list_queues(self._calls.namespace)):
            if name not in usable:
                reason = f"its name cannot be used: {name_fault('queue', name)}"
                tell(DamagedTask(id="", queue=name, state=states[0], reason=reason))
        return usable

    def _export_all(self, queue: str, where: Container, tell: OnDamaged) -> Iterator[str]:
        """Yield the tasks of one container."""
        keys = self._calls.keys_of(queue)
        place = Place(state=where.state)
        recent: dict[str, None] = {}
        while True:
            operation = transfer.walk_hashes(
                keys,
                where,
                rank=place.rank,
                limit=STEP,
                last_score=place.last_score,
                passed=place.passed,
            )
            try:
                found = self._calls.run(operation)
            except PyasynqError as error:
                if concerns_redis_as_a_whole(error):
                    raise
                tell(DamagedTask(id="", queue=queue, state=where.state, reason=str(error)))
                return
            if not found.tasks:
                return
            new = [each for each in found.tasks if each.task_id not in recent]
            for line in self._lines(keys, where, new, tell):
                yield line
            recent.update(dict.fromkeys(each.task_id for each in new))
            for old in tuple(recent)[:-REMEMBERED]:
                del recent[old]
            place = walks.after(place, found.rank, found.tasks)

    def _lines(
        self, keys: QueueKeys, where: Container, found: Sequence[StoredHash], tell: OnDamaged
    ) -> Sequence[str]:
        """Return those tasks as lines that are there, and tell what is wrong with any."""
        for each in found:
            if fault := exports.fault_of(each):
                tell(
                    DamagedTask(id=each.task_id, queue=keys.queue, state=where.state, reason=fault)
                )
        readable = [each for each in found if each.fields is not None]
        locks = self._locks(keys, readable)
        return [
            exports.line_of(keys, where.state, where.group, each, lock_ms=locks.get(each.task_id))
            for each in readable
        ]

    def _locks(self, keys: QueueKeys, found: Sequence[StoredHash]) -> dict[str, int]:
        """Return for how many milliseconds those tasks hold their unique lock that hold it."""
        locks = {each.task_id: exports.lock_of(each) for each in found}
        asked = [each for each, lock in locks.items() if lock.startswith(keys.unique_prefix)]
        if not asked:
            return {}
        holders = [transfer.read_holder(locks[each]) for each in asked]
        times = [transfer.read_time_left(locks[each]) for each in asked]
        answers = self._calls.run_all([*holders, *times])
        raise_first(answers, which=concerns_redis_as_a_whole)
        pairs = zip(asked, answers[: len(asked)], answers[len(asked) :], strict=True)
        return {
            task_id: left
            for task_id, holder, left in pairs
            if holder == task_id and isinstance(left, int) and (left == -1 or left > 0)
        }

    def _export_one(self, queue: str, task_id: str, tell: OnDamaged) -> Iterator[str]:
        keys = self._calls.keys_of(queue)
        fields = self._calls.run_on(queue, transfer.read_hash(keys, task_id))
        if not fields:
            raise TaskNotFoundError(queue=queue, task_id=task_id)
        try:
            state = walks.state_of(fields.get(b"state", b"").decode("utf-8", "replace"))
        except ConfigError as error:
            raise PayloadError(f"nobody knows where task {task_id!r} is: its {error}") from error
        group = fields.get(b"group", b"").decode("utf-8", "surrogateescape")
        where = container(keys, state, group)
        score = None
        if state is not TaskState.PENDING:
            key = keys.lease if state is TaskState.ACTIVE else where.key
            score = self._calls.run(transfer.read_score(key, task_id))
        found = StoredHash(task_id=task_id, score=score, fields=fields)
        for line in self._lines(keys, where, [found], tell):
            yield line

    def _containers(self, queue: str, state: TaskState, group: str | None) -> Sequence[Container]:
        """Return where the tasks of a state are: also the members of groups that are aggregated."""
        keys = self._calls.keys_of(queue)
        if state is not TaskState.AGGREGATING:
            return [container(keys, state)]
        names = [group] if group is not None else self._group_names(keys)
        found = [container(keys, state, name) for name in names]
        for key in self._calls.run(queue_control.list_sets(keys, limit=MOST_SETS)):
            name = key.removeprefix(keys.group_prefix).rpartition(":")[0]
            if key.startswith(keys.group_prefix) and group in (None, name):
                found.append(Container(key=key, kind="zset", state=state, group=name))
        return found

    def _group_names(self, keys: QueueKeys) -> Sequence[str]:
        names: set[str] = set()
        cursor = 0
        while True:
            cursor, some = self._calls.run(group_operations.list_groups(keys, cursor=cursor))
            names.update(some)
            if not cursor:
                return sorted(names)


def _selected(
    queue: str | None, state: TaskState | str | None, group: str | None, task_id: str | None
) -> Sequence[TaskState]:
    """Return the states of the tasks that are asked for.

    Raises:
        ConfigError: what is given contradicts itself.
    """
    names = {"group": group, "task_id": task_id}
    faults = [name_fault(name, value) for name, value in names.items() if value is not None]
    if queue is None and any(each is not None for each in names.values()):
        faults.append("a group and a task are in a queue; name the queue as well")
    if task_id is not None and (state is not None or group is not None):
        faults.append("task_id is one task; leave state and group out")
    found = None if state is None else walks.state_of(state)
    if group is not None and found not in (None, TaskState.AGGREGATING):
        faults.append("only tasks that are aggregating are in a group; leave state or group out")
    ConfigError.raise_if(faults)
    if found is not None:
        return (found,)
    return exports.STATES if group is None else (TaskState.AGGREGATING,)


def _ignore(_damaged: DamagedTask) -> None:
    """Tell nobody."""
