"""What is known from reading again and again, without a Redis."""

from datetime import UTC, datetime

from pyasynq.inspector.snapshot import LiveProcess, QueueCounts, Snapshot
from pyasynq.web.live.changes import joined
from pyasynq.web.live.readings import Readings

NOW_NS = 2_000_000_000 * 10**9
NOTHING = dict.fromkeys(
    ("active", "scheduled", "retry", "archived", "completed", "aggregating", "groups"), 0
)


def snapshot(seconds=0, *, server_until_s=0.0, **pending):
    """Queues by name, of which each has so many pending tasks, and has processed so many."""
    return Snapshot(
        at_ns=NOW_NS + seconds * 10**9,
        queues={
            queue: QueueCounts(
                pending=count,
                processed=count,
                failed=0,
                oldest_pending_ns=None,
                is_paused=False,
                **NOTHING,
            )
            for queue, count in pending.items()
        },
        servers={"server": LiveProcess(until_s=server_until_s, mark=1)},
        schedulers={},
    )


def test_only_what_differs_from_the_reading_before_has_changed():
    readings = Readings(10)

    assert readings.note(0, snapshot(mail=1, low=1)) == set()
    assert readings.note(2, snapshot(mail=2, low=1)) == {"queue:mail"}
    assert readings.note(4, snapshot(mail=2, low=1)) == set()
    assert readings.note(6, snapshot(low=1)) == {"queues"}


def test_who_comes_later_is_told_what_changed_not_long_before():
    readings = Readings(10)
    readings.note(0, snapshot(mail=1, low=1))
    readings.note(2, snapshot(mail=2, low=1))
    readings.note(9, snapshot(mail=2, low=2))

    assert readings.recently(10) == {"queue:mail", "queue:low"}
    assert readings.recently(15) == {"queue:low"}
    assert (readings.is_enough(9.9), readings.is_enough(10)) == (False, True)


def test_after_an_outage_anything_may_have_changed():
    readings = Readings(10)
    readings.note(0, snapshot(mail=1))
    readings.note_failure(NOW_NS + 7 * 10**9)
    readings.note_failure(NOW_NS + 9 * 10**9)

    assert readings.stale_since == datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
    assert readings.is_enough(9)
    assert readings.note(10, snapshot(9, mail=1)) == {"all"}
    assert readings.stale_since is None
    assert readings.recently(11) == {"all"}


def test_an_outage_before_the_first_reading_lasts_since_it_was_noticed():
    readings = Readings(10)
    readings.note_failure(NOW_NS)

    assert readings.stale_since == datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)


def test_a_server_that_shows_itself_is_worth_a_look_only_if_tasks_have_moved():
    readings = Readings(10)
    readings.note(0, snapshot(mail=1, server_until_s=10))

    assert readings.note(5, snapshot(5, mail=1, server_until_s=15)) == set()
    assert readings.note(7, snapshot(7, mail=2, server_until_s=15)) == {"queue:mail"}
    assert readings.note(10, snapshot(10, mail=2, server_until_s=20)) == {"servers"}
    assert readings.note(15, snapshot(15, mail=2, server_until_s=25)) == {"servers"}
    assert readings.note(20, snapshot(20, mail=2, server_until_s=30)) == set()


def test_changes_that_come_together_stay_few():
    many = [f"queue:{number}" for number in range(51)]

    assert joined(["queue:a"], ["servers", "queue:a"]) == {"queue:a", "servers"}
    assert joined(many, ["servers"]) == {"queues", "servers"}
    assert joined(many, ["all"]) == {"all"}
