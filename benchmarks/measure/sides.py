"""The programs that a benchmark can measure, built when they are needed."""

import shutil
import subprocess
import sys

from benchmarks.measure.environments import BUILT, ROOT
from benchmarks.measure.program import Program
from benchmarks.measure.question import GO
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.stock import Stock

GO_SOURCE = ROOT / "benchmarks" / "programs" / "go"
ROLES = frozenset({"drain", "enqueue", "pick_up", "idle", "linger"})
PYASYNQ = Program("pyasynq", (sys.executable, "-m", "benchmarks.programs.pyasynq_roles"), ROLES)


def go_asynq() -> list[Program]:
    """Build Go Asynq's program; none, and a word about it, where Go is absent."""
    go = shutil.which("go")
    if go is None:
        print("go is absent: install Go to measure Go Asynq, too", file=sys.stderr)
        return []
    binary = BUILT / "go-asynq"
    BUILT.mkdir(exist_ok=True)
    subprocess.run([go, "build", "-o", str(binary), "."], cwd=GO_SOURCE, check=True)
    return [Program(GO, (str(binary),), ROLES, pace=0.5)]


def fill(redis: BenchmarkRedis, program: Program, tasks: int) -> None:
    """Enqueue no-op tasks for *program*; this process does it for pyasynq and for Go."""
    if "fill" in program.roles:
        program.run("fill", redis.address, tasks=tasks)
    else:
        retention_s = program.parameters.get("retention_s", 0)
        Stock(redis.url).enqueue(tasks, retention_s=retention_s)


def produce(
    redis: BenchmarkRedis, program: Program, *, samples: int, rate: float | None, delay_s: int
) -> None:
    """Enqueue timed tasks for *program*; this process does it for pyasynq and for Go."""
    if "produce" in program.roles:
        program.run("produce", redis.address, samples=samples, rate=rate)
    else:
        Stock(redis.url).enqueue_timed(samples, rate, delay_s)
