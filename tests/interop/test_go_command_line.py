"""The command line shows the columns of Go's `asynq`, and in them what Go's inspector answers.

Go's tool itself is a module of its own, which the proxy of Go modules does not have: what it prints
is written here (tools/asynq/cmd of asynq v0.26), and its values come from Go's inspector.
"""

import re
import time
from datetime import UTC, datetime

import pytest

from pyasynq.cli import main
from pyasynq.client import Client
from pyasynq.task import Task
from tests.interop.differential.theirs import Theirs
from tests.interop.differential.worker_steps import WorkerSteps

STATES = ["active", "pending", "aggregating", "scheduled", "retry", "archived", "completed"]
FAR_S = 3_600
# Of each state: the columns, and what Go's inspector calls the values that do not depend on when
# the command runs.
TASK_LISTS = {
    "active": "ID id, Type type, Payload payload",
    "pending": "ID id, Type type, Payload payload",
    "scheduled": "ID id, Type type, Payload payload, Process In",
    "retry": "ID id, Type type, Payload payload, Next Retry, Last Error last_error, "
    "Last Failed last_failed_at, Retried retried, Max Retry max_retry",
    "archived": "ID id, Type type, Payload payload, Last Failed last_failed_at, "
    "Last Error last_error",
    "completed": "ID id, Type type, Payload payload, CompletedAt completed_at, Result result",
    "aggregating": "ID id, Type type, Payload payload, Group group",
}


@pytest.fixture
def go(peer_binary, redis_server, redis_url):
    go = Theirs(peer_binary, f"127.0.0.1:{redis_server.port}/0")
    yield go
    go.close()


@pytest.fixture
def steps(redis_url, redis_client):
    """Fill Redis with two tasks of each state, servers, schedulers and counters."""
    now_s = int(time.time())
    steps = WorkerSteps(redis_client, now_s, lambda: int(time.time()))
    with Client(redis_url) as client:
        for how in ("retry", "archived", "completed", "active", "pending"):
            for number in (1, 2):
                task = Task("email", b'{"n":%d}' % number)
                client.enqueue(task, task_id=f"{how}-{number}", retention=60)
            if how == "active":
                steps.take("default", 2, FAR_S)
                steps.write_result("default", 0)
            elif how != "pending":
                steps.work("default", 2, how)
        for number in (1, 2):
            client.enqueue(Task("img:é"), task_id=f"later-{number}", process_in=FAR_S * number)
            client.enqueue(Task("email", b"1"), task_id=f"member-{number}", group="daily")
        client.enqueue(Task("email"), queue="low")
    redis_client.set("asynq:{low}:paused", now_s)
    steps.count("default", 4)
    for number in (1, 2):
        steps.show_server(number, FAR_S)
    steps.show_scheduler(2, FAR_S)
    return steps


@pytest.fixture
def printed(redis_url, monkeypatch, capsys):
    """Runs a command; returns the lines that it prints."""
    monkeypatch.setenv("PYASYNQ_REDIS_URL", redis_url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> list[str]:
        code = main.run(
            lambda: main.pyasynq.main(
                args=list(arguments), standalone_mode=False, prog_name="pyasynq"
            )
        )
        assert code == 0
        return capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def tables(printed):
    """Runs a command; returns its tables, each a list of rows by their columns."""
    return lambda *arguments: list(tables_in(printed(*arguments)))


def tables_in(lines):
    """Yield the tables of an output: a line of dashes tells where the columns are."""
    for index, line in enumerate(lines):
        if not re.fullmatch(r"-[- ]*", line):
            continue
        begins = [match.start() for match in re.finditer("-+", line)]
        spans = list(zip(begins, [*begins[1:], None], strict=True))
        end = next((at for at in range(index, len(lines)) if not lines[at]), len(lines))
        heads = [lines[index - 1][first:last].strip() for first, last in spans]
        yield [
            dict(zip(heads, (row[first:last].strip() for first, last in spans), strict=True))
            for row in lines[index + 1 : end]
        ]


def as_text(name, value):
    if name.endswith("_at"):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize("state", STATES)
def test_tasks_are_listed_in_the_columns_of_go_with_the_values_of_go(state, go, tables):
    columns = [each.rpartition(" ") for each in TASK_LISTS[state].split(", ")]
    named = {head: name for head, _, name in columns if name.islower()}
    heads = [head if name.islower() else f"{head} {name}" for head, _, name in columns]
    given = {"group": "daily"} if state == "aggregating" else {}

    (found,) = tables("task", "ls", "-q", "default", "-s", state, *given and ("-g", "daily"))
    theirs = go.call(f"List{state.capitalize()}Tasks", queue="default", **given)

    assert list(found[0]) == heads
    assert [{head: row[head] for head in named} for row in found] == [
        {head: as_text(name, task[name]) for head, name in named.items()} for task in theirs
    ]
    assert len(found) == 2


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize("state", ["active", "retry", "archived", "completed", "pending"])
def test_a_task_is_inspected_as_by_go(state, go, printed):
    fields = dict(
        line.split(":", 1) for line in printed("task", "inspect", "-q", "default", f"{state}-1")
    )
    theirs = go.call("GetTaskInfo", queue="default", id=f"{state}-1")

    assert {name: fields[name].strip() for name in ("Queue", "ID", "Type", "State", "Retried")} == {
        "Queue": theirs["queue"],
        "ID": theirs["id"],
        "Type": theirs["type"],
        "State": theirs["state"],
        "Retried": f"{theirs['retried']}/{theirs['max_retry']}",
    }
    assert ("Last failure" in fields) == bool(theirs["last_error"])
    assert theirs["last_error"] in fields.get("Last failure", "")


@pytest.mark.usefixtures("steps")
def test_a_queue_is_inspected_as_by_go(go, tables):
    counts, today = tables("queue", "inspect", "default")
    theirs = go.call("GetQueueInfo", queue="default")

    assert counts == [{state: str(theirs[state.capitalize()]) for state in STATES}]
    assert today == [
        {
            "processed": str(theirs["Processed"]),
            "failed": str(theirs["Failed"]),
            "error rate": "66.67%",
        }
    ]


@pytest.mark.usefixtures("steps")
def test_the_history_of_a_queue_is_that_of_go(go, tables):
    (found,) = tables("queue", "history", "default", "-x", "3")
    theirs = go.call("History", queue="default", days=3)

    assert [list(row) for row in found] == [["date (UTC)", "processed", "failed", "error rate"]] * 3
    assert [tuple(row.values())[:3] for row in found] == [
        (date, str(processed), str(failed)) for _queue, date, processed, failed in theirs
    ]
    assert [row["error rate"] for row in found] == ["66.67%", "80.00%", "N/A"]


@pytest.mark.usefixtures("steps")
def test_servers_are_listed_as_by_go(go, tables):
    (found,) = tables("server", "ls")
    theirs = go.call("Servers")

    heads = ["Host", "PID", "State", "Active Workers", "Queues", "Started"]
    assert list(found[0]) == heads
    assert [tuple(row.values())[:5] for row in found] == [
        (
            server["host"],
            str(server["pid"]),
            server["status"],
            f"{len(server['workers'])}/{server['concurrency']}",
            "low:3 default:1",
        )
        for server in theirs
    ]


@pytest.mark.usefixtures("steps")
def test_periodic_tasks_and_what_they_enqueued_are_listed_as_by_go(go, tables):
    (found,) = tables("cron", "ls")
    (history,) = tables("cron", "history", "entry-1")

    heads = ["EntryID", "Spec", "Type", "Payload", "Options", "Next", "Prev"]
    assert list(found[0]) == heads
    assert [(row["EntryID"], row["Spec"], row["Type"], row["Options"]) for row in found] == [
        (entry["id"], entry["spec"], entry["type"], ", ".join(entry["options"]))
        for entry in go.call("SchedulerEntries")
    ]
    assert list(history[0]) == ["TaskID", "EnqueuedAt"]
    assert [row["TaskID"] for row in history] == [
        task_id for task_id, _at in go.call("ListSchedulerEnqueueEvents", id="entry-1")
    ]


@pytest.mark.usefixtures("steps")
def test_the_overview_has_the_numbers_and_the_columns_of_go(go, tables):
    states, queues, today, redis = tables("stats")
    theirs = [go.call("GetQueueInfo", queue=queue) for queue in go.call("Queues")]

    assert states == [
        {state: str(sum(each[state.capitalize()] for each in theirs)) for state in STATES}
    ]
    assert [(row["queue"], row["size"]) for row in queues] == [
        (each["Queue"] + " (paused)" * each["Paused"], str(each["Size"])) for each in theirs
    ]
    assert today == [
        {
            "processed": str(sum(each["Processed"] for each in theirs)),
            "failed": str(sum(each["Failed"] for each in theirs)),
            "error rate": "66.67%",
        }
    ]
    heads = ["version", "uptime", "connections", "memory usage", "peak memory usage"]
    assert [list(row) for row in redis] == [heads]
    assert redis[0]["uptime"] == "0 days"
    assert redis[0]["memory usage"].endswith("B")


@pytest.mark.usefixtures("steps")
def test_names_of_queues_and_groups_are_those_of_go(go, printed, tables):
    names = printed("queue", "ls")
    (groups,) = tables("group", "ls", "-q", "default")

    assert names == go.call("Queues")
    assert [(row["Group"], int(row["Size"])) for row in groups] == go.call(
        "Groups", queue="default"
    )
