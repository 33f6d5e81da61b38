"""An outage is logged when it begins and when it is over, and not in between."""

import logging

import pytest

from pyasynq.errors import ConfigError, PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.outage import FORGOTTEN_S, LoggedOnce, Outage

LOG = logging.getLogger("pyasynq.test")
AWAY = RedisUnavailableError("no route")


class Now:
    """A time that tests set."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def outage(caplog, now):
    caplog.set_level("INFO")
    return Outage(monotonic=now, log=LOG)


@pytest.fixture
def of_cluster(caplog, now):
    caplog.set_level("INFO")
    return Outage(monotonic=now, is_by_queue=True, log=LOG)


def lines(caplog):
    return [(line.levelname, line.getMessage()) for line in caplog.records]


def test_an_outage_is_one_line_for_all_components_and_one_when_it_is_over(outage, now, caplog):
    for component in ("processor", "heartbeater", "processor"):
        outage.failed(AWAY, component=component)
    was_on = outage.is_on
    now.seconds = 3.25
    for component in ("processor", "heartbeater", "processor"):
        outage.worked(component=component)

    assert (was_on, outage.is_on) == (True, False)
    assert lines(caplog) == [
        ("WARNING", "the server waits for redis: no route"),
        ("INFO", "redis answers again, after 3.2 s"),
    ]


def test_the_all_clear_waits_for_the_components_that_have_failed(outage, caplog):
    outage.failed(AWAY, component="processor")
    outage.failed(AWAY, component="heartbeater")

    outage.worked(component="processor")

    assert outage.is_on
    assert len(lines(caplog)) == 1


def test_a_component_that_tries_nothing_any_more_does_not_delay_the_all_clear(outage, now, caplog):
    outage.failed(AWAY, component="processor")
    outage.failed(AWAY)
    now.seconds = FORGOTTEN_S

    outage.worked(component="heartbeater")

    assert not outage.is_on
    assert lines(caplog)[-1] == ("INFO", "redis answers again, after 10.0 s")


def test_the_next_outage_is_logged_again(outage, caplog):
    for _ in range(2):
        outage.failed(AWAY)
        outage.worked()

    assert [level for level, _text in lines(caplog)] == ["WARNING", "INFO"] * 2


def test_a_refusal_is_logged_once_besides(outage, caplog):
    for error in (AWAY, ConfigError("wrong password"), AWAY, ConfigError("wrong password")):
        outage.failed(error)

    assert [level for level, _text in lines(caplog)] == ["WARNING", "ERROR"]


def test_queues_on_nodes_of_a_cluster_are_away_and_back_one_by_one(of_cluster, caplog):
    is_of_node = [
        of_cluster.failed_at_node(AWAY, component="processor", queue=queue)
        for queue in ("a", "b", "a")
    ]
    of_cluster.worked(component="processor", queue="a")

    assert is_of_node == [True] * 3
    assert of_cluster.is_on
    assert lines(caplog) == [
        ("WARNING", "the server waits for redis (queue 'a'): no route"),
        ("WARNING", "the server waits for redis (queue 'b'): no route"),
        ("INFO", "redis answers again (queue 'a'), after 0.0 s"),
    ]


def test_a_cluster_that_is_away_as_a_whole_is_one_line(of_cluster, caplog):
    of_cluster.failed(AWAY)
    of_cluster.failed_at_node(AWAY, queue="a")

    assert len(lines(caplog)) == 1


@pytest.mark.parametrize("error", [ConfigError("wrong password"), PyasynqError("refused"), None])
def test_what_no_absent_node_explains_is_left_to_the_caller(of_cluster, error, caplog):
    assert not of_cluster.failed_at_node(error, queue="a")
    assert lines(caplog) == []


def test_a_single_redis_has_no_other_nodes(outage, caplog):
    assert not outage.failed_at_node(AWAY, queue="a")
    assert lines(caplog) == []


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


def test_the_end_of_what_is_logged_once_is_told_once_if_asked_for(caplog):
    caplog.set_level("INFO")
    once = LoggedOnce(LOG, "outcomes of queue %s wait: %s", over="outcomes of queue %s go on")

    once.ends("mail")
    once.begins("no memory", "mail")
    once.ends("mail")
    once.ends("mail")

    assert lines(caplog) == [
        ("ERROR", "outcomes of queue mail wait: no memory"),
        ("INFO", "outcomes of queue mail go on"),
    ]
