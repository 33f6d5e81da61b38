# Generated from doctor_async.py by tools/unasync.py: change that file.
"""Tells what is wrong with a Redis and with the tasks in it, before production does."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from pyasynq.admin.doctor.data_reading import DataReading
from pyasynq.admin.doctor.examination import Examination, examined
from pyasynq.admin.doctor.instance_reading import InstanceReading
from pyasynq.admin.doctor.repairs import Repair, changed
from pyasynq.admin.doctor.roles import ROLES, Role, commands_of
from pyasynq.answers import raise_first
from pyasynq.broker.decoding import MOST_TASKS
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import Clock, SystemClock, clock_fault
from pyasynq.connection.connector import ConnectionSource, Connector
from pyasynq.errors import ConfigError
from pyasynq.inspector.calls import Calls


class Doctor:
    """Examines a Redis and the tasks in it, and heals what is damaged.

    Args:
        source: where Redis is, as for a client.
        clock: where to get the time; the machine's clock if not given.

    Raises:
        ConfigError: the URL or another argument is wrong.
    """

    def __init__(self, source: ConnectionSource = None, *, clock: Clock | None = None) -> None:
        ConfigError.raise_if([clock_fault(clock)])
        used = clock or SystemClock()
        self._clock = used
        self._connector = Connector.of(source)
        self._is_connector_mine = self._connector is not source
        self._runner = Runner(self._connector.open_sync(), clock=used)
        self._calls = Calls(self._runner, used, self._connector.namespace)

    @property
    def description(self) -> str:
        """Where Redis is, without secrets."""
        return self._connector.description

    def examine(self, *, role: Role | None = None, scan: int = 0) -> Examination:
        """Look at Redis, at what it permits, and at the data of tasks.

        Samples are read, so that no call keeps Redis for long. Nothing is changed, but for keys
        of its own, which expire after ten seconds, and the cancellation of a task that does not
        exist.

        Args:
            role: "producer", "worker", "scheduler", "inspector" or "admin": what the user of Redis
                is meant to be; lacking rights are an error then. None: all are tried, and lacking
                rights are a warning.
            scan: how many keys of each server of Redis are looked at to find tasks that are in no
                list, and locks without a task; 0 for none.

        Returns:
            What was found, the most decisive first, and what would heal it.

        Raises:
            RedisUnavailableError: Redis does not answer.
            ConfigError: an argument is wrong, or Redis lets nobody in.
        """
        ConfigError.raise_if([_role_fault(role), _scan_fault(scan)])
        roles = ROLES if role is None else (role,)
        commands = frozenset[str]().union(*map(commands_of, roles))
        found = InstanceReading(self._connector, self._clock).read(commands)
        data = None
        if found.has_tasks:
            data = DataReading(self._calls, self._connector).read(scan)
        return examined(
            found,
            data,
            roles=roles,
            is_role_given=role is not None,
            namespace=self._connector.namespace,
        )

    def repair(self, repair: Repair) -> int:
        """Heal what a finding is about, item by item; safe to repeat.

        What has changed since it was found is left as it is.

        Args:
            repair: one of `Examination.repairs`.

        Returns:
            How many items were healed.

        Raises:
            RedisUnavailableError: some items may have been healed.
            PyasynqError: Redis refused; some items may have been healed.
        """
        count = 0
        for part in _parts(repair.steps):
            answers = self._calls.run_all(part)
            count += sum(map(changed, answers))
            raise_first(answers)
        return count

    def close(self) -> None:
        """Close the connections; safe to repeat. A connector that was given stays open."""
        self._runner.close()
        if self._is_connector_mine:
            self._connector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _parts(steps: Sequence[Any]) -> list[Sequence[Any]]:
    return [steps[at : at + MOST_TASKS] for at in range(0, len(steps), MOST_TASKS)]


def _role_fault(role: object) -> str | None:
    if role is None or role in ROLES:
        return None
    return f"role must be one of {', '.join(map(repr, ROLES))}, not {role!r}"


def _scan_fault(scan: object) -> str | None:
    is_number = isinstance(scan, int) and not isinstance(scan, bool)
    if is_number and scan >= 0:  # type: ignore[operator]  # it is a number
        return None
    return f"scan must be a number of keys, 0 or more, not {scan!r}"
