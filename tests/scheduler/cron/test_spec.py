"""Cron specs that are refused, and how the text says what to write instead."""

from datetime import UTC

import pytest

from pyasynq.errors import ConfigError
from pyasynq.scheduler.cron import parse


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("* * * * 7", "'7' in the field day of the week is not within 0 to 6; Sunday is 0 or sun"),
        ("60 * * * *", "'60' in the field minute is not within 0 to 59"),
        ("* * * * monday", "is neither a number nor a name; names have three letters, as mon"),
        ("* * L * *", "L, W, H, # and ~ are not known here"),
        ("*/0 * * * *", "'*/0' in the field minute has a step of 0"),
        ("20-10 * * * *", "'20-10' in the field minute ends before it begins"),
        ("1-2-3 * * * *", "has more than one '-'"),
        ("1/2/3 * * * *", "has more than one '/'"),
        ("*/-1 * * * *", "has a negative number"),
        ("0 0 9 * * *", "it has 6 fields in place of 5; a field for seconds must be chosen"),
        (
            "* * * *",
            (
                "it has 4 fields in place of 5: minute, hour, day, month, weekday, as in "
                "'30 9 * * mon-fri'; an interval is written '@every 5m'"
            ),
        ),
        ("@Daily", "'@Daily' is not known; there are @yearly"),
        ("@every ", "'' is not a duration; write it like 1h30m"),
        ("@every 1d", "'1d' is not a duration; write it like 1h30m"),
        ("TZ=UTC", "has nothing after the time zone"),
        ("TZ=Mars 0 5 * * *", "there is no time zone 'Mars'; write one like 'Europe/Berlin'"),
        ("", "it has 0 fields in place of 5"),
    ],
)
def test_the_error_says_what_is_wrong_and_what_to_write(spec, text):
    with pytest.raises(ConfigError) as caught:
        parse(spec)

    assert text in str(caught.value)


def test_a_location_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match="no time zone 'Europe/Atlantis'"):
        parse("* * * * *", "Europe/Atlantis")


@pytest.mark.parametrize("spec", [None, 5, b"* * * * *"])
def test_a_spec_is_text(spec):
    with pytest.raises(ConfigError, match="a cron spec must be text"):
        parse(spec)


def test_five_fields_are_too_few_once_seconds_are_chosen():
    with pytest.raises(ConfigError, match="it has 5 fields in place of 6"):
        parse("* * * * *", UTC, seconds=True)
