# Generated from groups_async.py by tools/unasync.py: change that file.
"""Groups of tasks that are to be aggregated."""

from collections.abc import Sequence

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import groups, queue_control
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.server_infos import GroupInfo

AT_ONCE = 500


class Groups:
    """The groups of one Redis; made by `Inspector`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list(self, queue: str) -> Sequence[GroupInfo]:
        """Return the groups of a queue, sorted by name; none if there is no such queue.

        Tasks that are being aggregated at this moment have left their group. A group whose key has
        a wrong type has the size 0.
        """
        keys = self._calls.keys_of(queue)
        names: set[str] = set()
        cursor = 0
        while True:
            cursor, some = self._calls.run(groups.list_groups(keys, cursor=cursor))
            names.update(some)
            if not cursor:
                break
        ordered = sorted(names)
        found: list[GroupInfo] = []
        for first in range(0, len(ordered), AT_ONCE):
            some = ordered[first : first + AT_ONCE]
            sizes = self._calls.run_all([queue_control.group_size(keys, name) for name in some])
            raise_first(sizes, which=concerns_redis_as_a_whole)
            found += [
                GroupInfo(group=name, size=size if isinstance(size, int) else 0)
                for name, size in zip(some, sizes, strict=True)
            ]
        return found
