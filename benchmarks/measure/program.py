"""Starts the programs that are measured and reads what they print.

A program is called as `PROGRAM ROLE ADDRESS PARAMETERS`, the last as JSON, and prints one JSON
line at its end. Roles, with the parameters and the figures of each:

* `fill`: enqueue `tasks` no-op tasks in the quickest way it has; nothing.
* `drain`: run `tasks` no-op tasks at `concurrency`; `tasks_per_s` from the first start to the last
  acknowledgement, `cpu_us` of the process for each task, `rss_mb`.
* `enqueue`: enqueue `tasks` in the `form` "single", "awaited", "concurrent" or "bulk";
  `tasks_per_s`, `cpu_us`.
* `pick_up`: print `ready` as a line of its own, run `samples` tasks whose payload is the time at
  which they were due, in nanoseconds since 1970; `latencies_ms`.
* `idle`: print `ready`, serve until SIGTERM; `cpu_ms_per_s`, `rss_mb`.
* `hold`: print `ready`, run `tasks` tasks until all run at once and for `hold_s` more;
  `before_mb`, `held_mb`: what was resident before, and at the end.
* `endure`: as `drain`, and `early_mb`, `late_mb`: what was resident after a tenth of the tasks,
  and after all.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

LIMIT_S = 180.0

Figures = dict[str, Any]


class ProgramFailedError(Exception):
    """A measured program did not print its figures; the text is the end of what it said."""


@dataclass(frozen=True)
class Program:
    """A program to measure.

    Attributes:
        name: as shown in tables.
        command: what is put before role, address and parameters.
        roles: those that it can play.
        pace: which share of the usual number of tasks it gets, so that slow ones end, too.
        environment: variables that it needs.
        forms: those in which it can enqueue, if it cannot in all.
    """

    name: str
    command: tuple[str, ...]
    roles: frozenset[str]
    pace: float = 1.0
    environment: tuple[tuple[str, str], ...] = ()
    forms: frozenset[str] = frozenset()

    def run(self, role: str, address: str, **parameters: object) -> Figures:
        """Run the program to its end and return its figures.

        Raises:
            ProgramFailedError: it failed, or took longer than three minutes.
        """
        return self.start(role, address, **parameters).figures()

    def start(self, role: str, address: str, **parameters: object) -> "Started":
        """Start the program and go on."""
        arguments = [*self.command, role, address, json.dumps(parameters)]
        process = subprocess.Popen(
            arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | dict(self.environment),
        )
        return Started(self.name, process)


@dataclass(frozen=True)
class Started:
    """A program that runs."""

    name: str
    process: "subprocess.Popen[str]"

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
        """Wait for the end, and return what the last line says.

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
