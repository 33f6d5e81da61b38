"""How many no-op tasks does a worker run a second, and what does each cost?

One process at several numbers of slots, kinds of handlers, coroutines that wait.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure.draining import drained
from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import installed
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import FIRST, GO, Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ, go_asynq

TASKS = 80_000
WAVES = 10  # of all slots, at least, where handlers wait
QUESTION = Question(
    "drain",
    ("case", "program"),
    (
        Column("tasks/s", "tasks_per_s"),
        Column("of Go or the first", "tasks_per_s", of=(GO, FIRST)),
        Column("of the ideal", "of_ideal"),
        Column("CPU µs", "cpu_us"),
        Column("Redis CPU µs", "redis_cpu_us"),
        Column("RSS MB", "rss_mb"),
    ),
)


@dataclass(frozen=True)
class Case:
    """One group of rows.

    Attributes:
        name: as shown.
        concurrency: slots of the process.
        share: of the usual number of tasks.
        await_ms: for how long each task waits.
        with_go: whether Go Asynq is measured too.
        with_peers: whether the other Python queues that were asked for are measured too.
        variants: further ways to run pyasynq, with their parameters.
    """

    name: str
    concurrency: int
    share: float = 1.0
    await_ms: int = 0
    with_go: bool = True
    with_peers: bool = False
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)

    def tasks(self, options: Options) -> int:
        """Return how many tasks are run; whole waves of all slots if they wait."""
        usual = options.tasks(int(TASKS * self.share))
        if not self.await_ms:
            return usual
        return max(WAVES, usual // self.concurrency) * self.concurrency


KINDS: dict[str, dict[str, Any]] = {
    "typed App": {"handler": "app", "retention_s": 60},
    "plain asyncio": {"uvloop": False},
}
KEPT: dict[str, dict[str, Any]] = {
    "history": {"history": True},
    "statistics": {"statistics": True},
    "both": {"history": True, "statistics": True},
}
CASES = (
    Case("concurrency 1", 1, share=0.2),
    Case("concurrency 10", 10, with_peers=True),
    Case("concurrency 100", 100, with_peers=True),
    Case("concurrency 1000", 1000),
    Case("kinds of handlers, 100", 100, with_go=False, variants=KINDS),
    Case("keeping what was done, 100", 100, with_go=False, variants=KEPT),
    Case("100 waiting 1 ms", 100, share=0.5, await_ms=1),
    Case("100 waiting 10 ms", 100, share=0.25, await_ms=10),
    Case("100 waiting 100 ms", 100, share=0.05, await_ms=100),
)


def groups(options: Options, go: list[Program], peers: list[Program]) -> Iterator[Group[Program]]:
    """Return every case that is asked for."""
    with BenchmarkRedis() as redis:
        for case in options.chosen(CASES):
            sides = [PYASYNQ, *(PYASYNQ.variant(*each) for each in case.variants.items())]
            sides += go if case.with_go else []
            sides += peers if case.with_peers else []

            def play(program: Program, case: Case = case) -> Figures:
                return drained(
                    redis,
                    program,
                    tasks=int(case.tasks(options) * (1 if case.await_ms else program.pace)),
                    concurrency=case.concurrency,
                    ideal_per_s=case.concurrency / case.await_ms * 1e3 if case.await_ms else None,
                    await_ms=case.await_ms,
                )

            yield Group(case.name, sides, play)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__, with_peers=True)
    peers = installed(options.peers)
    answer(QUESTION, options, groups(options, go_asynq(), peers.programs), peers)


if __name__ == "__main__":
    main()
