"""`pyasynq queue list`, `inspect` and `history` as people and programs see them."""

import json
import re
from datetime import UTC, datetime

import pytest

from tests.support.stored_tasks import store

INSPECTED = """\
Name:    mail
Size:    3
Groups:  1
Paused:  no
Latency: 0.0 s

Task Count by State

active  pending  aggregating  scheduled  retry  archived  completed
------  -------  -----------  ---------  -----  --------  ---------
0       0        1            0          0      1         1

Daily Stats DAY UTC

processed  failed  error rate
---------  ------  ----------
8          2       25.00%
"""
HISTORY = """\
Queue: mail

date (UTC)  processed  failed  error rate
----------  ---------  ------  ----------
DAY  8          2       25.00%
"""


@pytest.fixture
def today(redis_client):
    """A queue with three tasks, which has done something today."""
    store(redis_client, "archived", "a")
    store(redis_client, "completed", "b")
    store(redis_client, "aggregating", "c", group="g")
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    redis_client.set(f"asynq:{{mail}}:processed:{day}", 8)
    redis_client.set(f"asynq:{{mail}}:failed:{day}", 2)
    return day


def test_the_names_of_queues_come_one_a_line(cli, redis_client):
    redis_client.sadd("asynq:queues", "mail", "ads")

    assert cli("queue", "ls") == (0, "ads\nmail\n", "")
    assert cli("queue", "list", "--quiet") == (0, "ads\nmail\n", "")
    assert json.loads(cli("queue", "ls", "-o", "json").out) == [{"queue": "ads"}, {"queue": "mail"}]


def test_no_queue_is_no_error(cli):
    assert cli("queue", "ls") == (0, "", "")


def test_a_queue_is_inspected(cli, today):
    assert cli("queue", "inspect", "mail") == (0, INSPECTED.replace("DAY", today), "")


def test_programs_get_the_fields_of_the_inspector(cli, today):
    (row,) = json.loads(cli("queue", "inspect", "mail", "-o", "json").out)

    assert (row["queue"], row["size"], row["processed"], row["failed"]) == ("mail", 3, 8, 2)
    assert (row["is_paused"], row["paused_since"], row["latency"]) == (False, None, 0.0)


def test_a_pause_tells_who_why_and_until_when(cli, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    until = "2100-01-31T12:00:00+02:00"
    cli("queue", "pause", "mail", "--by", "Ann", "--reason", "outage", "--until", until)

    done = cli("queue", "inspect", "mail")

    (line,) = (each for each in done.out.splitlines() if each.startswith("Paused"))
    assert re.fullmatch(
        r"Paused: +yes, since [-\d]+ [:\d]+ UTC by Ann until 2100-01-31 10:00:00 UTC: outage", line
    )


def test_the_history_has_a_line_for_each_day_today_first(cli, today):
    done = cli("queue", "history", "mail", "-x", "1")

    assert done == (0, HISTORY.replace("DAY", today), "")
    rows = json.loads(cli("queue", "history", "mail", "--days", "3", "-o", "json").out)
    assert rows[0] == {"queue": "mail", "date": today, "processed": 8, "failed": 2}
    assert len(rows) == 3


@pytest.mark.parametrize("verb", ["inspect", "history"])
def test_an_unknown_queue_is_told_with_what_may_be_meant(cli, redis_client, verb):
    redis_client.sadd("asynq:queues", "mail")

    done = cli("queue", verb, "mal")

    assert done == (3, "", "Error: queue 'mal' does not exist; did you mean 'mail'?\n")


@pytest.mark.parametrize("days", ["0", "367"])
def test_a_wrong_number_of_days_is_wrong_usage(cli, redis_client, days):
    redis_client.sadd("asynq:queues", "mail")

    done = cli("queue", "history", "mail", "-x", days)

    assert done.code == 2
    assert "days must be from 1 to 366" in done.err


def test_a_queue_must_be_named(cli):
    done = cli("queue", "inspect")

    assert done.code == 2
    assert "name at least one queue" in done.err


@pytest.mark.needs("redis-server")
def test_a_cluster_shows_slots_and_nodes(cli, cluster, redis_url):
    client = cluster.client()
    client.sadd("asynq:queues", "mail")
    client.close()

    done = cli("queue", "ls", "--redis-url", cluster.url)

    heading, _dashes, row = done.out.splitlines()
    assert heading.split("  ") == ["Queue", "Cluster KeySlot", "Cluster Nodes"]
    assert re.fullmatch(r"mail +\d+ +127\.0\.0\.1:\d+", row)
