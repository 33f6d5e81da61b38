"""Starts the programs that are measured and reads what they print.

A program is called as `PROGRAM ROLE ADDRESS PARAMETERS`, the last as JSON, and prints one JSON
line at its end. Roles, with the parameters and the figures of each:

* `fill`: enqueue `tasks` no-op tasks in the quickest way it has; nothing.
* `drain`: run `tasks` no-op tasks at `concurrency`; `started_s` and `ended_s`, the times of the
  first start and of the last acknowledgement, and `count` of the tasks between them, `cpu_us` of
  the process for each task, `rss_mb`. The parameter `handler` may ask for a plain function, in a
  "thread" or in a "process", that blocks for `block_ms` or computes for `compute_ms`; then there
  is also `children_cpu_us`, of the other processes for each task.
* `enqueue`: enqueue `tasks` in the `form` "single", "awaited", "concurrent" (by `callers` at
  once), "bulk" (batches), "at once", or "typed bulk" (at once, with the arguments of a declared
  task); `tasks_per_s`, `cpu_us`.
* `pick_up`: print `ready` as a line of its own, run `samples` tasks whose payload is the time at
  which they were due, in nanoseconds since 1970; `latencies_ms`.
* `idle`: print `ready`, serve with `concurrency` until SIGTERM; nothing.
* `linger`: print `ready`, write the number of each task, which is what `pick_up` takes for a time,
  as a line to the file `ledger` when it starts, and let it take `linger_s`, until this is killed.
* `hold`: print `ready`, run `tasks` tasks until all run at once and for `hold_s` more;
  `before_mb`, `after_mb`: what was resident before, and at the end.
* `tick`: enqueue `ticks` ticks of `entries` periodic tasks; `late_ms` of each, and `loop_ms`, the
  longest time in which the loop gave nothing else a turn.
* `endure`: as `drain`, and `before_mb`, `after_mb`: what was resident after a tenth of the tasks,
  and after all.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

LIMIT_S = 180.0

Figures = dict[str, Any]


class ProgramFailedError(Exception):
    """A measured program did not print its figures; the text is the end of its output."""


@dataclass(frozen=True)
class Program:
    """A program to measure.

    Attributes:
        name: as shown in tables.
        command: what is put before role, address and parameters.
        roles: those that it can take.
        pace: which share of the usual number of tasks it gets, so that slow ones end, too.
        environment: variables that it needs.
        forms: those in which it can enqueue, if it cannot in all.
        plain: where it can run plain functions, if they are measured.
        parameters: what it gets besides those of a run.
    """

    name: str
    command: tuple[str, ...]
    roles: frozenset[str]
    pace: float = 1.0
    environment: tuple[tuple[str, str], ...] = ()
    forms: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    parameters: dict[str, Any] = field(default_factory=dict)

    def variant(self, name: str, parameters: dict[str, Any]) -> "Program":
        """Return the same program under another name, with parameters that it always gets."""
        return replace(self, name=name, parameters=self.parameters | parameters)

    def run(self, role: str, address: str, **parameters: object) -> Figures:
        """Run the program to its end and return its figures.

        Raises:
            ProgramFailedError: it failed, or took longer than three minutes.
        """
        return self.start(role, address, **parameters).figures()

    def start(self, role: str, address: str, **parameters: object) -> "Started":
        """Start the program and go on."""
        arguments = (role, address, json.dumps(self.parameters | parameters))
        return Started.of(self.name, (*self.command, *arguments), dict(self.environment))


@dataclass(frozen=True)
class Started:
    """A program that runs; it does not outlive the `with` that it is given to."""

    name: str
    process: "subprocess.Popen[str]"

    @classmethod
    def of(cls, name: str, command: Sequence[str], variables: Mapping[str, str]) -> "Started":
        """Start a command with further environment variables."""
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | variables,
        )
        return cls(name, process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        if self.process.stdout is not None and not self.process.stdout.closed:
            self.process.communicate()

    def wait_until_ready(self) -> None:
        """Wait for the line `ready`.

        Raises:
            ProgramFailedError: it ended before.
        """
        if self.process.stdout is None or self.process.stdout.readline().strip() != "ready":
            self.process.kill()
            raise ProgramFailedError(f"{self.name}: {self.process.communicate()[1][-800:]}")

    def stop(self) -> Figures:
        """Ask it to end, and return its figures."""
        self.process.terminate()
        return self.figures()

    def figures(self) -> Figures:
        """Wait for the end, and return the figures of the last line.

        Raises:
            ProgramFailedError: it failed, or took longer than three minutes.
        """
        try:
            out, err = self.process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, err = self.process.communicate()
            raise ProgramFailedError(f"{self.name}: not within {LIMIT_S} s: {err[-800:]}") from None
        lines = out.splitlines()
        if self.process.returncode or not lines:
            raise ProgramFailedError(f"{self.name}: {err[-800:]}")
        figures: Figures = json.loads(lines[-1])
        return figures
