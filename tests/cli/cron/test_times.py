"""`pyasynq cron next` and `explain`."""

import json
import time
from datetime import UTC, datetime

import pytest

from pyasynq.wire.records import SchedulerEntryRecord, encode_scheduler_entry
from tests.support.stored_tasks import FAR_S

NINE = datetime(2100, 1, 4, 9, tzinfo=UTC)
BERLIN = ("--timezone", "Europe/Berlin")


@pytest.fixture
def show(redis_client):
    def show(spec, next_at=NINE, **fields):
        record = SchedulerEntryRecord(
            id="e", spec=spec, next_enqueue_ns=int(next_at.timestamp()) * 10**9, **fields
        )
        redis_client.zadd("asynq:schedulers", {"asynq:schedulers:{a}": FAR_S})
        redis_client.rpush("asynq:schedulers:{a}", encode_scheduler_entry(record))

    return show


def times(done):
    assert (done.code, done.err) == (0, "")
    return [line[:23] for line in done.out.splitlines()[2:]]


def test_the_next_times_of_a_spec_are_shown(cli):
    done = cli("cron", "next", "--spec", "0 9 * * mon", "--after", "2100-01-01T00:00:00Z")

    assert times(done) == [
        "2100-01-04 09:00:00 UTC",
        "2100-01-11 09:00:00 UTC",
        "2100-01-18 09:00:00 UTC",
        "2100-01-25 09:00:00 UTC",
        "2100-02-01 09:00:00 UTC",
    ]


def test_times_of_a_zone_are_shown_beside_those_in_utc_also_when_the_clock_changes(cli):
    given = ("--spec", "0 9 * * *", "--after", "2025-03-29T00:00:00Z", "--count", "2")
    done = cli("cron", "next", *given, *BERLIN)
    rows = json.loads(cli("cron", "next", *given, *BERLIN, "-o", "json").out)
    named = cli("cron", "next", *("--spec", "TZ=Europe/Berlin 0 9 * * *", *given[2:]))

    lines = done.out.splitlines()
    assert lines[0].split() == ["Time", "Europe/Berlin", "When"]
    assert lines[2].startswith("2025-03-29 08:00:00 UTC  Sat 2025-03-29 09:00:00 +0100  ")
    assert lines[3].startswith("2025-03-30 07:00:00 UTC  Sun 2025-03-30 09:00:00 +0200  ")
    assert rows[1] == {"at": "2025-03-30T07:00:00Z", "local": "2025-03-30T09:00:00+02:00"}
    assert named.out == done.out


@pytest.mark.parametrize(
    ("spec", "options", "second"),
    [
        ("@every 90s", (), "2100-01-04 09:01:30 UTC"),
        ("0 * * * *", (), "2100-01-04 10:00:00 UTC"),
        ("*/10 * * * * *", (), "2100-01-04 09:00:10 UTC"),
        ("CRON_TZ=Europe/Berlin 0 10 * * *", (), "2100-01-05 09:00:00 UTC"),
        ("0 10 * * *", BERLIN, "2100-01-05 09:00:00 UTC"),
    ],
)
def test_the_times_of_an_entry_go_on_from_the_next_one(cli, show, spec, options, second):
    show(spec)

    assert times(cli("cron", "next", "e", "--count", "2", *options)) == [
        "2100-01-04 09:00:00 UTC",
        second,
    ]


def test_a_time_that_is_over_is_left_out(cli, show):
    show("@every 1000h", datetime(2025, 1, 1, tzinfo=UTC))
    (at,) = times(cli("cron", "next", "e", "--count", "1"))

    assert at > time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())


def test_a_spec_that_is_meant_in_an_unknown_zone_is_not_guessed(cli, show):
    show("0 10 * * *")
    done = cli("cron", "next", "e")

    assert (done.code, done.out) == (2, "")
    assert "is not meant in UTC time; name the time zone of its scheduler (--timezone)" in done.err


def test_the_pause_of_an_entry_is_told(cli, show, redis_client):
    show("@hourly")
    redis_client.hset("asynq:{default}:x:tick:e", mapping={"at": 1, "paused": "{}"})
    done = cli("cron", "next", "e")

    assert done.code == 0
    assert done.err == "Entry e is paused: until it is resumed, these pass.\n"


def test_what_is_asked_for_must_be_clear(cli):
    both = cli("cron", "next", "e", "--spec", "@daily")
    neither = cli("cron", "next")
    unknown = cli("cron", "next", "e")

    assert (both.code, neither.code, unknown.code) == (2, 2, 3)
    assert "name an ENTRY_ID, or a spec with --spec" in both.err
    assert "`pyasynq cron ls` shows" in unknown.err


@pytest.mark.parametrize("verb", [("next", "--spec"), ("explain",)])
@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("0 9 * *", "cannot be read: it has 4 fields in place of 5"),
        ("0 0 30 2 *", "never fires: there is no such day"),
        ("* * * * * *", "a field for seconds must be chosen"),
        ("", "it has 0 fields"),
    ],
)
def test_a_wrong_spec_is_told(cli, verb, spec, fault):
    done = cli("cron", *verb, spec)

    assert (done.code, done.out) == (2, "")
    assert fault in done.err


def test_a_spec_is_explained_without_a_redis(cli, monkeypatch):
    monkeypatch.setenv("PYASYNQ_REDIS_URL", "redis://127.0.0.1:1")

    done = cli("cron", "explain", "0 0 1 1 *")
    (row,) = json.loads(cli("cron", "explain", "@every", "90s", "-o", "json").out)
    seconds = cli("cron", "explain", "*/10 * * * * *", "--seconds")

    spec, due, following = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert (spec, due) == ("Spec: 0 0 1 1 *", "Due:  at 00:00 on day 1 of the month in January")
    assert following.startswith("Next: ")
    assert (row["spec"], row["description"]) == ("@every 90s", "every 1 minute 30 seconds")
    assert seconds.code == 0
