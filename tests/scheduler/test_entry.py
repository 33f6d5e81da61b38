"""Entries: their IDs, which stay, and how their options are written for Go."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.errors import ConfigError
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.entry import make_entry, make_policy
from pyasynq.task import Task

TASK = Task("report", b"{}")


def entry(spec="@daily", task=TASK, scheduler="shop", key=None, location="UTC", **options):
    return make_entry(scheduler, spec, task, EnqueueOptions(**options), key=key, location=location)


def test_the_id_of_an_entry_is_the_same_in_every_process():
    assert entry(queue="low").id == "ce2a1c07-0d5c-54cb-813b-ca5d9d47db25"


@pytest.mark.parametrize(
    "other",
    [
        {"scheduler": "other"},
        {"spec": "@hourly"},
        {"location": "Europe/Berlin"},
        {"task": Task("other", b"{}")},
        {"task": Task("report", b"[]")},
        {"task": Task("report", None)},
        {"task": Task("report", b"{}", headers={"a": "b"})},
        {"queue": "low"},
        {"max_retry": 3},
        {"headers": {"a": "c"}},
        {"unique": 60, "unique_key": "k"},
        {"expires": 60},
        {"key": "k"},
    ],
    ids=str,
)
def test_another_entry_has_another_id(other):
    assert entry().id != entry(**other).id


def test_a_key_keeps_the_id_whatever_else_changes():
    first, second = entry(key="sweep"), entry("@hourly", Task("other"), key="sweep", queue="low")

    assert first.id == second.id
    assert first.id != entry(key="sweep", scheduler="other").id


def test_options_are_written_as_go_writes_them():
    found = entry(
        task=Task("report", headers={"b": "1"}, options=EnqueueOptions(max_retry=9, timeout=60)),
        queue="low",
        max_retry=3,
        unique=timedelta(minutes=10),
        process_in=1.5,
        retention=86_400,
        deadline=datetime(2026, 1, 2, 15, 4, 5, tzinfo=UTC),
        group="g",
        task_id="id",
        headers={"a": 'q"'},
    )

    assert found.option_texts == (
        "MaxRetry(3)",
        'Queue("low")',
        'TaskID("id")',
        "Timeout(1m0s)",
        "Deadline(Fri Jan  2 15:04:05 UTC 2026)",
        "Unique(10m0s)",
        "ProcessIn(1.5s)",
        "Retention(24h0m0s)",
        'Group("g")',
        'Header(["a","q\\""])',
        'Header(["b","1"])',
    )


@pytest.mark.parametrize("spec", ["0 0 30 2 *", ", * * * *"])
def test_a_spec_that_never_fires_is_refused(spec):
    with pytest.raises(ConfigError, match="never fires"):
        entry(spec)


def test_an_interval_may_be_a_timedelta():
    found = entry(timedelta(minutes=90))

    assert (found.schedule.spec, found.id) == ("@every 5400s", entry("@every 5400s").id)


@pytest.mark.parametrize("spec", [timedelta(0), timedelta(seconds=1.5), timedelta(seconds=-5)])
def test_an_interval_is_whole_seconds(spec):
    with pytest.raises(ConfigError, match="every whole number of seconds"):
        entry(spec)


def test_what_is_enqueued_must_be_a_task():
    with pytest.raises(ConfigError, match="must be a Task, not str"):
        entry(task="report")


def test_every_wrong_argument_of_a_policy_is_named():
    with pytest.raises(ConfigError) as caught:
        make_policy(missed="never", missed_within=-1, overlap="both", jitter="1s")

    text = str(caught.value)
    assert "missed must be one of 'skip', 'once', 'all', not 'never'" in text
    assert "missed_within must be at least 0 s" in text
    assert "overlap must be one of 'allow', 'skip', 'replace', not 'both'" in text
    assert "jitter must be a timedelta or a number of seconds" in text
