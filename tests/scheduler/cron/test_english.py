"""Cron specs in plain English."""

import pytest

from pyasynq.scheduler.cron import parse


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("*/7 * * * *", "at minute 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
        ("0,30 * * * *", "every 30 minutes"),
        ("15 * * * *", "at minute 15 of every hour"),
        ("0 * * * *", "every hour"),
        ("0 */2 * * *", "every 2 hours"),
        ("15 */2 * * *", "at minute 15 of every 2 hours"),
        ("0 9-17 * * mon-fri", "every hour from 09:00 to 17:00 on Monday to Friday"),
        ("*/10 9-17 * * *", "every 10 minutes, from 09:00 to 17:59"),
        ("*/10 9,11,13 * * *", "every 10 minutes, in the hours 9, 11 and 13"),
        ("30 9 * * *", "at 09:30"),
        ("0 1,3,5,7,9,10 * * *", "at 01:00, 03:00, 05:00, 07:00, 09:00 and 10:00"),
        ("30 9,17 * * sat,sun", "at 09:30 and 17:30 on Sunday and Saturday"),
        ("0 0 1 1 *", "at 00:00 on day 1 of the month in January"),
        (
            "0 0 1,15 */3 *",
            "at 00:00 on days 1 and 15 of the month in January, April, July and October",
        ),
        ("0 0 13 * fri", "at 00:00 on day 13 of the month or on Friday"),
        ("0 0 30 2 *", "never"),
        ("@daily", "at 00:00"),
        ("@every 90m", "every 1 hour 30 minutes"),
        ("@every 1h", "every hour"),
        ("@every 30s", "every 30 seconds"),
        ("CRON_TZ=Asia/Tokyo 0 9 * * *", "at 09:00, Asia/Tokyo time"),
    ],
)
def test_a_spec_is_told_in_plain_english(spec, text):
    assert parse(spec).describe() == text


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("* * * * * *", "every second"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("10 30 9 * * *", "at 09:30:10"),
        ("5,10 * 9 * * mon", "at second 5 and 10 of every minute, from 09:00 to 09:59 on Monday"),
        ("5 */15 * * * *", "at second 5 of every minute, every 15 minutes"),
    ],
)
def test_seconds_are_told_where_they_were_chosen(spec, text):
    assert parse(spec, seconds=True).describe() == text
