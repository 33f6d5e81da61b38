"""`pyasynq cron run`, `pause`, `resume` and `clear-history`."""

import json
import time

import pytest

from pyasynq.inspector import Inspector
from pyasynq.wire.records import SchedulerEntryRecord, encode_scheduler_entry
from tests.support.stored_tasks import FAR_S

TICK = "asynq:{low}:x:tick:e1"


@pytest.fixture
def entries(redis_client):
    """An entry of ours, e1, and one of Go, e2."""
    first = SchedulerEntryRecord(
        id="e1",
        spec="@every 1h",
        task_type="sweep",
        task_payload=b'{"n":1}',
        enqueue_options=('Queue("low")',),
        next_enqueue_ns=time.time_ns(),
    )
    second = SchedulerEntryRecord(id="e2", spec="@hourly", task_type="bin", task_payload=b"\xff")
    redis_client.zadd("asynq:schedulers", {"asynq:schedulers:{box:7:c1}": FAR_S})
    redis_client.rpush("asynq:schedulers:{box:7:c1}", *map(encode_scheduler_entry, (first, second)))
    redis_client.hset(TICK, mapping={"at": int(time.time()), "task": "t1"})


def test_entries_are_run_now(cli, entries, redis_url):
    done = cli("cron", "run", "e1", "e2")

    with Inspector(redis_url) as inspector:
        (first,) = inspector.schedulers.history("e1")
        (other,) = inspector.schedulers.history("e2")
        stored = inspector.tasks.get("low", first.task_id)
    lines = [
        f"Enqueued task {first.task_id} to queue low",
        f"Enqueued task {other.task_id} to queue default",
    ]
    assert done == (0, "".join(f"{line}\n" for line in lines), "")
    assert stored.payload == b'{"n":1}'


def test_a_run_may_print_nothing_but_ids(cli, entries, redis_url):
    done = cli("cron", "run", "e1", "--quiet")

    with Inspector(redis_url) as inspector:
        (event,) = inspector.schedulers.history("e1")
    assert done == (0, f"{event.task_id}\n", "")


def test_an_entry_is_paused_and_resumed(cli, entries):
    done = cli("cron", "pause", "e1", "--by", "ann", "--reason", "rain")
    shown = cli("cron", "ls").out
    (row, _go) = json.loads(cli("cron", "ls", "-o", "json").out)
    again = cli("cron", "pause", "e1")

    assert done == (0, "Paused entry e1\n", "")
    assert "  paused by ann: rain  " in shown
    assert (row["is_paused"], row["paused_by"], row["pause_reason"]) == (True, "ann", "rain")
    assert again == (4, "", "Error: scheduler entry 'e1' is already paused\n")
    assert cli("cron", "unpause", "e1") == (0, "Resumed entry e1\n", "")
    assert cli("cron", "resume", "e1").code == 4
    assert "paused" not in cli("cron", "ls").out


def test_an_entry_of_go_cannot_be_paused(cli, entries):
    done = cli("cron", "pause", "e1", "e2")

    assert (done.code, done.out) == (5, "Paused entry e1\n")
    assert done.err.startswith("Error: scheduler entry 'e2' is of a scheduler in Go, which knows")


@pytest.mark.parametrize("verb", ["run", "pause", "resume"])
def test_an_unknown_entry_is_told_with_where_to_look(cli, entries, verb):
    done = cli("cron", verb, "x")

    assert (done.code, done.out) == (3, "")
    assert done.err == (
        "Error: scheduler entry 'x' does not exist; `pyasynq cron ls` shows those of schedulers "
        "that are alive\n"
    )


def test_a_history_is_cleared(cli, entries):
    cli("cron", "run", "e1")

    done = cli("cron", "clear-history", "-", stdin="e1\n")

    assert done == (0, "Cleared the history of entry e1\n", "")
    assert cli("cron", "history", "e1").err == "Entry e1 has enqueued nothing, or there is none.\n"


def test_at_least_one_entry_is_named(cli):
    for verb in ("run", "pause", "resume", "clear-history"):
        done = cli("cron", verb)
        assert done.code == 2
        assert "name at least one entry ID" in done.err


@pytest.fixture
def long_ids(redis_client):
    for number, entry_id in enumerate(("b4d7fcf6-0a42", "b4d7aaaa-0a42")):
        record = SchedulerEntryRecord(id=entry_id, spec="@hourly", task_type=f"t{number}")
        redis_client.zadd("asynq:schedulers", {"asynq:schedulers:{box:7:c1}": FAR_S})
        redis_client.rpush("asynq:schedulers:{box:7:c1}", encode_scheduler_entry(record))


def test_the_beginning_of_an_id_is_enough(cli, long_ids):
    assert cli("cron", "run", "b4d7f").code == 0
    assert cli("cron", "run", "b4d7fcf6-0…").code == 0
    assert len(cli("cron", "history", "b4d7f", "-o", "jsonl").out.splitlines()) == 2
    assert cli("cron", "next", "b4d7f").code == 0
    assert cli("cron", "clear-history", "b4d7f").out == (
        "Cleared the history of entry b4d7fcf6-0a42\n"
    )


def test_the_beginning_of_several_ids_names_none(cli, long_ids):
    assert cli("cron", "run", "b4d7") == (
        3,
        "",
        "Error: 'b4d7' begins the IDs of 2 entries; write more of it\n",
    )
    assert cli("cron", "run", "b4d").code == 3
    assert "does not exist" in cli("cron", "run", "b4d").err
