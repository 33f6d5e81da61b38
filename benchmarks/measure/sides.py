"""The programs that a benchmark can measure, built when they are needed."""

import shutil
import subprocess
import sys

from benchmarks.measure.environments import BUILT, ROOT
from benchmarks.measure.program import Program

GO_SOURCE = ROOT / "benchmarks" / "programs" / "go"
PYASYNQ = Program(
    "pyasynq",
    (sys.executable, "-m", "benchmarks.programs.pyasynq_roles"),
    frozenset({"fill", "drain", "enqueue", "produce", "pick_up", "idle"}),
)


def go_asynq() -> list[Program]:
    """Build Go Asynq's program; none, and a word about it, where Go is absent."""
    go = shutil.which("go")
    if go is None:
        print("go is absent: install Go to measure Go Asynq, too", file=sys.stderr)
        return []
    binary = BUILT / "go-asynq"
    BUILT.mkdir(exist_ok=True)
    subprocess.run([go, "build", "-o", str(binary), "."], cwd=GO_SOURCE, check=True)
    return [
        Program(
            "go asynq", (str(binary),), frozenset({"drain", "enqueue", "pick_up", "idle"}), pace=0.5
        )
    ]


def filler_of(program: Program) -> Program:
    """Return the program that enqueues for *program*: pyasynq does it for Go, too."""
    return program if "fill" in program.roles else PYASYNQ


def producer_of(program: Program) -> Program:
    """Return the program that enqueues timed tasks for *program*: pyasynq does it for Go, too."""
    return program if "produce" in program.roles else PYASYNQ
