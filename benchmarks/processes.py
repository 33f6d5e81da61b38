"""What do handlers in processes cost, in the worker and in the processes that it starts?

Handlers that do nothing, and that compute; in two processes, and in as many as there are cores.
They are timed once the processes run, except with ArdiQ, which starts a new one for every task.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.measure.draining import drained
from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import installed
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import FIRST, Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ

TASKS = 20_000
SECONDS = 5  # how long tasks that compute keep all cores busy
CORES = os.cpu_count() or 1
WAITING = 4  # tasks in the worker for each process, those that run included; as Celery has them
PACES = {"ardiq": 0.005}  # of queues that are much slower with processes than without
QUESTION = Question(
    "processes",
    ("case", "program"),
    (
        Column("tasks/s", "tasks_per_s"),
        Column("of pyasynq", "tasks_per_s", of=(FIRST,)),
        Column("of the cores", "of_ideal"),
        Column("CPU µs of the worker", "cpu_us"),
        Column("of the processes", "children_cpu_us"),
        Column("Redis CPU µs", "redis_cpu_us"),
    ),
)


@dataclass(frozen=True)
class Case:
    """One group of rows.

    Attributes:
        children: how many processes run the tasks.
        compute_ms: how much processor time each task uses.
    """

    children: int
    compute_ms: float = 0

    @property
    def name(self) -> str:
        """As shown."""
        does = f"computing {self.compute_ms} ms" if self.compute_ms else "no-op"
        return f"{does}, {self.children} processes"

    @property
    def ideal_per_s(self) -> float | None:
        """The highest rate that the cores allow; None if the tasks do nothing."""
        if not self.compute_ms:
            return None
        return min(self.children, CORES) / self.compute_ms * 1e3

    def tasks(self, options: Options, program: Program) -> int:
        """Return how many tasks a program gets."""
        pace = PACES.get(program.name, program.pace if not self.compute_ms else 1.0)
        most = TASKS if self.ideal_per_s is None else self.ideal_per_s * SECONDS
        return max(5 * self.children, options.tasks(int(most * pace)))


CASES = tuple(
    Case(children, compute_ms) for children in sorted({2, CORES}) for compute_ms in (0, 1, 10)
)


def groups(options: Options, peers: list[Program]) -> Iterator[Group[Program]]:
    """Return every case that is asked for."""
    sides = [PYASYNQ, *(peer for peer in peers if "process" in peer.plain)]
    with BenchmarkRedis() as redis:
        for case in options.chosen(CASES):

            def play(program: Program, case: Case = case) -> Figures:
                # Other queues have a slot for each process, and fetch ahead by themselves.
                slots = WAITING if program is PYASYNQ else 1
                return drained(
                    redis,
                    program,
                    tasks=case.tasks(options, program),
                    concurrency=slots * case.children,
                    ideal_per_s=case.ideal_per_s,
                    handler="process",
                    children=case.children,
                    compute_ms=case.compute_ms,
                )

            yield Group(case.name, sides, play)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__, with_peers=True)
    peers = installed(options.peers)
    answer(QUESTION, options, groups(options, peers.programs), peers)


if __name__ == "__main__":
    main()
