"""How long do pages and routes of the web UI take: for 1 000 queues, and for 10⁶ tasks of a queue?

One `pyasynq web` answers one request after the other, as for one person. The state of Redis is
written by scripts, since enqueueing three million tasks would take longer than all of it.
"""

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from urllib.parse import quote

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.process import cpu_s
from benchmarks.measure.program import LIMIT_S, Figures, ProgramFailedError
from benchmarks.measure.question import Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from pyasynq.connection.embedded.supervisor import free_port
from pyasynq.wire.keys import day_text, queue_keys
from pyasynq.wire.message import TaskMessage, encode

QUEUES = 1_000
PER_STATE = 25  # tasks of each of these queues in each of six states
DAYS = 90
TASKS = 1_000_000  # of one queue, in each of three states
PER_CALL = 10_000  # that a script stores
RUNS = 30  # requests of each case in a round
SIZE = 50  # tasks of a page
BIG = "big"
QUICK_LEAST = 10_000
COMMAND_LINE = "from pyasynq.cli.main import main; main()"
STATES = ("pending", "archived", "completed")
QUESTION = Question(
    "web_pages",
    ("what is in Redis", "request"),
    (
        Column("ms", "p50_ms"),
        Column("95 %", "p95_ms"),
        Column("CPU ms", "cpu_ms"),
        Column("Redis CPU ms", "redis_cpu_ms"),
        Column("kB", "kilobytes"),
    ),
)

# Stores tasks of one state: hashes that are alike, in a list or in a sorted set.
FILL = """
local first, last, message = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
for number = first, last do
  local id = string.format("%s-%08d", ARGV[1], number)
  redis.call("HSET", KEYS[2] .. id, "msg", message, "state", ARGV[1], "result", "")
  if KEYS[3] == "list" then
    redis.call("LPUSH", KEYS[1], id)
  else
    redis.call("ZADD", KEYS[1], tonumber(ARGV[5]) + number, id)
  end
end
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One request.

    Attributes:
        name: as shown.
        path: what is asked for.
        statuses: that are good answers.
    """

    name: str
    path: str
    statuses: tuple[int, ...] = (200,)


OF_QUEUES = (
    Case(name="page of all queues", path="/"),
    Case(name="page of all queues, 90 days", path="/?days=90"),
    Case(name="names of queues", path="/api/x/queues?part=9"),
    Case(name="health", path="/api/x/health", statuses=(200, 503)),
    Case(name="attention", path="/api/x/attention"),
    Case(name="asynqmon: all queues", path="/api/queues"),
    Case(name="asynqmon: 90 days of all queues", path="/api/queue_stats"),
)


def of_tasks(tasks: int) -> Iterator[Case]:
    """Return the requests for one large queue with *tasks* tasks in each state."""
    last = max(1, tasks // SIZE)
    yield Case(name="its counts", path=f"/api/queues/{BIG}")
    for state in STATES:
        base = f"/api/x/queues/{BIG}/tasks?state={state}&size={SIZE}"
        for word, page in (("first", 1), ("middle", last // 2), ("last", last)):
            yield Case(name=f"{state}, {word} page", path=f"{base}&page={page}")
        yield Case(name=f"{state}, newest first", path=f"{base}&order=newest")
    yield Case(name="asynqmon: last page", path=f"/api/queues/{BIG}/archived_tasks?page={last}")
    nothing = quote(f"queue:{BIG} type:nothing")
    yield Case(name="search of 10 000", path=f"/api/x/search?query={nothing}")
    yield Case(name="failures of 10 000", path=f"/api/x/errors?query=queue:{BIG}")


def fill_queues(redis: BenchmarkRedis, queues: int) -> None:
    """Store many queues, each with some tasks in each state and with counters of many days."""
    now_s = int(time.time())
    days = [day_text(now_s - age * 86_400) for age in range(DAYS)]
    for number in range(queues):
        name = f"queue-{number:04}"
        keys = queue_keys(name)
        redis.client.sadd("asynq:queues", name)
        redis.client.mset(dict.fromkeys(keys.counters_of(days), 1234))
        for state in ("pending", "active", "scheduled", "retry", "archived", "completed"):
            _fill(redis, name, state, PER_STATE)


def fill_tasks(redis: BenchmarkRedis, tasks: int) -> None:
    """Store one queue with very many tasks in three states."""
    redis.client.sadd("asynq:queues", BIG)
    for state in STATES:
        _fill(redis, BIG, state, tasks)


def _fill(redis: BenchmarkRedis, queue: str, state: str, tasks: int) -> None:
    keys, now_s = queue_keys(queue), int(time.time())
    message = encode(
        TaskMessage(
            type="email:send",
            payload=b'{"user": 4711, "template": "welcome"}',
            id="any",
            queue=queue,
            retry=25,
            error_msg="connection refused by 10.1.2.3" if state == "archived" else "",
            retention=3600 if state == "completed" else 0,
        )
    )
    kind = "list" if state in ("pending", "active") else "zset"
    script = redis.client.register_script(FILL)
    where = (f"{keys.prefix}{state}", keys.task_prefix, kind)
    for first in range(0, tasks, PER_CALL):
        last = min(first + PER_CALL, tasks) - 1
        script(keys=where, args=(state, first, last, message, now_s - 1000))


@contextmanager
def serving(redis: BenchmarkRedis) -> Iterator[tuple[int, http.client.HTTPConnection]]:
    """Start `pyasynq web`; yield its process and a connection to it.

    Raises:
        ProgramFailedError: it did not answer in time.
    """
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND_LINE, "web", "--port", str(port), "--redis-url", redis.url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as web:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        try:
            _wait(connection)
            yield web.pid, connection
        finally:
            connection.close()
            web.terminate()


def ask(connection: http.client.HTTPConnection, case: Case) -> int:
    """Send one request; return how many bytes were answered.

    Raises:
        ProgramFailedError: the answer is not a good one.
    """
    connection.request("GET", case.path)
    found = connection.getresponse()
    body = found.read()
    if found.status not in case.statuses:
        raise ProgramFailedError(f"{case.path}: {found.status} {body[:500]!r}")
    return len(body)


def _wait(connection: http.client.HTTPConnection) -> None:
    end = time.monotonic() + LIMIT_S
    while True:
        try:
            connection.request("GET", "/readyz")
            connection.getresponse().read()
        except ConnectionError:
            connection.close()
            if time.monotonic() > end:
                raise ProgramFailedError("pyasynq web does not answer") from None
            time.sleep(0.05)
        else:
            return


def groups(options: Options) -> Iterator[Group[Case]]:
    """Return what is asked for: first of many queues, then of many tasks."""
    queues = max(100, options.tasks(QUEUES))
    tasks = max(QUICK_LEAST, options.tasks(TASKS)) if options.is_quick else TASKS
    with BenchmarkRedis() as redis:
        fill_queues(redis, queues)
        yield from _of(f"{queues:,} queues", redis, options, OF_QUEUES)
        redis.clear()
        fill_tasks(redis, tasks)
        yield from _of(f"3 x {tasks:,} tasks", redis, options, tuple(of_tasks(tasks)))


def _of(
    name: str, redis: BenchmarkRedis, options: Options, cases: tuple[Case, ...]
) -> Iterator[Group[Case]]:
    with serving(redis) as (pid, connection):

        def play(case: Case) -> Figures:
            size = ask(connection, case)  # which also opens what is needed
            used_s, redis_s = cpu_s(pid), redis.cpu_s()
            took_ms = []
            runs = max(5, options.tasks(RUNS))
            for _ in range(runs):
                started_s = time.perf_counter()
                ask(connection, case)
                took_ms.append((time.perf_counter() - started_s) * 1e3)
            return {
                "p50_ms": median(took_ms),
                "p95_ms": quantiles(took_ms, n=20)[-1],
                "cpu_ms": (cpu_s(pid) - used_s) * 1e3 / runs,
                "redis_cpu_ms": (redis.cpu_s() - redis_s) * 1e3 / runs,
                "kilobytes": size / 1e3,
            }

        chosen = options.chosen(cases)
        if chosen:
            yield Group(name, chosen, play)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__)
    answer(QUESTION, options, groups(options))


if __name__ == "__main__":
    main()
