"""What does a plain function cost in a thread, beside the same work in a coroutine?

Functions that do nothing, that block, and that compute. The ideal rate is that of all slots where
they block, and that of one core where they compute, because threads share the interpreter.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.measure.draining import drained
from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import installed
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import FIRST, Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ

TASKS = 80_000
SECONDS = 3  # how long tasks that do something keep all slots busy
WAVES = 5  # of all slots, at least
SLOTS = (10, 100, 1000)
USUAL = 100  # where the others are measured, too
COROUTINE = PYASYNQ.variant("coroutine", {"handler": "bare"})
PLAIN = PYASYNQ.variant(PYASYNQ.name, {"handler": "thread"})
QUESTION = Question(
    "threads",
    ("case", "program"),
    (
        Column("tasks/s", "tasks_per_s"),
        Column("of the coroutine", "tasks_per_s", of=(FIRST,)),
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
        concurrency: slots of the process, which has as many threads at most.
        block_ms: how long each task blocks its thread.
        compute_ms: how much processor time each task uses.
        with_peers: whether the other Python queues that were asked for are measured too.
    """

    name: str
    concurrency: int
    block_ms: float = 0
    compute_ms: float = 0
    with_peers: bool = False

    @property
    def ideal_per_s(self) -> float | None:
        """The highest rate that the handlers allow; None if they do nothing."""
        if self.block_ms:
            return self.concurrency / self.block_ms * 1e3
        return 1e3 / self.compute_ms if self.compute_ms else None

    def tasks(self, options: Options, pace: float) -> int:
        """Return how many tasks a program of that pace gets."""
        if self.ideal_per_s is None:
            return options.tasks(int(TASKS * pace))
        most = min(self.ideal_per_s * SECONDS, TASKS / 2)
        return max(WAVES * self.concurrency, options.tasks(int(most * pace)))


CASES = (
    *(Case(f"no-op, concurrency {slots}", slots, with_peers=slots == USUAL) for slots in SLOTS),
    *(
        Case(
            f"blocking {block_ms} ms, concurrency {slots}",
            slots,
            block_ms,
            with_peers=slots == USUAL,
        )
        for block_ms in (1, 10)
        for slots in SLOTS
    ),
    Case("computing 0.4 ms, concurrency 100", 100, compute_ms=0.4, with_peers=True),
)


def groups(options: Options, peers: list[Program]) -> Iterator[Group[Program]]:
    """Return every case that is asked for."""
    with BenchmarkRedis() as redis:
        for case in options.chosen(CASES):
            able = [peer for peer in peers if case.with_peers and "thread" in peer.plain]
            able = [peer.variant(peer.name, {"handler": "thread"}) for peer in able]

            def play(program: Program, case: Case = case) -> Figures:
                # A coroutine waits where a plain function blocks.
                does = "await_ms" if program is COROUTINE else "block_ms"
                return drained(
                    redis,
                    program,
                    tasks=case.tasks(options, program.pace),
                    concurrency=case.concurrency,
                    ideal_per_s=case.ideal_per_s,
                    **{does: case.block_ms, "compute_ms": case.compute_ms},
                )

            yield Group(case.name, [COROUTINE, PLAIN, *able], play)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__, with_peers=True)
    peers = installed(options.peers)
    answer(QUESTION, options, groups(options, peers.programs), peers)


if __name__ == "__main__":
    main()
