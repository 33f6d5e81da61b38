"""What is told about how old the screen is."""

from datetime import UTC, datetime, timedelta

from pyasynq.tui.parts.freshness import Freshness

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=65)


def test_nothing_is_told_while_answers_come():
    fresh = Freshness().asked(10.0)

    assert fresh.banner(NOW, 11.0) == ""
    assert fresh.answered(NOW).banner(LATER, 99.0) == ""


def test_a_read_without_an_answer_is_told_after_a_while():
    fresh = Freshness().answered(NOW).asked(10.0)

    assert fresh.banner(LATER, 11.6) == (
        "▲ stale since 12:00:00 UTC (1m 5s), trying again: redis does not answer"
    )


def test_an_error_is_told_until_a_read_succeeds():
    fresh = Freshness().asked(1.0).failed("it is down").asked(2.0)

    assert fresh.banner(NOW, 2.1) == "▲ trying again: it is down"
    assert fresh.answered(NOW).banner(NOW, 2.2) == ""


def test_a_read_that_was_given_up_is_not_slow():
    assert Freshness().asked(1.0).given_up().banner(NOW, 99.0) == ""
