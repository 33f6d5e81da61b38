"""A task and its options become what is stored."""

import dataclasses
import pickle
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.broker.new_tasks.prepare import info_of, prepare
from pyasynq.clock import to_datetime
from pyasynq.errors import ConfigError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task, TaskInfo, TaskState
from pyasynq.wire.message import decode
from tests.support.builders import NOW_NS, make_keys

NOW_S = 2_000_000_000


def stored(task=None, **options):
    return prepare(
        task or Task("email", b"{}"),
        EnqueueOptions(**options),
        make_keys(),
        now_ns=NOW_NS,
        new_id=lambda: "made",
    )


def test_defaults_are_those_of_go():
    message = stored().message

    assert (message.id, message.queue, message.type, message.payload) == (
        "made",
        "mail",
        "email",
        b"{}",
    )
    assert (message.retry, message.timeout, message.deadline) == (25, 1800, 0)
    assert (message.unique_key, message.group_key, message.retention) == ("", "", 0)


def test_the_bytes_are_those_of_the_message():
    prepared = stored(max_retry=3, headers={"k": "v"})

    assert decode(prepared.encoded) == prepared.message


@pytest.mark.parametrize(
    ("options", "timeout", "deadline"),
    [
        ({"timeout": 30}, 30, 0),
        ({"timeout": 0}, 1800, 0),
        ({"timeout": 0.2}, 1, 0),
        ({"timeout": timedelta(seconds=1, microseconds=1)}, 2, 0),
        ({"deadline": datetime(2033, 5, 18, 4, tzinfo=UTC)}, 0, 2_000_001_600),
        ({"timeout": 5, "deadline": datetime(2033, 5, 18, 4, tzinfo=UTC)}, 5, 2_000_001_600),
    ],
)
def test_limits_are_whole_seconds_and_never_round_to_none(options, timeout, deadline):
    message = stored(**options).message

    assert (message.timeout, message.deadline) == (timeout, deadline)


def test_a_retention_below_a_second_is_a_second():
    assert stored(retention=0.2).message.retention == 1


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ({}, TaskState.PENDING),
        ({"process_in": 5}, TaskState.SCHEDULED),
        ({"process_in": 0}, TaskState.PENDING),
        ({"process_at": datetime(2000, 1, 1, tzinfo=UTC)}, TaskState.PENDING),
        ({"group": "g"}, TaskState.AGGREGATING),
        ({"group": "g", "process_in": 5}, TaskState.SCHEDULED),
    ],
)
def test_the_state_follows_from_time_and_group(options, state):
    assert stored(**options).state is state


def test_a_time_to_wait_counts_from_the_time_of_redis():
    assert stored(process_in=1.5).process_at_ns == NOW_NS + 1_500_000_000


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        (b"{}", "asynq:{mail}:unique:email:99914b932bd37a50b983c5e7c90ae93b"),
        (b"", "asynq:{mail}:unique:email:d41d8cd98f00b204e9800998ecf8427e"),
        (None, "asynq:{mail}:unique:email:"),
    ],
)
def test_the_lock_is_about_type_and_payload(payload, key):
    prepared = stored(Task("email", payload), unique=60)

    assert (prepared.message.unique_key, prepared.unique_ttl_s) == (key, 60)


def test_a_unique_key_takes_the_place_of_the_payload():
    one = stored(Task("email", b"1"), unique=60, unique_key="user 42")
    other = stored(Task("email", b"2"), unique=60, unique_key="user 42")

    assert one.message.unique_key == other.message.unique_key


def test_the_lock_of_a_scheduled_task_lives_from_when_it_is_due():
    assert stored(unique=60, process_in=9.5).unique_ttl_s == 70


def test_headers_of_the_call_win():
    task = Task("email", headers={"a": "1", "b": "1"})

    assert stored(task, headers={"b": "2"}).message.headers == {"a": "1", "b": "2"}


def test_an_expiry_is_a_moment_or_counts_from_now():
    assert stored(expires=2).expires_at_ns == NOW_NS + 2_000_000_000
    moment = datetime(2033, 5, 18, 4, tzinfo=UTC)
    assert stored(expires=moment).expires_at_ns == 2_000_001_600_000_000_000


def test_the_info_shows_what_was_stored():
    info = info_of(stored(timeout=30, retention=60, max_retry=2), now=to_datetime(NOW_NS))

    assert (info.id, info.state, info.max_retry) == ("made", TaskState.PENDING, 2)
    assert (info.timeout, info.retention) == (timedelta(seconds=30), timedelta(seconds=60))
    assert info.next_process_at == datetime(2033, 5, 18, 3, 33, 20, 500_000, tzinfo=UTC)
    assert info_of(stored(group="g"), now=to_datetime(NOW_NS)).next_process_at is None


def test_the_info_is_like_one_made_by_its_class():
    info = info_of(stored(), now=to_datetime(NOW_NS))
    values = {each.name: getattr(info, each.name) for each in dataclasses.fields(TaskInfo)}

    same = TaskInfo(**values)

    assert type(info) is TaskInfo
    assert (info, repr(info)) == (same, repr(same))
    assert dataclasses.asdict(info) == values
    assert pickle.loads(pickle.dumps(info)) == same
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.queue = "low"


@pytest.mark.parametrize("given", [{"unique_key": "a"}, {"unique_until": "started"}])
def test_what_is_about_a_lock_needs_a_lock(given):
    with pytest.raises(ConfigError, match="need unique"):
        stored(**given)


def test_a_stronger_option_may_name_the_key_of_a_weaker_lock():
    merged = EnqueueOptions(unique_key="a").merged_over(EnqueueOptions(unique=60))

    assert (merged.unique, merged.unique_key) == (60, "a")
