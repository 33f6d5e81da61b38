"""Some tasks that stand for all tasks of a state, when its memory is estimated."""

from collections.abc import Sequence

from pyasynq.broker.operations import task_lists
from pyasynq.broker.operations.inspection import QueueStats
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys

SAMPLE = 20  # tasks of each state, and of each group
GROUPS = 5


class Sample:
    """Some tasks of one state of one queue.

    Args:
        keys: of the queue.
        state: the state.
        stats: the counts of the queue.
        groups: the answer to a question for some of its groups.

    Attributes:
        queue: the queue.
        places: where the tasks are; none of most states of most queues.
        measured: the keys whose sizes are asked for.
    """

    def __init__(
        self, keys: QueueKeys, state: TaskState, stats: QueueStats, groups: object
    ) -> None:
        self.queue = keys.queue
        self._keys = keys
        self._count: int = getattr(stats, state.value)
        self._is_grouped = state is TaskState.AGGREGATING
        names = groups[1][:GROUPS] if isinstance(groups, tuple) else ()
        if not self._count:
            self.places = []
        elif self._is_grouped:
            self.places = [task_lists.container(keys, state, name) for name in names]
        else:
            self.places = [task_lists.container(keys, state)]
        self.measured: list[str] = []

    def choose(self, answers: Sequence[object]) -> None:
        """Take IDs that were found in the places; an answer may be an error."""
        containers = [] if self._is_grouped else [each.key for each in self.places]
        ids = [each for answer in answers if isinstance(answer, list) for each in answer]
        self.measured = [*containers, *map(self._keys.task, ids)]

    def estimate(self, sizes: Sequence[object]) -> int | None:
        """Return the bytes of all tasks of the state, given those of *measured*.

        None if Redis did not tell one of them.
        """
        known = [size for size in sizes if isinstance(size, int)]
        if len(known) < len(sizes):
            return None
        of_containers = 0 if self._is_grouped else len(self.places)
        tasks = known[of_containers:]
        average = sum(tasks) / len(tasks) if tasks else 0
        return sum(known[:of_containers]) + int(average * self._count)
