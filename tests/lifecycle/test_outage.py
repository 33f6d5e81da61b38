"""An outage is logged when it begins and when it is over, and not in between."""

import logging

from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.outage import LoggedOnce, Outage

LOG = logging.getLogger("pyasynq.test")
AWAY = RedisUnavailableError("no route")


def lines(caplog):
    return [(line.levelname, line.getMessage()) for line in caplog.records]


def make_outage(caplog):
    caplog.set_level("INFO")
    return Outage(LOG, "fetching waits", "fetching goes on")


def test_an_outage_is_one_line_at_its_begin_and_one_at_its_end(caplog):
    outage = make_outage(caplog)

    for _ in range(3):
        outage.begins(AWAY)
    was_on = outage.is_on
    for _ in range(3):
        outage.ends()

    assert (was_on, outage.is_on) == (True, False)
    assert lines(caplog) == [
        ("WARNING", "fetching waits: no route"),
        ("INFO", "redis answers again; fetching goes on"),
    ]


def test_another_kind_of_trouble_is_logged_by_itself(caplog):
    outage = make_outage(caplog)

    outage.begins(AWAY)
    outage.begins(PyasynqError("no rights"))

    assert [level for level, _text in lines(caplog)] == ["WARNING", "ERROR"]


def test_troubles_of_two_queues_begin_and_end_alone(caplog):
    outage = make_outage(caplog)

    outage.begins(AWAY, "queue a")
    outage.begins(AWAY, "queue b")
    outage.ends("queue a")

    assert outage.is_on
    assert [text for _level, text in lines(caplog)] == [
        "fetching waits (queue a): no route",
        "fetching waits (queue b): no route",
        "redis answers again; fetching goes on (queue a)",
    ]


def test_what_is_logged_once_is_logged_again_after_it_was_over(caplog):
    once = LoggedOnce(LOG, "cannot fetch tasks of queue %s: %s")

    for trouble in ("no list", "no list", "no rights"):
        once.begins(trouble, "mail")
    once.begins("no list", "other")
    once.ends("mail")
    once.begins("no rights", "mail")

    assert [
        text.removeprefix("cannot fetch tasks of queue ") for _level, text in lines(caplog)
    ] == [
        "mail: no list",
        "mail: no rights",
        "other: no list",
        "mail: no rights",
    ]
